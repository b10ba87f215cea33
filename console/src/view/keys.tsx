// The keyboard, while nobody types.

import { useLayoutEffect } from 'preact/hooks'
import type { App } from '../app'
import * as may from '../model/may'
import { hostState, type RoomEntry } from '../model/world'
import { Dialog } from './common'

const HELP: Array<[string, string]> = [
  ['0 – 9', 'choose the seat of that number'],
  ['A', 'accept whoever has waited longest'],
  ['R', 'reject whoever has waited longest'],
  ['V', 'close or open the camera of the chosen seat'],
  ['M', 'close or open the microphone of the chosen seat'],
  ['X X', 'kick whoever sits on the chosen seat'],
  ['hold Space', 'talk to the chosen seat'],
  ['hold Shift+Space', 'talk to all'],
  ['S', 'hear the chosen seat alone, or all again'],
  ['/', 'find somebody in the room'],
  ['Esc', 'choose nobody'],
  ['?', 'this help'],
]

interface KeysProps {
  app: App
  entry: RoomEntry
  help: boolean
  onHelp: (open: boolean) => void
}

export function Keys({ app, entry, help, onHelp }: KeysProps) {
  // Before the browser paints: a key pressed on sight of a room must meet that room, not the one before.
  useLayoutEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || types(event.target) || document.querySelector('dialog[open]')) return
      if (app.phase?.is !== 'up') return
      if (event.key === ' ') {
        if (event.target instanceof HTMLElement && event.target.matches('button, a, summary')) return
        if (!event.repeat) talk(app, event.shiftKey)
      } else if (event.key === '?') onHelp(true)
      else if (event.key === '/') document.getElementById('find')?.focus()
      else if (event.key === 'Escape') app.choose(null)
      else if (/^[0-9]$/.test(event.key)) choose(app, entry, Number(event.key))
      else if (event.key === 'a' || event.key === 'r') answer(app, entry, event.key === 'a' ? 'accept' : 'reject')
      else if (!control(app, entry, event.key)) return
      event.preventDefault()
    }
    const letGo = (event: Event) => {
      if (!(event instanceof KeyboardEvent) || event.key === ' ') app.talk.end()
    }
    addEventListener('keydown', pressed)
    addEventListener('keyup', letGo)
    addEventListener('blur', letGo)
    return () => {
      removeEventListener('keydown', pressed)
      removeEventListener('keyup', letGo)
      removeEventListener('blur', letGo)
    }
  }, [entry])
  if (!help) return null
  return (
    <Dialog name="Keys" onClose={() => onHelp(false)}>
      <dl class="help">
        {HELP.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <p class="muted">Drag somebody onto a seat to accept, invite or move; a tile onto another tile swaps them, and asks before.</p>
    </Dialog>
  )
}

const types = (target: EventTarget | null) => target instanceof HTMLElement && (target.matches('input, select, textarea, [role="menuitem"]') || target.isContentEditable)

function choose(app: App, { room }: RoomEntry, index: number) {
  const user = room.seats.find(seat => seat.index === index)?.user ?? null
  app.choose(user?.user_id ?? null)
  app.say(user ? `Seat ${index}: ${user.user_name}, chosen` : `Nobody sits on seat ${index}`)
}

function talk(app: App, all: boolean) {
  const guests = all ? app.watch.guests : app.chosen ? [app.chosen] : []
  const why = app.talk.why ?? (all ? (guests.length ? null : 'Nobody is watched.') : app.chosen ? app.talk.whyNot(app.chosen) : 'Choose a seat first: press its number.')
  if (why) return app.tell('note', why)
  void app.talk.begin(guests, all)
}

function answer(app: App, { room }: RoomEntry, how: 'accept' | 'reject') {
  const oldest = hostState(app.world, room.host.user_id)?.applicants[0]
  if (!oldest) return app.tell('note', 'Nobody waits.')
  const why = may.mayAct(room, app.world.devices.get(room.host.user_id)?.status ?? null)
  if (why) return app.tell('note', why)
  void app.answer(room, oldest, how, -1)
}

function control(app: App, { room }: RoomEntry, key: string): boolean {
  if (key === 's') {
    app.watch.solo = app.watch.solo === app.chosen ? null : app.chosen
    app.redraw()
    return true
  }
  const what = { v: 'camera', m: 'microphone' }[key] as 'camera' | 'microphone' | undefined
  if (what === undefined && key !== 'x') return false
  const seat = room.seats.find(one => one.user !== null && one.user.user_id === app.chosen)
  if (!seat?.user) {
    app.tell('note', 'Choose a seat first: press its number.')
    return true
  }
  const { user_id, user_name } = seat.user
  if (what === undefined) {
    app.arm(`Kick ${user_name}`, () => void app.act(`Kick ${user_name}`, () => app.host(room, 'kick_user_out_of_seat', { user_id })))
    return true
  }
  const open = seat[what] !== 'closed_by_admin'
  void app.act(`${open ? 'Close' : 'Open'} ${what} of ${user_name}`, () => app.host(room, `${open ? 'close' : 'open'}_remote_${what}`, { user_id }))
  return true
}
