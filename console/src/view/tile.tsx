// A seat as a tile: a picture, a layer behind it, a layer over it, and what an operator may do there.

import type { ComponentType } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import type { App } from '../app'
import type { Picture } from '../media/picture'
import type { Box } from '../model/layout'
import * as may from '../model/may'
import { tileView, type TileView } from '../model/tile'
import type * as wire from '../model/wire'
import { age } from '../model/words'
import type { RoomEntry } from '../model/world'
import { at, Armed, Button, Dialog, Held, Icon, Menu, toolbarKeys, type Choice } from './common'

export interface LayerProps {
  seat: wire.Seat
  view: TileView
}

/** Always above the picture: the name, unless it is in the picture, and a struck microphone where it is closed. */
export function Foreground({ seat, view }: LayerProps) {
  const open = seat.microphone === 'on'
  if (!seat.user || (open && view.named)) return null
  return (
    <span class="pill">
      {open ? null : <Icon name="microphone" struck />}
      {view.named ? null : <bdi>{seat.user.user_name}</bdi>}
    </span>
  )
}

/** Where there is no picture: an avatar, or a person, and the name. */
export function Background({ seat }: LayerProps) {
  const [broken, setBroken] = useState('')
  if (!seat.user) return null
  const { avatar_url, user_name } = seat.user
  return (
    <div class="background">
      <span class="avatar">{avatar_url && avatar_url !== broken ? <img src={avatar_url} alt="" onError={() => setBroken(avatar_url)} /> : <Icon name="person" />}</span>
      <bdi>{user_name}</bdi>
    </div>
  )
}

export interface Layers {
  Foreground: ComponentType<LayerProps>
  Background: ComponentType<LayerProps>
}

interface TileProps {
  app: App
  entry: RoomEntry
  seat: wire.Seat
  box: Box | null
  layers: Layers
  now: number
  /** A wall has no buttons. */
  wall?: boolean
  onDrop?: (user_id: string) => void
}

export const DRAGGED = 'application/x-coguest-user'

