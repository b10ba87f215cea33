// Apart from the others: to install nginx is to start a web server on a machine.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Stand } from '../stand'

test('served by nginx with the shipped example: encrypted, with its headers, and it works', async context => {
  const stand = await Stand.open()
  context.after(() => stand.close())
  await stand.host()
  const address = await stand.nginx()
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
