import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { Stand, until, type Visit } from '../stand'

let stand: Stand
let visit: Visit

before(async () => {
  stand = await Stand.open()
  await stand.host()
  await Promise.all([stand.guest('kiosk-1', 'Café'), stand.guest('kiosk-2', 'Gate 12')])
  visit = await stand.page()
  await visit.enter('#/room/lobby')
  // Extra info is in an event: who comes after it has missed it. With the lists the page follows both.
  await visit.page.getByRole('list', { name: 'Waiting', exact: true }).getByText('Nobody asks for a seat.').waitFor()
})
after(() => stand.close())

const state = () => stand.state('lobby-host')
const seatOf = (id: string) => state().connected.find((one: any) => one.user.user_id === id)?.seat_index ?? null

test('an applicant: badge, extra info, countdown; accepted by mouse; its still is in the tile', async () => {
  const { page } = visit
  stand.ask('kiosk-1', 'apply_for_seat', { timeout: 120, extra_info: 'Has a parcel <b>without</b> a label' })
  const waiting = page.getByRole('list', { name: 'Waiting', exact: true })
  await waiting.getByText('Has a parcel <b>without</b> a label').waitFor()
  await page.getByRole('navigation').getByText('1').waitFor()
  await waiting.getByText(/^1[01]\d s$/).waitFor()
  await until('the title counts', async () => (await page.title()).startsWith('(1)'))
  await visit.button('Accept Café').click()
  const tile = visit.region('Seat 0: Café')
  await tile.waitFor()
  await until('a picture with colours', async () => (await tile.locator('video').count()) > 0 && (await visit.lit('Seat 0: Café')) > 100)
  await page.getByRole('region', { name: 'Log' }).getByText('operator accepted Café').waitFor()
  visit.calm()
})

test('a reload of a room with somebody waiting knows the countdown; accepted by keyboard onto a seat of choice', async () => {
  const { page } = visit
  stand.ask('kiosk-2', 'apply_for_seat', { timeout: 100 })
  await visit.button('Accept Gate 12').waitFor()
  await visit.enter('#/room/lobby')
  await page.getByRole('list', { name: 'Waiting', exact: true }).getByText(/^\d+ s$/).waitFor()
  await visit.button('Choose a seat for Gate 12').focus()
  await page.keyboard.press('Enter')
  await page.getByRole('menuitem', { name: 'Seat 2 · free' }).waitFor()
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('ArrowDown')
  await page.keyboard.press('Enter')
  await visit.region('Seat 2: Gate 12').waitFor()
  assert.equal(seatOf('kiosk-2'), 2)
  visit.calm()
})

test('the key A accepts whoever waits longest, but not while somebody types', async () => {
  const { page } = visit
  stand.ask('lobby-host', 'kick_user_out_of_seat', { user_id: 'kiosk-2' })
  stand.ask('kiosk-2', 'apply_for_seat', { timeout: 100 })
  await visit.button('Accept Gate 12').waitFor()
  await page.keyboard.press('/')
  await page.keyboard.type('a')
  assert.equal(await page.getByRole('searchbox').inputValue(), 'a')
  assert.ok(await visit.button('Accept Gate 12').isVisible())
  await page.getByRole('searchbox').fill('')
  await page.getByRole('heading', { name: 'lobby' }).click()
  await page.keyboard.press('a')
  await visit.region('Seat 1: Gate 12').waitFor()
  await page.keyboard.press('1')
  await until('the seat is chosen', () => visit.region('Seat 1: Gate 12').evaluate(element => element.classList.contains('chosen')))
  await page.keyboard.press('m')
  await visit.region('Seat 1: Gate 12').getByText('microphone closed by operator').waitFor()
  await page.keyboard.press('m')
  await visit.button('Close microphone of Gate 12').waitFor()
  await page.keyboard.press('Escape')
})

test('close and open devices: the tile says by whom, and the background layer takes the picture’s place', async () => {
  const tile = visit.region('Seat 0: Café')
  await tile.hover()
  await visit.button('Close camera of Café').click()
  await tile.getByText('camera closed by operator').waitFor()
  await until('no picture', async () => (await tile.locator('video').count()) === 0)
  await visit.button('Open camera of Café').click()
  await visit.button('Close camera of Café').waitFor()
  stand.ask('kiosk-1', 'open_local_camera')
  await tile.locator('video').waitFor()
  await visit.button('Close microphone of Café').click()
  await tile.getByText('microphone closed by operator').waitFor()
  assert.ok(await tile.locator('.pill .icon').isVisible(), 'a struck microphone beside the name')
  await visit.button('Open microphone of Café').click()
  await visit.button('Close microphone of Café').waitFor()
})

