import assert from 'node:assert/strict'
import test from 'node:test'
import { wanted, type Route } from '../../src/link/subscriptions'
import { routeOf } from '../../src/app'
import { device, forget, hostState, matches, receive, takeState, waiting, world, type World } from '../../src/model/world'
import * as clean from '../../src/model/clean'
import { tileView } from '../../src/model/tile'
import { plain } from '../../src/model/words'
import { bytes, dice, golden, one } from '../golden'

const PREFIX = 'coguest/v1'
const say = (w: World, topic: string, payload: Uint8Array, now = 1000, retained = false) => receive(w, { topic: `${PREFIX}/${topic}`, payload, retained }, now)

function lobby(): World {
  const w = world(PREFIX)
  say(w, 'room/lobby/state', one('room', 'live'), 1000, true)
  say(w, 'device/host-1/state', one('state', 'host'), 1000)
  return w
}

const live = () => JSON.parse(new TextDecoder().decode(one('room', 'live')))
const host = () => JSON.parse(new TextDecoder().decode(one('state', 'host')))

test('every example of the daemon is taken in at its topic', () => {
  const w = lobby()
  assert.equal(w.rooms.get('lobby')?.room.seats.length, 3)
  assert.equal(waiting(w, w.rooms.get('lobby')!.room), 1)
  for (const [name, raw] of golden('event_at_host')) say(w, `device/host-1/event/${name}`, raw)
  for (const [name, raw] of golden('event_at_guest')) say(w, `device/kiosk-7/event/${name}`, raw)
  assert.equal(device(w, 'host-1')?.events.length, golden('event_at_host').length)
  const lines = w.log.map(line => plain(line.words))
  assert.ok(lines.includes('desk-2 accepted kiosk-7'), lines.join('\n'))
  assert.ok(lines.includes('kiosk-7: camera closed by desk-2') || lines.some(line => line.startsWith('kiosk-7: camera closed by')), lines.join('\n'))
})

test('a countdown counts from the publication, and a retained one is not believed', () => {
  const w = world(PREFIX)
  say(w, 'room/lobby/state', one('room', 'live'), 0, true)
  say(w, 'device/host-1/state', one('state', 'host'), 5000, true)
  const known = device(w, 'host-1')!
  assert.equal(known.applications.get('kiosk-8'), undefined)
  takeState(known, clean.state({ ...host(), applicants: [{ ...host().applicants[0], expires_in: 9 }] }), 'fresh', 6000)
  assert.equal(known.applications.get('kiosk-8'), 15_000)
  takeState(known, clean.state({ ...host(), applicants: [{ ...host().applicants[0], expires_in: 8 }] }), 'fresh', 6400)
  assert.equal(known.applications.get('kiosk-8'), 15_000, 'rounding moves no deadline')
  takeState(known, clean.state({ ...host(), applicants: [{ ...host().applicants[0], expires_in: null }] }), 'fresh', 7000)
  assert.equal(known.applications.get('kiosk-8'), null)
})

test('extra info lives as long as its application', () => {
  const w = lobby()
  say(w, 'device/host-1/event/application_received', one('event_at_host', 'application_received'))
  assert.equal(device(w, 'host-1')?.extras.get('kiosk-7'), 'from the lobby')
  say(w, 'device/host-1/event/application_cancelled', one('event_at_host', 'application_cancelled'))
  assert.equal(device(w, 'host-1')?.extras.has('kiosk-7'), false)
})

test('one broken retained topic costs that room, never another', () => {
  const w = lobby()
  say(w, 'room/studio/state', bytes({ ...live(), live_id: 'studio', host: null }), 1000, true)
  say(w, 'room/gate/state', bytes('{'), 1000, true)
  say(w, 'room/yard/state', one('room', 'live'), 1000, true)
  assert.deepEqual([...w.rooms.keys()], ['lobby'])
  assert.deepEqual([...w.unreadable].sort(), ['gate', 'studio', 'yard'])
  say(w, 'room/gate/state', bytes({ ...live(), live_id: 'gate' }))
  assert.ok(w.rooms.has('gate') && !w.unreadable.has('gate'))
  say(w, 'room/gate/state', new Uint8Array())
  assert.ok(!w.rooms.has('gate'))
})

test('any message on any topic: nothing throws, the world stays bounded', () => {
  const w = lobby()
  const random = dice(7)
  const levels = ['status', 'state', 'info', 'stats', 'event', 'command', '', 'x']
  const payloads = [...golden('room'), ...golden('state'), ...golden('event_at_host'), ...golden('event_at_guest')].map(([, raw]) => raw)
  const pick = <T>(list: T[]): T => list[Math.floor(random() * list.length)]!
  for (let n = 0; n < 20_000; n++) {
    const topic = pick(['room', 'device', 'response']) + `/${pick(['lobby', 'host-1', `d${n}`, '..', 'a b', ''])}/${pick(levels)}/${pick(['media_live', '__proto__', 'camera_lost', ''])}`.replace(/\/$/, '')
    const payload = random() < 0.2 ? bytes(pick(['online', 'null', '{}', '[]', '{"seats":[{"index":0}]}'])) : pick(payloads)
    assert.doesNotThrow(() => say(w, topic, payload, n, random() < 0.5), topic)
  }
  assert.ok(w.log.length <= 200)
  assert.ok(w.devices.size <= 10_000)
  for (const known of w.devices.values()) assert.ok(known.events.length <= 50 && known.samples.length <= 300)
})

