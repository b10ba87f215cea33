// A room for whoever runs it: seats, people, log.

import { useState } from 'preact/hooks'
import type { App } from '../app'
import { TEMPLATES, type Template } from '../model/layout'
import * as may from '../model/may'
import type * as wire from '../model/wire'
import { device, hostState, type RoomEntry } from '../model/world'
import { Canvas } from './canvas'
import { at, Button, Dialog, Held } from './common'
import { Frame, Hidden, Nothing } from './frame'
import { Keys } from './keys'
import { Log } from './log'
import { People } from './people'
import { Background, Foreground, move, SwapDialog, type Layers } from './tile'

const LAYERS: Layers = { Foreground, Background }

export function Room({ app, live_id, now }: { app: App; live_id: string; now: number }) {
  const [help, setHelp] = useState(false)
  const [ending, setEnding] = useState(false)
  const entry = app.world.rooms.get(live_id)
  const tools = (
    <>
      <label class="pick">
        <span class="unseen">Layout</span>
        <select value={String(app.template())} onChange={event => app.keep({ template: Number(event.currentTarget.value) as Template })}>
          {TEMPLATES.map(one => (
            <option key={one.id} value={String(one.id)} title={one.what}>{one.name}</option>
          ))}
        </select>
      </label>
      <Held app={app} name="Talk to all" icon="talk" tone="quiet" pressed={app.talk.to.size > 1} why={app.talk.why ?? (app.watch.guests.length ? null : 'Nobody is watched.')} onHold={() => void app.talk.begin(app.watch.guests, true)} onLetGo={() => app.talk.end()}>
        Talk to all
      </Held>
      <Button app={app} name="Fill the tiles" icon="fill" tone="quiet" pressed={app.kept.fill} onPress={() => app.keep({ fill: !app.kept.fill })} />
      <Button app={app} name="Sound for a new applicant" icon="sound" struck={!app.kept.sound} tone="quiet" pressed={app.kept.sound} onPress={() => app.keep({ sound: !app.kept.sound })} />
      <Button app={app} name="Help" icon="help" tone="quiet" onPress={() => setHelp(true)} />
    </>
  )
  return (
    <Frame app={app} now={now} tools={tools}>
      {entry ? <Running app={app} entry={entry} now={now} onEnd={() => setEnding(true)} /> : <Absent app={app} live_id={live_id} />}
      {entry ? <Keys app={app} entry={entry} help={help} onHelp={setHelp} /> : null}
      {ending && entry ? <EndLive app={app} room={entry.room} onClose={() => setEnding(false)} /> : null}
      <SwapDialog app={app} />
    </Frame>
  )
}

function Absent({ app, live_id }: { app: App; live_id: string }) {
  if (app.nothing && app.world.retained === 0) {
    return (
      <main class="rooms">
        <Nothing app={app} />
      </main>
    )
  }
  const broken = app.world.unreadable.has(live_id)
  return (
    <main class="rooms">
      <h1>{live_id}</h1>
      <p class="sentence">{broken ? 'What lies on this room’s topic is no room.' : 'There is no such room. It is shown as soon as its host starts it.'}</p>
      <p>
        <a href="#/rooms">All rooms</a>
      </p>
    </main>
  )
}

