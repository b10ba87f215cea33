// The shipped examples of web servers, each as it is but for addresses, certificate and folder.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stand, until } from '../stand'

for (const server of ['nginx', 'caddy'] as const) {
  test(`served by ${server} with the shipped example: encrypted, with its headers, and it works`, async context => {
    const stand = await Stand.open()
    context.after(() => stand.close())
    await stand.host()
    const address = await stand[server]()
    const visit = await stand.page({ ignoreHTTPSErrors: true }, address)
    const loaded = visit.page.waitForResponse(address)
    await visit.enter('#/room/lobby')
    const headers = (await loaded).headers()
    assert.deepEqual([headers['x-content-type-options'], headers['content-security-policy'], headers['permissions-policy']], ['nosniff', "frame-ancestors 'none'", 'microphone=(self), camera=()'])
    await visit.button('Lock seat 2').click()
    await visit.button('Unlock seat 2').click()
    await visit.button('Lock seat 2').waitFor()
    visit.calm()
  })
}

test('a room on a media server: each seat is played by WHEP, and its session there ends with the page', async context => {
  const stand = await Stand.open()
  context.after(() => stand.close())
  const media = await stand.mediaServer('a-token-nobody-guesses')
  const address = await stand.nginx(`location /live/ { proxy_pass http://127.0.0.1:${media}/; }`)
  const whip = `transport = "whip"\npublish_url = "http://127.0.0.1:${media}/whip/{user_id}"\ntoken_file = "${stand.folder}/token"`
  await stand.host(2, `[room]\n${whip}\nwatch_url = "${address}live/whep/{user_id}"\n`)
  await stand.guest('kiosk-1', 'Café', whip)
  assert.ok(stand.ask('kiosk-1', 'apply_for_seat').ok)
  assert.ok(stand.ask('lobby-host', 'accept_application', { user_id: 'kiosk-1' }).ok)
  const visit = await stand.page({ ignoreHTTPSErrors: true }, address)
  await visit.enter('#/room/lobby')
  await visit.shows('Seat 0: Café')
  stand.ask('kiosk-1', 'disconnect')
  await until('the session is ended at the server', () => stand.log('media-server').includes('"deleted", "session": "kiosk-1-1"'))
  // Beside the page itself, only its server was asked.
  assert.deepEqual(visit.problems.filter(problem => !problem.startsWith(`a second request: ${address}live/`)), [])
})
