import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Stand, until, type Visit } from '../stand'

let stand: Stand
let visit: Visit

before(async () => {
  stand = await Stand.open()
  await stand.host()
  await Promise.all([stand.guest('kiosk-1', 'Café'), stand.guest('kiosk-2', 'Gate 12')])
  for (const [id, seat_index] of [['kiosk-1', 0], ['kiosk-2', 1]] as const) {
    assert.ok(stand.ask(id, 'apply_for_seat', { seat_index }).ok)
    assert.ok(stand.ask('lobby-host', 'accept_application', { user_id: id }).ok)
  }
  visit = await stand.page()
  await visit.enter('#/room/lobby')
})
after(() => stand.close())

const watching = () => stand.state('lobby-host').watching as Array<{ user_id: string; operator: string; talking: boolean }>

test('each seat is watched: the pixels of the tile are the guest’s, and move', async () => {
  await visit.shows('Seat 0: Café')
  await visit.shows('Seat 1: Gate 12')
  assert.deepEqual(watching().map(one => [one.user_id, one.operator, one.talking]).sort(), [['kiosk-1', 'operator', false], ['kiosk-2', 'operator', false]])
  await visit.page.getByText('Watching: operator').waitFor()
  visit.calm()
})

test('talk while a button or a key is held: that kiosk’s speaker is loud, the other’s is not, and both are silent after', async () => {
  const { page } = visit
  // The ticks of the test profile are what each guest hears of the other; talk alone is what counts here.
  for (const user_id of ['kiosk-1', 'kiosk-2']) assert.ok(stand.ask('lobby-host', 'set_return', { user_id, return: 'talk' }).ok)
  const loud = (id: string) => (stand.loudness(id) ?? -120) > -45
  const silent = (id: string) => (stand.loudness(id) ?? -120) < -60
  await until('both are silent', () => silent('kiosk-1') && silent('kiosk-2'))
  await visit.region('Seat 0: Café').hover()
  await visit.button('Talk to Café').hover()
  await page.mouse.down()
  await until('Café hears it', () => loud('kiosk-1'))
  assert.ok(silent('kiosk-2'), 'nobody else does')
  assert.deepEqual(watching().filter(one => one.talking).map(one => one.user_id), ['kiosk-1'])
  await page.mouse.up()
  await until('Café is silent', () => silent('kiosk-1'))
  await page.getByRole('heading', { name: 'lobby' }).click()
  await page.keyboard.down('Shift')
  await page.keyboard.down(' ')
  await until('all hear it', () => loud('kiosk-1') && loud('kiosk-2'))
  await page.keyboard.up(' ')
  await page.keyboard.up('Shift')
  await until('all are silent', () => silent('kiosk-1') && silent('kiosk-2'))
  visit.calm()
})

test('a second console watches too, is told who talks, and its end changes nothing for the first', async () => {
  const other = await stand.page()
  await other.enter('#/room/lobby')
  await other.shows('Seat 0: Café')
  await visit.region('Seat 0: Café').hover()
  await visit.button('Talk to Café').hover()
  await visit.page.mouse.down()
  await until('the first talks', () => watching().some(one => one.talking))
  await other.region('Seat 0: Café').hover()
  await other.button('Talk to Café').hover()
  await other.page.mouse.down()
  await other.page.getByText('operator talks to kiosk-1').waitFor()
  await other.page.mouse.up()
  await visit.page.mouse.up()
  other.calm()
  await other.page.context().close()
  await until('the host has let go', () => watching().length === 2)
  await visit.shows('Seat 0: Café')
})

test('solo lets one be heard; a closed camera is the background layer, and the sound goes on', async () => {
  await visit.region('Seat 0: Café').hover()
  await visit.button('Solo Café').click()
  const solo = (pressed: boolean) => visit.page.getByRole('button', { name: 'Solo Café', exact: true, pressed }).waitFor()
  await solo(true)
  await visit.button('Solo Café').click()
  await solo(false)
  assert.ok(stand.ask('lobby-host', 'close_remote_camera', { user_id: 'kiosk-1' }).ok)
  await visit.region('Seat 0: Café').locator('.background').waitFor()
  await until('no picture', async () => (await visit.region('Seat 0: Café').locator('video').count()) === 0)
  assert.equal(watching().length, 2)
  visit.calm()
})

test('a wall watches and cannot talk', async () => {
  const wall = await stand.page()
  await wall.enter('#/wall/lobby?layout=800', 'wall-1')
  await wall.shows('Seat 1: Gate 12')
  assert.equal(await wall.page.getByRole('button', { name: /^Talk/ }).count(), 0)
  wall.calm()
  await wall.page.context().close()
})