function Running({ app, entry, now, onEnd }: { app: App; entry: RoomEntry; now: number; onEnd: () => void }) {
  const { room } = entry
  const host = device(app.world, room.host.user_id)
  const state = hostState(app.world, room.host.user_id)
  const away = host?.status === 'offline'
  const own = state?.room.live_id === room.live_id ? state : null
  const of = new Set([room.host.user_id, ...room.seats.flatMap(seat => (seat.user ? [seat.user.user_id] : []))])
  const lists = own !== null && room.status === 'live'
  return (
    <div class={`room ${own?.applicants_total ? 'wanted' : ''} ${lists ? '' : 'alone'}`}>
      <main aria-label={`Room ${room.live_id}`}>
        <div class="status">
          <h1>{room.live_id}</h1>
          <span class="summary">
            {room.status === 'ended' ? 'ended' : away ? <b class="bad">{room.host.user_name}, the host, is away: guests keep their seats for a while, and wait for it</b> : <bdi>{own?.summary || `live, ${room.seats.filter(seat => seat.user).length} of ${room.seats.length} seats taken`}</bdi>}
          </span>
          {room.seat_mode === 'free' && room.status === 'live' ? <span class="muted">seats are free to take</span> : null}
          <a class="muted" href={at('device', room.host.user_id)}>host <bdi>{room.host.user_name}</bdi></a>
          {room.status === 'live' ? <Button app={app} name="End live" tone="quiet" why={may.mayAct(room, host?.status ?? null)} onPress={onEnd}>End live</Button> : null}
        </div>
        {app.hidden(room.host.user_id, now) ? <Hidden app={app} id={room.host.user_id} /> : null}
        {room.status === 'ended' ? (
          <StartLive app={app} room={room} />
        ) : (
          <Canvas app={app} entry={entry} template={app.template()} layers={LAYERS} now={now} onDrop={(user_id, index) => drop(app, room, user_id, index)} />
        )}
      </main>
      {lists && host ? <People app={app} room={room} device={host} state={own} now={now} /> : null}
      <Log app={app} of={of} />
    </div>
  )
}

/** Somebody is dropped on a seat: an applicant is accepted there, whoever sits moves, everybody else is invited. */
function drop(app: App, room: wire.Room, user_id: string, index: number): void {
  const state = hostState(app.world, room.host.user_id)
  if (room.seats.some(seat => seat.user?.user_id === user_id)) return void move(app, room, user_id, index)
  const applicant = state?.applicants.find(one => one.user.user_id === user_id)
  const why = !state ? 'The host says nothing yet.' : applicant ? may.mayAccept(room, state, user_id, index) : may.mayInvite(room, state, user_id, index)
  if (why) return app.tell('note', why)
  if (applicant) return void app.answer(room, applicant, 'accept', index)
  const name = state?.candidates.find(one => one.user_id === user_id)?.user_name ?? user_id
  void app.act(`Invite ${name}`, () => app.host(room, 'invite_to_seat', { invitee_id: user_id, seat_index: index }))
}

function EndLive({ app, room, onClose }: { app: App; room: wire.Room; onClose: () => void }) {
  const [typed, setTyped] = useState('')
  const right = typed.trim() === room.live_id
  const end = (event: Event) => {
    event.preventDefault()
    if (!right) return
    onClose()
    void app.act('End live', () => app.host(room, 'end_live', {}))
  }
  return (
    <Dialog name={`End ${room.live_id}`} onClose={onClose}>
      <form onSubmit={end}>
        <p>Everybody leaves the seats and the room. Type its name to end it:</p>
        <label>
          <span class="label">Name of the room</span>
          <input autofocus value={typed} autocomplete="off" spellcheck={false} autocapitalize="off" placeholder={room.live_id} onInput={event => setTyped(event.currentTarget.value)} />
        </label>
        <div class="actions">
          <button type="submit" class="button bad" aria-disabled={!right}>End it</button>
          <button type="button" class="button" onClick={onClose}>Leave it on</button>
        </div>
      </form>
    </Dialog>
  )
}

function StartLive({ app, room }: { app: App; room: wire.Room }) {
  const [seats, setSeats] = useState(room.seats.length)
  const [mode, setMode] = useState(room.seat_mode)
  const away = app.world.devices.get(room.host.user_id)?.status === 'offline'
  const start = (event: Event) => {
    event.preventDefault()
    void app.act('Start live', () => app.host(room, 'start_live', { live_id: room.live_id, seats, seat_mode: mode }))
  }
  return (
    <form class="start" onSubmit={start} aria-label="Start live">
      <p class="sentence">This live has ended.{away ? ` ${room.host.user_name}, its host, is away.` : ''}</p>
      <label>
        <span class="label">Seats</span>
        <input type="number" min={1} max={32} required value={seats} onInput={event => setSeats(event.currentTarget.valueAsNumber || 1)} />
      </label>
      <label>
        <span class="label">A seat is</span>
        <select value={mode} onChange={event => setMode(event.currentTarget.value as wire.Room['seat_mode'])}>
          <option value="apply">applied for</option>
          <option value="free">free to take</option>
        </select>
      </label>
      <button type="submit" class="button go" aria-busy={app.pending.has('Start live')} disabled={away}>Start live</button>
    </form>
  )
}