test('move to a free seat by menu; onto somebody it is a swap that asks before; by dragging, too', async () => {
  const { page } = visit
  await visit.button('Move Café').click()
  await page.getByRole('menuitem', { name: 'Seat 3 · free' }).click()
  await visit.region('Seat 3: Café').waitFor()
  await visit.button('Move Café').click()
  await page.getByRole('menuitem', { name: 'Seat 1 · swap with Gate 12' }).click()
  const dialog = page.getByRole('dialog', { name: 'Swap seats' })
  await dialog.getByText('Café goes to seat 1, and Gate 12 takes its place.').waitFor()
  assert.equal(seatOf('kiosk-1'), 3, 'nothing happens before the answer')
  await dialog.getByRole('button', { name: 'Swap', exact: true }).click()
  await visit.region('Seat 1: Café').waitFor()
  await visit.region('Seat 3: Gate 12').waitFor()
  await visit.region('Seat 1: Café').dragTo(visit.region('Seat 0: free'), { sourcePosition: { x: 60, y: 100 } })
  await visit.region('Seat 0: Café').waitFor()
  assert.equal(seatOf('kiosk-1'), 0)
})

test('lock and unlock a free seat; an invitation to a locked one is not offered', async () => {
  const { page } = visit
  await visit.button('Lock seat 1').click()
  await visit.button('Unlock seat 1').waitFor()
  await visit.region('Seat 1: free').getByText('locked').first().waitFor()
  await visit.button('Move Café').click()
  const item = page.getByRole('menuitem', { name: 'Seat 1 · locked' })
  assert.equal(await item.getAttribute('aria-disabled'), 'true')
  await page.keyboard.press('Escape')
  await visit.button('Unlock seat 1').click()
  await visit.button('Lock seat 1').waitFor()
})

test('kick is armed: once does nothing, twice within three seconds does it', async () => {
  await visit.button('Kick Gate 12').click()
  await visit.button('Kick Gate 12').getByText('sure?').waitFor()
  assert.equal(seatOf('kiosk-2'), 3)
  await visit.button('Kick Gate 12').getByText('sure?').waitFor({ state: 'detached' })
  await visit.button('Kick Gate 12').click()
  await visit.button('Kick Gate 12').click()
  await visit.region('Seat 3: free').waitFor()
  assert.equal(seatOf('kiosk-2'), null)
})

test('invite to a seat, cancel; invite, and the guest accepts; reject an application', async () => {
  const { page } = visit
  await visit.button('Choose how to invite Gate 12').click()
  await page.getByRole('menuitem', { name: 'Seat 2 · free' }).click()
  const invited = page.getByRole('list', { name: 'Invited', exact: true })
  await invited.getByText('→ seat 2, by operator').waitFor()
  await visit.button('Cancel invitation of Gate 12').click()
  await invited.getByText('No invitation is open.').waitFor()
  await visit.button('Invite Gate 12').click()
  await until('the guest has it', () => stand.state('kiosk-2').invitations.length === 1)
  stand.ask('kiosk-2', 'accept_invitation')
  await visit.region('Seat 1: Gate 12').waitFor()
  stand.ask('kiosk-2', 'disconnect')
  await visit.region('Seat 1: free').waitFor()
  stand.ask('kiosk-2', 'apply_for_seat')
  await visit.button('Reject Gate 12').focus()
  await page.keyboard.press('Enter')
  const waiting = page.getByRole('list', { name: 'Waiting', exact: true })
  await waiting.getByText('Nobody asks for a seat.').waitFor()
  assert.ok(await waiting.evaluate(element => document.activeElement === element), 'the list has the focus of the row that is gone')
  assert.equal(stand.state('kiosk-2').application, null)
})

test('a button that may not be pressed says why', async () => {
  const { page } = visit
  stand.ask('kiosk-2', 'apply_for_seat', { timeout: 100 })
  for (const seat_index of [1, 2, 3]) stand.ask('lobby-host', 'lock_seat', { seat_index })
  await until('the console knows', async () => (await visit.button('Accept Gate 12').getAttribute('aria-disabled')) === 'true')
  await visit.button('Accept Gate 12').focus()
  await page.keyboard.press('Enter')
  await page.getByText('Accept Gate 12: No seat is both free and unlocked.').waitFor()
  for (const seat_index of [1, 2, 3]) stand.ask('lobby-host', 'unlock_seat', { seat_index })
  stand.ask('lobby-host', 'reject_application', { user_id: 'kiosk-2' })
})