test('filters never overlap, whatever page it is', () => {
  const w = lobby()
  say(w, 'room/gate/state', bytes({ ...live(), live_id: 'gate', host: { user_id: 'kiosk-7', user_name: 'x', avatar_url: '' } }))
  say(w, 'room/old/state', bytes({ ...live(), live_id: 'old', status: 'ended' }))
  const routes: Route[] = [{ page: 'rooms' }, { page: 'devices' }, { page: 'room', live_id: 'lobby' }, { page: 'wall', live_id: 'lobby', template: null }, { page: 'device', id: 'host-1' }]
  for (const route of routes) {
    for (const empty of [false, true]) {
      const filters = [...wanted(route, w, `${PREFIX}/response/me/tab`, empty).keys()]
      for (const filter of filters) {
        assert.ok(!/device\/\+\/state/.test(filter), filter)
        const topic = filter.replaceAll('+', 'anything')
        assert.deepEqual(filters.filter(other => matches(other, topic)), [filter], `${route.page}: ${topic}`)
      }
    }
  }
  const here = [...wanted(routes[2]!, w, 'r', false).keys()]
  assert.ok(here.includes(`${PREFIX}/device/kiosk-7/state`) && here.includes(`${PREFIX}/device/host-1/event/+`))
})

test('what is followed no more is forgotten', () => {
  const w = lobby()
  say(w, 'device/host-1/status', bytes('online'))
  forget(w, [`${PREFIX}/room/+/state`, `${PREFIX}/device/host-1/status`])
  assert.equal(device(w, 'host-1')?.status, 'online')
  assert.equal(hostState(w, 'host-1'), null)
  forget(w, [])
  assert.deepEqual([w.rooms.size, w.devices.size], [0, 0])
})

test('a tile says in words what its border says', () => {
  const w = lobby()
  const entry = w.rooms.get('lobby')!
  const view = (now = 2000) => tileView(w, w.rooms.get('lobby')!, w.rooms.get('lobby')!.room.seats[2]!, now)
  assert.deepEqual(tileView(w, entry, entry.room.seats[0]!, 0).words, ['free'])
  assert.equal(tileView(w, entry, entry.room.seats[1]!, 0).tone, 'locked')
  assert.ok(view().words.includes('camera closed by the host') && view().background)
  say(w, 'device/kiosk-7/event/camera_closed_by_admin', bytes({ by: { user_id: 'host-1', user_name: 'h', operator: 'anna' } }))
  assert.ok(view().words.includes('camera closed by anna'))
  assert.equal(view().tone, 'speaking')
  const room = live()
  room.seats[2].connection = 'lost'
  say(w, 'room/lobby/state', bytes(room), 10_000)
  assert.equal(view(16_000).tone, 'bad')
  assert.match(view(16_000).words[0]!, /^lost 6 s/)
})

test('a name that is in the picture is not written over it', () => {
  const w = lobby()
  const room = live()
  room.seats[2].camera = 'on'
  say(w, 'room/lobby/state', bytes(room))
  const named = () => tileView(w, w.rooms.get('lobby')!, w.rooms.get('lobby')!.room.seats[2]!, 2000).named
  const draws = (foreground: boolean) => say(w, 'device/kiosk-7/state', bytes({ role: 'guest', layers: { foreground } }))
  draws(true)
  assert.equal(named(), true)
  draws(false)
  assert.equal(named(), false)
  draws(true)
  room.seats[2].camera = 'off'
  say(w, 'room/lobby/state', bytes(room))
  assert.equal(named(), false, 'without a picture the page writes it')
})

test('addresses lead to pages, and odd ones to the rooms', () => {
  assert.deepEqual(routeOf('#/room/lobby'), { page: 'room', live_id: 'lobby' })
  assert.deepEqual(routeOf('#/wall/lobby?layout=800'), { page: 'wall', live_id: 'lobby', template: 800 })
  assert.deepEqual(routeOf('#/wall/lobby?layout=7'), { page: 'wall', live_id: 'lobby', template: null })
  assert.deepEqual(routeOf('#/device/kiosk-7'), { page: 'device', id: 'kiosk-7' })
  assert.deepEqual(routeOf('#/devices'), { page: 'devices' })
  for (const odd of ['', '#', '#/', '#/room/', '#/room/a%2Fb', '#/room/%E0%A4%A', '#/room/a/b', '#/nothing/x', '#/device/..']) assert.deepEqual(routeOf(odd), { page: 'rooms' }, odd)
})
