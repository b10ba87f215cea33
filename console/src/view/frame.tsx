// What stands around every page: where one is, who one is, the bar when the broker is away, what went wrong, what is said aloud.

import type { ComponentChildren } from 'preact'
import type { App } from '../app'
import { waiting } from '../model/world'
import { age, clock } from '../model/words'
import { at, Button, Icon } from './common'

export function Frame({ app, now, tools, children }: { app: App; now: number; tools?: ComponentChildren; children: ComponentChildren }) {
  const away = app.phase?.is === 'away' ? app.phase : null
  const route = app.route
  const rooms = [...app.world.rooms.values()].map(entry => entry.room).filter(room => room.status === 'live' || (route.page === 'room' && route.live_id === room.live_id))
  rooms.sort((one, other) => one.live_id.localeCompare(other.live_id))
  return (
    <>
      <header class="top">
        <nav aria-label="Rooms">
          <a href="#/rooms" aria-current={route.page === 'rooms' ? 'page' : undefined}>Rooms</a>
          {rooms.slice(0, 12).map(room => {
            const waits = waiting(app.world, room)
            return (
              <a key={room.live_id} href={at('room', room.live_id)} aria-current={route.page === 'room' && route.live_id === room.live_id ? 'page' : undefined}>
                {room.live_id}
                {waits ? <b class="badge" aria-label={`${waits} waiting`}>{waits}</b> : null}
              </a>
            )
          })}
          <a href="#/devices" aria-current={route.page === 'devices' ? 'page' : undefined}>Devices</a>
        </nav>
        <div class="toolset">
          {tools}
          <span class={`me ${away ? 'bad' : ''}`} title={away ? 'The broker is away' : 'Connected'}>
            <i class="dot" aria-hidden="true" /> <bdi>{app.kept.user || 'nobody'}</bdi>
            {app.broker?.delay != null && !away ? <span class="muted">{Math.round(app.broker.delay)} ms</span> : null}
          </span>
          <Button app={app} name="Leave" icon="out" tone="quiet" onPress={() => app.forgetLogin()} />
        </div>
      </header>
      {away ? (
        <div class="away" role="alert">
          <b>The broker is away</b> since {clock(away.since)} ({age(now - away.since)}). {away.why} What is shown below is how it was. Trying again…
        </div>
      ) : null}
      <div class={`below ${away ? 'gone' : ''}`} inert={away !== null}>
        {children}
      </div>
      <Notices app={app} />
    </>
  )
}

export function Notices({ app }: { app: App }) {
  return (
    <>
      <div class="notices">
        {app.notices.map(one => (
          <div key={one.key} class={`notice ${one.tone}`} role={one.tone === 'bad' ? 'alert' : 'status'}>
            <bdi>{one.words}</bdi>
            <button type="button" class="button quiet bare" aria-label="Dismiss" onClick={() => app.dismiss(one.key)}>
              <Icon name="close" />
            </button>
          </div>
        ))}
      </div>
      <div class="unseen" aria-live="polite" role="status">
        {app.said}
      </div>
    </>
  )
}

/** A device that is online and of which nothing can be read. */
export function Hidden({ app, id }: { app: App; id: string }) {
  return (
    <p class="sentence" role="alert">
      <b>{id}</b> is online, but its state cannot be read: the broker’s access list has to let <bdi>{app.kept.user || 'this login'}</bdi> read {app.world.prefix}/device/{id}/# (mosquitto-acl.example, “An operator”).
    </p>
  )
}

/** What an empty world means: nothing is there, or nothing may be read. */
export function Nothing({ app }: { app: App }) {
  const who = app.kept.user || 'a login without a name'
  const { prefix } = app.world
  if (app.refusedFilters.length) {
    return <p class="sentence" role="alert">The broker refuses to let <bdi>{who}</bdi> follow {app.refusedFilters.join(', ')}. Its access list has to grant that.</p>
  }
  return (
    <div class="sentence" role="alert">
      <p>
        <b>Nothing to read here.</b> The broker lets <bdi>{who}</bdi> in, but has shown nothing at all: either no daemon has ever been at this broker, or its access list gives <bdi>{who}</bdi> no right to read.
      </p>
      <p>An operator needs these lines in the broker’s access list (mosquitto-acl.example has them):</p>
      <pre>
        {`user ${who}\ntopic read ${prefix}/room/+/state\ntopic read ${prefix}/device/#\ntopic write ${prefix}/device/+/command/#`}
      </pre>
    </div>
  )
}