test('when another operator was faster, the console says who', async () => {
  const { page } = visit
  const slow = await stand.page()
  // This page hears what the room says only when it is let: as over a link that stalls.
  const held: Array<() => void> = []
  let hold = false
  await slow.page.routeWebSocket(/mqtt/, socket => {
    const server = socket.connectToServer()
    server.onMessage(message => (hold ? held.push(() => socket.send(message)) : socket.send(message)))
  })
  await slow.enter('#/room/lobby')
  stand.ask('kiosk-2', 'apply_for_seat', { timeout: 100 })
  await slow.button('Accept Gate 12').waitFor()
  hold = true
  await visit.button('Accept Gate 12').click()
  await visit.region('Seat 1: Gate 12').waitFor()
  await slow.button('Accept Gate 12').click()
  await until('the refusal is on its way', () => held.length > 3)
  await new Promise(done => setTimeout(done, 500))
  hold = false
  held.forEach(send => send())
  await slow.page.getByRole('alert').getByText(/Accept Gate 12: operator accepted it \d+ s ago\./).waitFor()
  await slow.page.context().close()
  stand.ask('lobby-host', 'kick_user_out_of_seat', { user_id: 'kiosk-2' })
  await page.getByRole('region', { name: 'Seat 1: free' }).waitFor()
})

test('axe-core has nothing to say of the room, dark and light', async () => {
  for (const colorScheme of ['dark', 'light'] as const) {
    await visit.page.emulateMedia({ colorScheme })
    assert.deepEqual(await visit.objections(), [], colorScheme)
  }
})

test('every layout draws every seat as a region', async () => {
  const { page } = visit
  for (const template of ['600', '601', '801', '200', '800']) {
    await page.getByLabel('Layout').selectOption(template)
    await until(`four regions in ${template}`, async () => (await page.getByRole('region', { name: /^Seat \d: / }).count()) === 4)
  }
})

test('at 320 pixels nothing is lost: no page is wider, and a tile’s buttons are on a sheet', async () => {
  const { page } = visit
  await page.setViewportSize({ width: 320, height: 640 })
  // The tiles follow the window with the next frame.
  await until('no page to be wider', () => page.evaluate(() => document.documentElement.scrollWidth <= 320))
  await visit.button('Controls of Café').click()
  const sheet = page.getByRole('dialog', { name: 'Café · kiosk-1' })
  for (const name of ['Close camera of Café', 'Close microphone of Café', 'Move Café', 'Kick Café']) await sheet.getByRole('button', { name, exact: true }).waitFor()
  assert.deepEqual(await visit.objections(), [])
  await page.keyboard.press('Escape')
  await page.setViewportSize({ width: 1440, height: 900 })
})

test('broker killed: a banner, all below is inert; back by itself', async () => {
  const { page } = visit
  await stand.kill('mosquitto')
  const banner = page.getByRole('alert').getByText('The broker is away')
  await banner.waitFor()
  assert.ok(await page.locator('.below').evaluate(element => (element as HTMLElement).inert))
  await stand.startBroker()
  await banner.waitFor({ state: 'detached' })
  assert.ok(!(await page.locator('.below').evaluate(element => (element as HTMLElement).inert)))
  await visit.region('Seat 0: Café').waitFor()
  await until('commands work again', () => stand.ask('kiosk-2', 'get_state').ok && stand.state('kiosk-2').room.membership === 'inside')
  stand.ask('kiosk-2', 'apply_for_seat')
  await visit.button('Reject Gate 12').click()
  await page.getByRole('list', { name: 'Waiting', exact: true }).getByText('Nobody asks for a seat.').waitFor()
  visit.calm()
})

test('end live wants the name typed; start live opens it again', async () => {
  const { page } = visit
  await visit.button('End live').click()
  const dialog = page.getByRole('dialog', { name: 'End lobby' })
  await dialog.getByLabel('Name of the room').fill('lobb')
  await page.keyboard.press('Enter')
  assert.ok(await dialog.isVisible())
  await dialog.getByLabel('Name of the room').fill('lobby')
  await page.keyboard.press('Enter')
  await page.getByText('This live has ended.').waitFor()
  await page.getByLabel('Seats', { exact: true }).fill('5')
  await visit.button('Start live').click()
  await visit.region('Seat 4: free').waitFor()
  assert.equal(state().room.live_id, 'lobby')
  visit.calm()
})
