// Every room with what it is up to, and every device by its name.

import { useState } from 'preact/hooks'
import type { App } from '../app'
import type { RoomEntry } from '../model/world'
import { hostState, waiting } from '../model/world'
import { at, Icon } from './common'
import { Nothing } from './frame'

export function Rooms({ app }: { app: App }) {
  const { world } = app
  const rooms = [...world.rooms.values()].sort((one, other) => rank(app, other) - rank(app, one) || one.room.live_id.localeCompare(other.room.live_id))
  return (
    <main class="rooms">
      <h1>Rooms</h1>
      {app.nothing && world.retained === 0 ? <Nothing app={app} /> : null}
      {rooms.length === 0 && (!app.nothing || world.retained > 0) ? (
        <p class="sentence">{app.nothing ? 'No room was opened at this broker yet. A host opens one with start_live: see Devices.' : 'Looking for rooms…'}</p>
      ) : null}
      <ul aria-label="Rooms">
        {rooms.map(entry => (
          <RoomRow key={entry.room.live_id} app={app} entry={entry} />
        ))}
        {[...world.unreadable].map(live_id => (
          <li key={live_id} class="row">
            <b>{live_id}</b>
            <span class="bad">What lies on its topic is no room.</span>
          </li>
        ))}
      </ul>
    </main>
  )
}

const rank = (app: App, entry: RoomEntry): number => (entry.room.status === 'live' ? 1 : 0) + (waiting(app.world, entry.room) > 0 ? 2 : 0)

function RoomRow({ app, entry: { room } }: { app: App; entry: RoomEntry }) {
  const waits = waiting(app.world, room)
  const host = app.world.devices.get(room.host.user_id)
  const taken = room.seats.filter(seat => seat.user).length
  const ended = room.status === 'ended'
  return (
    <li class={`row ${ended ? 'ended' : ''}`}>
      <a href={at('room', room.live_id)} class="title">
        {room.live_id}
        {waits ? <b class="badge" aria-label={`${waits} waiting`}>{waits}</b> : null}
      </a>
      <span>{ended ? 'ended' : `${taken} of ${room.seats.length} seats`}</span>
      <span class="muted">
        host <bdi>{room.host.user_name}</bdi>
      </span>
      <span class={host?.status === 'offline' ? 'bad' : 'muted'}>
        {host?.status === 'offline' ? 'the host is away' : ended ? '' : <bdi>{hostState(app.world, room.host.user_id)?.summary ?? ''}</bdi>}
      </span>
      {ended ? null : (
        <a class="button quiet" href={at('wall', room.live_id)} aria-label={`Wall of ${room.live_id}`}>
          <Icon name="wall" /> Wall
        </a>
      )}
    </li>
  )
}

const MOST_SHOWN = 500
/** kiosk-9 before kiosk-10; made once, for it sorts thousands. */
const order = new Intl.Collator(undefined, { numeric: true }).compare

export function Devices({ app }: { app: App }) {
  const [find, setFind] = useState('')
  const wanted = find.trim().toLowerCase()
  const all = [...app.world.devices.values()].filter(one => one.status !== null && (!wanted || one.id.toLowerCase().includes(wanted)))
  all.sort((one, other) => order(one.id, other.id))
  const online = all.filter(one => one.status === 'online').length
  return (
    <main class="devices">
      <h1>
        Devices <span class="muted">{online} of {all.length} online</span>
        <input class="find" type="search" aria-label="Find" placeholder="find…" value={find} onInput={event => setFind(event.currentTarget.value)} />
      </h1>
      {app.nothing && app.world.retained === 0 ? <Nothing app={app} /> : null}
      <ul aria-label="Devices">
        {all.slice(0, MOST_SHOWN).map(one => (
          <li key={one.id}>
            <a href={at('device', one.id)} class={one.status ?? ''}>
              <i class="dot" aria-hidden="true" /> {one.id} <span class="unseen">{one.status}</span>
            </a>
          </li>
        ))}
      </ul>
      {all.length > MOST_SHOWN ? <p class="muted">and {all.length - MOST_SHOWN} more: find…</p> : null}
    </main>
  )
}
