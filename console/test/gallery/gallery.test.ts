import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { after, before, test } from 'node:test'
import { ROOT } from '../golden'
import { Stand, until, type Visit } from '../stand'

// Pictures of every page, for people to look at: two sizes, two themes.

const folder = process.env['GALLERY'] ?? `${ROOT}/target/console/gallery`
const SIZES = [{ width: 1440, height: 900 }, { width: 390, height: 844 }, { width: 320, height: 640 }]
let stand: Stand

before(async () => {
  mkdirSync(folder, { recursive: true })
  stand = await Stand.open()
  await stand.host(6)
  await Promise.all([stand.guest('kiosk-1', 'Lobby kiosk'), stand.guest('kiosk-2', 'Reading room'), stand.guest('kiosk-3', 'Café')])
  for (const id of ['kiosk-1', 'kiosk-2']) {
    stand.ask(id, 'apply_for_seat')
    stand.ask('lobby-host', 'accept_application', { user_id: id })
  }
  stand.ask('lobby-host', 'lock_seat', { seat_index: 4 })
})
after(() => stand.close())

async function shot(visit: Visit, name: string, fullPage = false): Promise<void> {
  const { wide, has } = await visit.page.evaluate(() => ({ wide: document.documentElement.scrollWidth, has: document.documentElement.clientWidth }))
  assert.ok(wide <= has, `${name} is ${wide} pixels wide`)
  await visit.page.screenshot({ path: `${folder}/${name}.png`, fullPage })
}

for (const viewport of SIZES) {
  for (const colorScheme of ['dark', 'light'] as const) {
    const name = `${viewport.width}x${viewport.height}-${colorScheme}`
    test(name, async () => {
      const phone = viewport.width < 700
      const visit = await stand.page({ viewport, colorScheme, hasTouch: phone, isMobile: phone })
      const { page } = visit
      await page.goto(stand.address)
      await visit.button('Enter').waitFor()
      await shot(visit, `${name}-enter`)
      await visit.enter('#/room/lobby')
      await visit.region('Seat 1: Reading room').waitFor()
      for (const what of ['camera', 'microphone']) {
        stand.ask('lobby-host', `open_remote_${what}`, { user_id: 'kiosk-2' })
        stand.ask('lobby-host', `close_remote_${what}`, { user_id: 'kiosk-2', operator: 'anna' })
      }
      stand.ask('kiosk-3', 'apply_for_seat', { timeout: 100, extra_info: 'Has a parcel without a label' })
      await until('a picture', async () => (await visit.region('Seat 0: Lobby kiosk').locator('video').count()) > 0 && (await visit.lit('Seat 0: Lobby kiosk')) > 100)
      await visit.button('Accept Café').waitFor()
      await page.waitForTimeout(1200)
      await shot(visit, `${name}-room`)
      if (phone) {
        await shot(visit, `${name}-room-whole`, true)
        await visit.region('Seat 0: Lobby kiosk').click()
        await page.getByRole('dialog').waitFor()
        await shot(visit, `${name}-sheet`)
        await page.keyboard.press('Escape')
      } else {
        await visit.button('Choose a seat for Café').click()
        await shot(visit, `${name}-menu`)
        await page.keyboard.press('Escape')
        await page.getByLabel('Layout').selectOption('601')
        await page.waitForTimeout(300)
        await shot(visit, `${name}-float`)
        await page.getByLabel('Layout').selectOption('600')
        await page.waitForTimeout(300)
        await shot(visit, `${name}-grid`)
      }
      stand.ask('lobby-host', 'reject_application', { user_id: 'kiosk-3' })
      await page.goto(`${stand.address}#/rooms`)
      await page.waitForTimeout(400)
      await shot(visit, `${name}-rooms`)
      await page.goto(`${stand.address}#/device/kiosk-1`)
      await page.getByRole('region', { name: 'Statistics' }).waitFor()
      await page.getByText('apply_for_seat', { exact: true }).click()
      await page.waitForTimeout(1500)
      await shot(visit, `${name}-device`, true)
      await page.goto(`${stand.address}#/wall/lobby?layout=800`)
      await page.waitForTimeout(1600)
      await shot(visit, `${name}-wall`)
      await page.context().close()
    })
  }
}
