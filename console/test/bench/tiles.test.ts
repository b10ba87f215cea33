// Nine guests of the real program in one page, without a GPU: what a technician's laptop has at least. The guests encode here, too, and the host decodes
// them, so that a page on a machine of its own has more room.

import { test } from 'node:test'
import { Stand, until } from '../stand'

const MINUTES = Number(process.env['MINUTES'] ?? 30)
const GUESTS = Array.from({ length: 9 }, (_, n) => `kiosk-${n + 1}`)

/** A row of the result, beside what it must reach. */
function row(what: string, value: number, unit: string, target: string, held: boolean) {
  console.log(`${what.padEnd(52)} ${value.toFixed(1).padStart(8)} ${unit.padEnd(5)} ${target.padEnd(8)} ${held ? 'held' : 'MISSED'}`)
}

test(`nine tiles for ${MINUTES} minutes`, { timeout: (MINUTES + 5) * 60_000 }, async context => {
  const stand = await Stand.open()
  context.after(() => stand.close())
  await stand.host(9)
  for (const id of GUESTS) await stand.guest(id, id)
  const visit = await stand.page()
  const entered = Date.now()
  await visit.enter('#/rooms')
  await visit.page.getByText('host Front desk').waitFor()
  row('navigation → rooms shown, the login typed', Date.now() - entered, 'ms', '≤ 700', Date.now() - entered <= 700)
  await visit.enter('#/room/lobby')
  let first = 0
  for (const [seat_index, id] of GUESTS.entries()) {
    stand.ask(id, 'apply_for_seat', { seat_index })
    const accepted = Date.now()
    await stand.say([{ topic: 'device/lobby-host/command/accept_application', payload: JSON.stringify({ user_id: id }), retain: false }])
    const tile = visit.region(`Seat ${seat_index}: ${id}`)
    await until(`a picture of ${id}`, async () => (await tile.locator('video').count()) > 0 && (await visit.bars(`Seat ${seat_index}: ${id}`)).frames > 0)
    if (seat_index === 0) first = Date.now() - accepted
  }
  row('accept → a picture in the tile, of the first guest', first, 'ms', '≤ 900', first <= 900)
  const protocol = await visit.page.context().newCDPSession(visit.page)
  await protocol.send('HeapProfiler.enable')
  const heap = async () => {
    await protocol.send('HeapProfiler.collectGarbage')
    return visit.page.evaluate(() => (performance as unknown as { memory: { usedJSHeapSize: number } }).memory.usedJSHeapSize / 2 ** 20)
  }
  const shown = () => Promise.all(GUESTS.map(async (id, seat) => (await visit.bars(`Seat ${seat}: ${id}`)).frames))
  await visit.page.waitForTimeout(10_000)
  const [begun, before, memory] = [Date.now(), await shown(), await heap()]
  await visit.page.waitForTimeout(MINUTES * 60_000)
  const [after, grown] = [await shown(), await heap()]
  const seconds = (Date.now() - begun) / 1000
  const rates = after.map((frames, seat) => (frames - before[seat]!) / seconds)
  row('pictures a second of the slowest of nine tiles', Math.min(...rates), '/s', '≥ 20', Math.min(...rates) >= 20)
  row('memory of the page at the end', grown, 'MiB', '≤ 80', grown <= 80)
  row(`memory of the page more after ${MINUTES} minutes`, grown - memory, 'MiB', '≤ 2', grown - memory <= 2)
})
