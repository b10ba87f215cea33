import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { readFileSync } from 'node:fs'
import { ROOT } from '../golden'
import { Stand, until } from '../stand'

let stand: Stand

before(async () => {
  stand = await Stand.open()
  await stand.host()
  await stand.guest('kiosk-1', 'Café')
})
after(() => stand.close())

test('errors of the entry stand in place: a wrong password, and a broker that is not there', async () => {
  const visit = await stand.page()
  await visit.enter('', 'operator', 'wrong')
  await visit.page.getByRole('alert').getByText(/Wrong user or password|does not let this user in/).waitFor()
  assert.deepEqual(await visit.objections(), [])
  await visit.page.getByLabel('Password', { exact: true }).fill('word')
  await visit.button('Enter').click()
  await visit.page.getByRole('heading', { name: 'Rooms' }).waitFor()
  visit.calm()
  const other = await stand.page()
  await other.page.goto(stand.address)
  await other.page.routeWebSocket(/mqtt/, socket => socket.close())
  await other.page.reload()
  await other.button('Enter').click()
  await other.page.getByRole('alert').getByText(/closed the connection|Nothing answers/).waitFor()
})

test('rooms are shown with their host’s words, and axe-core has nothing to say', async () => {
  const visit = await stand.page()
  await visit.enter()
  const row = visit.page.getByRole('list', { name: 'Rooms' }).getByRole('listitem').filter({ hasText: 'lobby' })
  await row.getByText('0 of 4 seats', { exact: true }).waitFor()
  await row.getByText('Front desk', { exact: true }).waitFor()
  assert.deepEqual(await visit.objections(), [])
  await row.getByRole('link', { name: 'lobby', exact: true }).click()
  await visit.region('Seat 0: free').waitFor()
  visit.calm()
})

test('who sees the room and may not read its host is told which right is missing', async () => {
  const visit = await stand.page()
  await visit.enter('#/room/lobby', 'stranger')
  await visit.region('Seat 0: free').waitFor()
  await visit.page.getByRole('alert').getByText('read coguest/v1/device/lobby-host/#').waitFor()
  visit.calm()
})

test('who may look and not act: the broker’s refusal is said at once', async () => {
  const visit = await stand.page()
  await visit.enter('#/room/lobby', 'wall-1')
  stand.ask('kiosk-1', 'apply_for_seat', { timeout: 100 })
  await visit.button('Reject Café').click()
  await visit.page.getByRole('alert').getByText('Reject Café: The broker’s access list does not let this user say it.').waitFor()
  stand.ask('lobby-host', 'reject_application', { user_id: 'kiosk-1' })
})

test('a password is kept for the tab only when its box is ticked', async () => {
  const visit = await stand.page()
  const { page } = visit
  await visit.enter()
  await page.getByRole('heading', { name: 'Rooms' }).waitFor()
  assert.ok(!(await page.evaluate(() => JSON.stringify(sessionStorage) + JSON.stringify(localStorage) + location.href)).includes('word"'))
  await page.reload()
  await page.getByLabel('Keep the password').check()
  await page.getByLabel('User').fill('operator')
  await page.getByLabel('Password', { exact: true }).fill('word')
  await visit.button('Enter').click()
  await page.getByRole('heading', { name: 'Rooms' }).waitFor()
  await page.reload()
  await page.getByRole('heading', { name: 'Rooms' }).waitFor()
  await visit.button('Leave').click()
  await page.reload()
  await visit.button('Enter').waitFor()
})

test('the device page: its words, its state, and every command as a form', async () => {
  const visit = await stand.page()
  const { page } = visit
  await visit.enter('#/device/kiosk-1')
  await page.getByRole('region', { name: 'State' }).getByText('lobby, inside').waitFor()
  const commands = (JSON.parse(readFileSync(`${ROOT}/console/src/model/commands.json`, 'utf8')) as Record<string, { role: string }>)
  const wanted = Object.entries(commands).filter(([, command]) => command.role !== 'host').map(([name]) => name)
  assert.deepEqual(await page.locator('.command code').allTextContents(), wanted)
  await page.getByText('apply_for_seat', { exact: true }).click()
  const form = page.getByRole('form', { name: 'apply_for_seat' })
  await form.getByLabel('media').selectOption('audio')
  await form.getByLabel('timeout').fill('90')
  await form.getByRole('button', { name: 'Send' }).click()
  await form.getByText('Done.').waitFor()
  const waits = stand.state('lobby-host').applicants[0]
  assert.deepEqual([waits.media, waits.user.user_id], ['audio', 'kiosk-1'])
  await form.getByRole('button', { name: 'Send' }).click()
  await form.getByRole('alert').getByText(/^already_on_seat_queue: /).waitFor()
  stand.ask('lobby-host', 'accept_application', { user_id: 'kiosk-1' })
  await page.getByRole('region', { name: 'Events' }).getByText('seated').first().waitFor()
  await page.getByRole('region', { name: 'Statistics' }).getByText('Sound').waitFor()
  stand.ask('kiosk-1', 'disconnect')
  assert.deepEqual(await visit.objections(), [])
  visit.calm()
})

test('a still and the camera’s controls on the device page', async () => {
  const visit = await stand.page()
  const { page } = visit
  await visit.enter('#/device/kiosk-1')
  await visit.button('Take a still').click()
  await page.getByRole('alert').getByText(/Take a still: /).waitFor()
  stand.ask('kiosk-1', 'apply_for_seat')
  stand.ask('lobby-host', 'accept_application', { user_id: 'kiosk-1' })
  await until('its camera is open', () => stand.state('kiosk-1').camera.status === 'on')
  await visit.button('Take a still').click()
  const picture = page.getByRole('img', { name: /^What the camera of kiosk-1 saw/ })
  await picture.waitFor()
  assert.ok(await picture.evaluate(element => (element as HTMLImageElement).naturalWidth > 100))
  stand.ask('kiosk-1', 'disconnect')
  visit.calm()
})

test('the wall: tiles and no button, with a login that may do nothing but look', async () => {
  const visit = await stand.page()
  const { page } = visit
  stand.ask('kiosk-1', 'apply_for_seat')
  stand.ask('lobby-host', 'accept_application', { user_id: 'kiosk-1' })
  await visit.enter('#/wall/lobby?layout=800', 'wall-1')
  await visit.region('Seat 0: Café').waitFor()
  await until('a picture with colours', async () => (await visit.region('Seat 0: Café').locator('video').count()) > 0 && (await visit.lit('Seat 0: Café')) > 100)
  assert.equal(await page.getByRole('button').count(), 0)
  assert.equal(await page.getByRole('region', { name: /^Seat \d: free/ }).count(), 3)
  await page.goto(`${stand.address}#/wall/lobby?layout=600`)
  await until('only who is seated', async () => (await page.getByRole('region', { name: /^Seat / }).count()) === 1)
  stand.ask('kiosk-1', 'disconnect')
  visit.calm()
})