export function Tile({ app, entry, seat, box, layers: { Foreground, Background }, now, wall, onDrop }: TileProps) {
  const [sheet, setSheet] = useState(false)
  const [over, setOver] = useState(false)
  const region = useRef<HTMLElement>(null)
  const view = tileView(app.world, entry, seat, now)
  const { room } = entry
  const name = seat.user?.user_name ?? 'free'
  const shows = may.mayPicture(room, seat)
  const chosen = seat.user !== null && app.chosen === seat.user.user_id
  const style = box ? { left: `${box.x}px`, top: `${box.y}px`, width: `${box.width}px`, height: `${box.height}px` } : undefined
  const drop = (event: DragEvent) => {
    setOver(false)
    const dragged = event.dataTransfer?.getData(DRAGGED)
    if (!dragged || !onDrop) return
    event.preventDefault()
    onDrop(dragged)
  }
  const touch = () => {
    if (wall || !seat.user) return
    app.choose(seat.user.user_id)
    if (matchMedia('(max-width: 760px)').matches) setSheet(true)
  }
  return (
    <section
      ref={region}
      class={`tile ${view.tone} ${over ? 'over' : ''} ${chosen ? 'chosen' : ''} ${box ? '' : 'loose'}`}
      style={style}
      aria-label={`Seat ${seat.index}: ${name}`}
      draggable={!wall && seat.user !== null}
      onClick={touch}
      onDragStart={event => event.dataTransfer?.setData(DRAGGED, seat.user?.user_id ?? '')}
      onDragOver={event => {
        if (!onDrop || !event.dataTransfer?.types.includes(DRAGGED)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      {seat.user ? (
        <>
          {view.background ? <Background seat={seat} view={view} /> : null}
          {!view.background && shows === null ? (
            <Moving key={seat.user.user_id} app={app} guest={seat.user.user_id} region={region} Background={() => <Background seat={seat} view={view} />} />
          ) : null}
          {!view.background && shows !== null ? (
            <>
              <Background seat={seat} view={view} />
              <span class="note">{shows}</span>
            </>
          ) : null}
          <div class="foot">
            <Foreground seat={seat} view={view} />
            <span class="states">
              {view.words.map(word => (
                <span class="state">
                  <bdi>{word}</bdi>
                </span>
              ))}
            </span>
          </div>
          <Level dbfs={view.level} />
          {view.detail && !wall ? <span class="detail">{view.detail}</span> : null}
          {wall ? null : <Tools app={app} entry={entry} seat={seat} onSheet={() => setSheet(true)} />}
        </>
      ) : (
        <Free app={app} room={room} seat={seat} wall={wall === true} />
      )}
      {sheet && seat.user ? (
        <Dialog name={`${name} · ${seat.user.user_id}`} sheet onClose={() => setSheet(false)}>
          <p class="muted">
            Seat {seat.index}
            {view.words.length ? `: ${view.words.join(', ')}` : ''}
            {view.detail ? <><br />{view.detail}</> : null}
          </p>
          <div class="actions">
            <Actions app={app} entry={entry} seat={seat} labels onDone={() => setSheet(false)} />
          </div>
        </Dialog>
      ) : null}
    </section>
  )
}

function Free({ app, room, seat, wall }: { app: App; room: wire.Room; seat: wire.Seat; wall: boolean }) {
  const act = seat.locked ? 'Unlock' : 'Lock'
  const name = `${act} seat ${seat.index}`
  return (
    <div class="vacant">
      <span class="which">
        seat {seat.index} · {seat.locked ? 'locked' : 'free'}
      </span>
      {wall ? null : (
        <Button
          app={app}
          name={name}
          icon={seat.locked ? 'unlock' : 'lock'}
          tone="quiet"
          why={may.mayAct(room, app.world.devices.get(room.host.user_id)?.status ?? null)}
          onPress={() => void app.act(name, () => app.host(room, seat.locked ? 'unlock_seat' : 'lock_seat', { seat_index: seat.index }))}
        >
          {act}
        </Button>
      )}
    </div>
  )
}

/** The picture of whoever sits there, in a video element whose stream a source makes. */
function Moving({ app, guest, region, Background }: { app: App; guest: string; region: { current: HTMLElement | null }; Background: ComponentType }) {
  const video = useRef<HTMLVideoElement>(null)
  const [picture, setPicture] = useState<Picture | null>(null)
  useEffect(() => {
    const made = app.watch.open(guest, app.redraw)
    setPicture(made)
    const seen = new IntersectionObserver(([one]) => made.see(one?.isIntersecting === true))
    if (region.current) seen.observe(region.current)
    return () => {
      seen.disconnect()
      made.close()
    }
  }, [guest])
  const stream = picture?.stream ?? null
  useEffect(() => {
    if (!video.current || video.current.srcObject === stream) return
    video.current.srcObject = stream
    // A new stream ends the wait of the old one with an AbortError: nothing to say about that.
    video.current.play().catch(() => undefined)
  }, [stream])
  const old = picture?.at ? Date.now() - picture.at : null
  return (
    <>
      {old === null ? <Background /> : null}
      <video ref={video} class={`picture ${app.kept.fill ? 'fill' : ''} ${old === null ? 'none' : ''}`} autoPlay muted playsInline aria-label="Picture" />
      {picture?.why ? <span class="note">{picture.why}</span> : null}
      {old !== null && picture?.kind ? <span class={`kind ${old > 5000 ? 'old' : ''}`}>{old > 2500 ? `${picture.kind}, ${age(old)} old` : picture.kind}</span> : null}
    </>
  )
}

const QUIETEST = -60

function Level({ dbfs }: { dbfs: number | null }) {
  if (dbfs === null) return null
  const share = Math.max(0, Math.min(1, (dbfs - QUIETEST) / -QUIETEST))
  return (
    <span class="level" role="img" aria-label={`Level ${Math.round(dbfs)} dBFS`}>
      <i style={{ transform: `scaleX(${share})` }} />
    </span>
  )
}

function Tools({ app, entry, seat, onSheet }: { app: App; entry: RoomEntry; seat: wire.Seat; onSheet: () => void }) {
  return (
    <>
      <div class="tools" role="toolbar" aria-label={`Controls of ${seat.user!.user_name}`} onKeyDown={toolbarKeys}>
        <Actions app={app} entry={entry} seat={seat} />
      </div>
      <div class="few">
        <Button app={app} name={`Controls of ${seat.user!.user_name}`} icon="more" onPress={onSheet} />
      </div>
    </>
  )
}

interface ActionsProps {
  app: App
  entry: RoomEntry
  seat: wire.Seat
  labels?: boolean
  onDone?: () => void
}

/** Every button of a seated guest; on a tile as icons, on a sheet with words. */
function Actions({ app, entry: { room }, seat, labels, onDone }: ActionsProps) {
  const { user_id, user_name } = seat.user!
  const why = may.mayAct(room, app.world.devices.get(room.host.user_id)?.status ?? null) ?? may.mayControl(room, user_id)
  const act = (name: string, what: () => Promise<unknown>) => void app.act(name, what).then(done => done && onDone?.())
  const device = (what: 'camera' | 'microphone', first: boolean) => {
    const open = seat[what] !== 'closed_by_admin'
    const name = `${open ? 'Close' : 'Open'} ${what} of ${user_name}`
    const command = `${open ? 'close' : 'open'}_remote_${what}` as const
    return (
      <Button app={app} name={name} icon={what} struck={!open} pressed={!open} why={why} tabIndex={first || labels ? 0 : -1} onPress={() => act(name, () => app.host(room, command, { user_id }))}>
        {labels ? `${open ? 'Close' : 'Open'} ${what}` : undefined}
      </Button>
    )
  }
  const lock = `Lock seat ${seat.index}`
  const rest = labels ? 0 : -1
  return (
    <>
      {seat.media === 'audio' ? null : device('camera', true)}
      {device('microphone', seat.media === 'audio')}
      <Held app={app} name={`Talk to ${user_name}`} icon="talk" pressed={app.talk.to.has(user_id)} why={app.talk.whyNot(user_id)} tabIndex={rest} onHold={() => void app.talk.begin([user_id], false)} onLetGo={() => app.talk.end()}>
        {labels ? 'Talk' : undefined}
      </Held>
      <Button app={app} name={`Solo ${user_name}`} icon="ear" pressed={app.watch.solo === user_id} tabIndex={rest} onPress={() => {
        app.watch.solo = app.watch.solo === user_id ? null : user_id
        app.redraw()
      }}>
        {labels ? 'Solo' : undefined}
      </Button>
      <Menu app={app} name={`Move ${user_name}`} icon="move" why={why} tabIndex={rest} choices={() => moves(app, room, seat, onDone)}>
        {labels ? 'Move' : undefined}
      </Menu>
      <Button app={app} name={`Pin ${user_name}`} icon="pin" pressed={app.pinned === seat.index} tabIndex={rest} onPress={() => {
        app.pinned = app.pinned === seat.index ? null : seat.index
        app.redraw()
        onDone?.()
      }}>
        {labels ? 'Pin' : undefined}
      </Button>
      <a class={`button ${labels ? '' : 'bare'}`} href={at('device', user_id)} aria-label={`Device of ${user_name}`} title={`Device of ${user_name}`} tabIndex={rest} draggable={false} onClick={event => event.stopPropagation()}>
        <Icon name="info" />
        {labels ? 'Device' : null}
      </a>
      <Armed app={app} name={lock} icon="lock" why={why} tabIndex={rest} {...(labels ? { label: 'Lock seat' } : {})} onPress={() => act(lock, () => app.host(room, 'lock_seat', { seat_index: seat.index }))} />
      <Armed app={app} name={`Kick ${user_name}`} icon="kick" why={why} tabIndex={rest} {...(labels ? { label: 'Kick' } : {})} onPress={() => act(`Kick ${user_name}`, () => app.host(room, 'kick_user_out_of_seat', { user_id }))} />
    </>
  )
}

function moves(app: App, room: wire.Room, seat: wire.Seat, onDone?: () => void): Choice[] {
  const { user_id } = seat.user!
  return room.seats
    .filter(one => one !== seat)
    .map(one => ({
      label: `Seat ${one.index}${one.user ? ` · swap with ${one.user.user_name}` : one.locked ? ' · locked' : ' · free'}`,
      why: may.mayMove(room, user_id, one.index),
      onChoose: () => {
        onDone?.()
        void move(app, room, user_id, one.index)
      },
    }))
}

/** Moves somebody; a swap is asked before. */
export function move(app: App, room: wire.Room, user_id: string, index: number): Promise<unknown> {
  const who = room.seats.find(seat => seat.user?.user_id === user_id)?.user
  const why = may.mayMove(room, user_id, index)
  if (!who || why) return Promise.resolve(why && app.tell('note', why))
  if (may.isSwap(room, index)) {
    app.asks = { room, user_id, index }
    return Promise.resolve(app.redraw())
  }
  return app.act(`Move ${who.user_name}`, () => app.host(room, 'move_user_to_seat', { user_id, seat_index: index }))
}

/** The question before a swap. */
export function SwapDialog({ app }: { app: App }) {
  const asks = app.asks
  if (!asks) return null
  const nameAt = (match: (seat: wire.Seat) => boolean) => asks.room.seats.find(match)?.user?.user_name ?? 'nobody'
  const one = nameAt(seat => seat.user?.user_id === asks.user_id)
  const other = nameAt(seat => seat.index === asks.index)
  const close = () => {
    app.asks = null
    app.redraw()
  }
  return (
    <Dialog name="Swap seats" onClose={close}>
      <p>
        <bdi>{one}</bdi> goes to seat {asks.index}, and <bdi>{other}</bdi> takes its place.
      </p>
      <div class="actions">
        <Button app={app} name="Swap" tone="go" onPress={() => {
          close()
          void app.act(`Move ${one}`, () => app.host(asks.room, 'move_user_to_seat', { user_id: asks.user_id, seat_index: asks.index, policy: 'swap_position' }))
        }}>
          Swap
        </Button>
        <Button app={app} name="Leave them" onPress={close}>
          Leave them
        </Button>
      </div>
    </Dialog>
  )
}
