import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { one } from '../golden'
import { Stand, until } from '../stand'

// A broker where one may say everything and others nothing, and what somebody with that right may lay there.

let stand: Stand
before(async () => {
  stand = await Stand.open('all')
})
after(() => stand.close())

const golden = (kind: string, name: string) => JSON.parse(new TextDecoder().decode(one(kind, name)))

const EVIL = { user_id: 'kiosk-9', user_name: `<img src=x onerror=alert(1)>\u202egnp.\u202d${'\u0301'.repeat(60)}`, avatar_url: 'https://example.org/track.png' }
const ODD = ['{"live_id":"lobby"', '[]', 'null', '7', '"\\ud800"', '{"__proto__":{"status":"live"}}', '{"live_id":"NAME","status":"live","host":null,"seats":[]}', '{"live_id":"NAME","status":"live","host":{"user_id":"../x"},"seats":[{"index":1e308}]}', '{"live_id":"NAME","seats":{"length":1e9}}', '\u0000', 'x'.repeat(70_000)]

function lobby() {
  const room = golden('room', 'live')
  const seats = Array.from({ length: 60 }, (_, index) => ({ ...room.seats[0], index }))
  seats[0] = { ...room.seats[2], index: 0, user: EVIL, camera: 'on' }
  return { ...room, seats: [...seats, ...seats] }
}

test('a hostile set of retained topics costs those topics only, and asks for nothing outside', async () => {
  const state = golden('state', 'host')
  const many = Array.from({ length: 150 }, (_, n) => ({ ...EVIL, user_id: `u${n}` }))
  const application = { user: EVIL, seat_index: -1, media: 'video', expires_in: 30, extra_info: '\u202e<script>alert(1)</script>' }
  await stand.say([
    ...ODD.flatMap((payload, n) => [
      { topic: `room/odd-${n}/state`, payload: payload.replace('NAME', `odd-${n}`) },
      { topic: `device/odd-${n}/status`, payload },
    ]),
    { topic: 'room/lobby/state', payload: JSON.stringify(lobby()) },
    { topic: 'device/host-1/status', payload: 'online' },
    { topic: 'device/host-1/state', payload: JSON.stringify({ ...state, applicants: [application, application], candidates: many, candidates_total: 1e300 }) },
    { topic: 'device/kiosk-9/state', payload: '{"role":"guest","camera":[],"seat":{"index":-5,"phase":"{}"},"summary":{"a":1}}' },
  ])
  const visit = await stand.page()
  const { page } = visit
  await visit.enter('#/rooms')
  await page.getByRole('list', { name: 'Rooms' }).getByText('What lies on its topic is no room.').first().waitFor()
  await page.getByRole('list', { name: 'Rooms' }).getByRole('link', { name: 'lobby', exact: true }).click()
  await page.getByRole('list', { name: 'Waiting', exact: true }).getByText('<script>alert(1)</script>').waitFor()
  assert.equal(await page.getByRole('region', { name: /^Seat \d+: / }).count(), 32)
  const name = '<img src=x onerror=alert(1)>gnp.\u0301\u0301\u0301'
  await visit.region(`Seat 0: ${name}`).waitFor()
  assert.equal(await page.evaluate(() => document.querySelectorAll('script').length), 1, 'the page’s own script is the only one')
  assert.equal(await page.evaluate(() => document.querySelectorAll('img, iframe, a[href*="example"]').length), 0)
  assert.equal(await page.getByRole('list', { name: 'In the room', exact: true }).getByRole('button', { name: /^Invite / }).count() <= 100, true)
  visit.calm()
})

test('who may read nothing is told so, and which lines the access list needs', async () => {
  const visit = await stand.page()
  await visit.enter('', 'stranger')
  await visit.page.getByRole('alert').getByText('Nothing to read here.').waitFor()
  await visit.page.getByText('topic read coguest/v1/room/+/state').waitFor()
  visit.calm()
})

test('a thousand messages a second do not keep anybody from typing', async () => {
  const visit = await stand.page()
  const { page } = visit
  await stand.say([{ topic: 'room/lobby/state', payload: JSON.stringify(golden('room', 'live')) }])
  await visit.enter('#/room/lobby')
  await visit.region('Seat 2: kiosk-7').waitFor()
  const payload = JSON.stringify(golden('event_at_host', 'guest_connection'))
  let on = true
  const flood = (async () => {
    while (on) {
      await stand.say(Array.from({ length: 250 }, () => ({ topic: 'device/host-1/event/guest_connection', payload, retain: false })))
      await new Promise(done => setTimeout(done, 200))
    }
  })()
  await page.getByRole('searchbox').pressSequentially('kiosk number nine')
  assert.equal(await page.getByRole('searchbox').inputValue(), 'kiosk number nine')
  on = false
  await flood
  await visit.button('Log ▴').click()
  assert.ok((await page.getByRole('list', { name: 'What happened' }).getByRole('listitem').count()) <= 200)
  visit.calm()
})

test('two thousand devices: the list holds, and a room beside them still works', async () => {
  await stand.say(Array.from({ length: 2000 }, (_, n) => ({ topic: `device/fleet-${n}/status`, payload: n % 3 ? 'online' : 'offline' })))
  const visit = await stand.page()
  const { page } = visit
  await visit.enter('#/devices')
  // mosquitto as it is shipped keeps a thousand messages for a client, and drops what is more.
  await until('most are there', async () => Number(/of (\d+) online/.exec(await page.getByRole('heading', { level: 1 }).innerText())?.[1] ?? 0) > 900)
  await page.getByRole('searchbox').fill('fleet-17')
  await page.getByRole('link', { name: /^fleet-17\b/ }).first().waitFor()
  await page.getByRole('navigation').getByRole('link', { name: /^lobby/ }).click()
  await visit.region('Seat 2: kiosk-7').waitFor()
  visit.calm()
})

test('a broker that says nothing any more, not even that it is gone, is noticed; one that has nothing to say is kept', async () => {
  const visit = await stand.page()
  const { page } = visit
  await visit.enter('#/rooms')
  await page.getByRole('list', { name: 'Rooms' }).getByRole('link', { name: /^lobby/ }).first().waitFor()
  let connections = 0
  page.on('websocket', () => (connections += 1))
  await new Promise(done => setTimeout(done, 15_000))
  assert.equal(connections, 0, 'fifteen silent seconds with a broker that answers pings')
  stand.hold('mosquitto', 'SIGSTOP')
  await page.getByRole('alert').getByText('The broker does not answer.').waitFor()
  stand.hold('mosquitto', 'SIGCONT')
  await page.getByRole('alert').getByText('The broker is away').waitFor({ state: 'detached' })
  await page.getByRole('list', { name: 'Rooms' }).getByRole('link', { name: /^lobby/ }).first().waitFor()
  visit.calm()
})
