// One daemon: what it is, how it is, what it has said, and every command it takes.

import { useEffect, useState } from 'preact/hooks'
import type { App } from '../app'
import * as clean from '../model/clean'
import type * as wire from '../model/wire'
import { clock, MEANINGS } from '../model/words'
import { type Device as Known } from '../model/world'
import { at, Button } from './common'
import { Controls } from './controls'
import { Forms } from './forms'
import { Hidden } from './frame'
import { Graph } from './graph'

export function Device({ app, id, now }: { app: App; id: string; now: number }) {
  const device = app.world.devices.get(id)
  const state = device?.state ?? null
  const role = state?.role ?? device?.info?.role ?? null
  return (
    <main class="device">
      <div class="head">
        <h1>
          <bdi>{device?.info?.user.user_name ?? id}</bdi> <span class="id">{id}</span>
        </h1>
        <span class={`online ${device?.status ?? ''}`}>
          <i class="dot" aria-hidden="true" /> {device?.status ?? 'never seen here'}
        </span>
        {state?.room.live_id ? <a href={at('room', state.room.live_id)}>{state.room.live_id}</a> : null}
        {device?.info ? <span class="muted">{device.info.role} · {device.info.version}</span> : null}
      </div>
      {app.hidden(id, now) ? <Hidden app={app} id={id} /> : null}
      <p class="large">
        <bdi>{state?.summary || (device?.status === 'offline' ? 'offline' : device ? '' : 'Nothing is known of this device.')}</bdi>
      </p>
      {state?.last_error ? (
        <div class="last-error">
          <b>{state.last_error.code}</b> <bdi>{state.last_error.message}</bdi>
          {MEANINGS[state.last_error.code] ? <p>{MEANINGS[state.last_error.code]}</p> : null}
        </div>
      ) : null}
      <div class="columns">
        <div>
          {state ? <Facts state={state} /> : null}
          {role === 'guest' ? <Still key={id} app={app} id={id} /> : null}
          {device && device.samples.length > 1 ? <Numbers device={device} /> : null}
          {role === 'guest' ? <Controls key={id} app={app} id={id} /> : null}
          {device ? <Events device={device} now={now} /> : null}
          {device?.info ? <About info={device.info} /> : null}
        </div>
        {role ? <Forms key={`${id} ${role}`} app={app} id={id} role={role} /> : null}
      </div>
    </main>
  )
}

const words = (one: string | null | undefined): string => (one ? one.replaceAll('_', ' ') : '–')
const percent = (one: number | null): string => (one === null ? '' : `${(one * 100).toFixed(1)} %`)

function Facts({ state }: { state: clean.State }) {
  const { camera, microphone, network } = state
  const rows: Array<[string, string]> = [['Room', `${state.room.live_id ?? '–'}, ${words(state.room.membership)}`]]
  if (state.role === 'guest') {
    rows.push(
      ['Seat', state.seat ? `${state.seat.index}, ${state.seat.phase}, ${state.seat.media}` : 'none'],
      ['Camera', [words(camera.status), camera.device, camera.quality].filter(Boolean).join(', ')],
      ['Microphone', [words(microphone.status), microphone.device, microphone.volume === null ? null : `${microphone.volume} %`].filter(Boolean).join(', ')],
      ['Speaker', state.speaker],
      ['Network', [words(network.quality), network.delay_ms === null ? null : `${Math.round(network.delay_ms)} ms`, network.up_loss ? `${percent(network.up_loss)} lost up` : null].filter(Boolean).join(', ')],
    )
    if (state.application) rows.push(['Asks for', state.application.seat_index === -1 ? 'any seat' : `seat ${state.application.seat_index}`])
    if (state.invitations.length) rows.push(['Invited by', state.invitations.map(one => one.by.operator ?? one.by.user_name).join(', ')])
  } else {
    rows.push(['Seated', String(state.connected.length)], ['Waiting', String(state.applicants_total)], ['Invited', String(state.invitees_total)], ['In the room', String(state.candidates_total)])
  }
  return (
    <section aria-label="State">
      <h2>State</h2>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <bdi>{value}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}

/** One picture of its camera, when asked for. */
function Still({ app, id }: { app: App; id: string }) {
  const [still, setStill] = useState<{ url: string; at: number } | null>(null)
  useEffect(() => () => setStill(null), [])
  const take = () =>
    void app.act('Take a still', async () => {
      const made = clean.still(await app.send(id, 'take_snapshot', {}))
      if (!made) throw new Error('no JPEG')
      const letters = made.bytes.reduce((all, byte) => all + String.fromCharCode(byte), '')
      setStill({ url: `data:image/jpeg;base64,${btoa(letters)}`, at: Date.now() })
    })
  return (
    <section aria-label="Still">
      <h2>
        Camera <Button app={app} name="Take a still" icon="camera" onPress={take}>Take a still</Button>
      </h2>
      {still ? (
        <figure>
          <img src={still.url} alt={`What the camera of ${id} saw at ${clock(still.at)}`} />
          <figcaption class="muted">{clock(still.at)}</figcaption>
        </figure>
      ) : null}
    </section>
  )
}

function Numbers({ device }: { device: Known }) {
  const of = (pick: (stats: wire.GuestStats) => number | null | undefined) => device.samples.map(one => ({ at: one.at, value: pick(one.stats) ?? null }))
  return (
    <section aria-label="Statistics">
      <h2>Statistics</h2>
      <div class="graphs">
        <Graph name="Picture" unit="Mbit/s" samples={of(one => one.video?.bitrate_kbps && one.video.bitrate_kbps / 1000)} digits={2} />
        <Graph name="Pictures" unit="/s" samples={of(one => one.video?.frame_rate)} digits={0} />
        <Graph name="Round trip" unit="ms" samples={of(one => one.round_trip_ms)} digits={0} />
        <Graph name="Loss" unit="%" samples={of(one => (one.loss === null ? null : one.loss * 100))} digits={1} />
        <Graph name="Sound" unit="dBFS" samples={of(one => one.audio?.level_dbfs)} digits={0} floor={-60} />
      </div>
    </section>
  )
}

function Events({ device, now }: { device: Known; now: number }) {
  return (
    <section aria-label="Events">
      <h2>Events</h2>
      <ol class="events" tabIndex={0} aria-label="Last events">
        {device.events.map((one, n) => (
          <li key={`${one.at} ${n}`} class={now - one.at < 3000 ? 'new' : ''}>
            <time>{clock(one.at)}</time> {words(one.event)} <bdi class="muted">{one.words}</bdi>
          </li>
        ))}
        {device.events.length ? null : <li class="muted">None since this page follows it.</li>}
      </ol>
    </section>
  )
}

function About({ info }: { info: wire.Info }) {
  const rows: Array<[string, string]> = [
    ['Version', info.version],
    ['Pipeline', info.pipeline],
    ['Encoders', info.encoders.join(', ')],
    ['Cameras', info.cameras.map(one => one.name).join(', ')],
    ['Microphones', info.microphones.map(one => one.name).join(', ')],
    ['Machine', info.machine],
  ]
  return (
    <section aria-label="About">
      <h2>About</h2>
      <dl class="facts">
        {rows.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>
              <bdi>{value || '–'}</bdi>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  )
}
