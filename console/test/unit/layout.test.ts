import assert from 'node:assert/strict'
import test from 'node:test'
import { layout, type Box, type Place, type Template } from '../../src/model/layout'

const CANVASES = [{ width: 1040, height: 720 }, { width: 1440, height: 600 }, { width: 374, height: 460 }, { width: 304, height: 420 }, { width: 700, height: 330 }]
const places = (n: number, taken: (index: number) => boolean = () => true): Place[] => Array.from({ length: n }, (_, index) => ({ index, taken: taken(index) }))
const overlap = (one: Box, other: Box) => one.x < other.x + other.width - 0.01 && other.x < one.x + one.width - 0.01 && one.y < other.y + other.height - 0.01 && other.y < one.y + one.height - 0.01

test('boxes are inside, do not overlap, and are in order', () => {
  for (const template of [600, 800, 801, 200] as Template[]) {
    for (const canvas of CANVASES) {
      for (let n = 1; n <= 32; n++) {
        const { boxes, height } = layout(template, places(n), canvas, null)
        const where = `${template}, ${n} seats, ${canvas.width}×${canvas.height}`
        assert.equal(boxes.length, n, where)
        for (const box of boxes) {
          assert.ok(box.x >= -0.01 && box.y >= -0.01 && box.x + box.width <= canvas.width + 0.01 && box.y + box.height <= height + 0.01, where)
          assert.ok(box.width >= 40 && box.height >= 30, `${where}: ${box.width}×${box.height}`)
        }
        boxes.forEach((one, at) => boxes.slice(at + 1).forEach(other => assert.ok(!overlap(one, other), `${where}: ${one.index} and ${other.index}`)))
        const order = boxes.map(box => box.index)
        assert.deepEqual(order, [...order].sort((one, other) => one - other), where)
      }
    }
  }
})

const shape = (n: number) => {
  const { boxes } = layout(600, places(n), { width: 1200, height: 700 }, null)
  const rows = new Map<number, number>()
  boxes.forEach(box => rows.set(Math.round(box.y), (rows.get(Math.round(box.y)) ?? 0) + 1))
  return [...rows.values()]
}

test('the dynamic grid is the guide’s: 1, 2, 4, 6 and 9, the last row in the middle', () => {
  assert.deepEqual([1, 2, 4, 5, 6, 7, 9].map(shape), [[1], [2], [2, 2], [3, 2], [3, 3], [3, 3, 1], [3, 3, 3]])
  const { boxes } = layout(600, places(5), { width: 1200, height: 700 }, null)
  const last = boxes.slice(3)
  assert.ok(Math.abs(last[0]!.x - (1200 - (last[1]!.x + last[1]!.width))) < 0.01)
})

test('three: one left, two right', () => {
  const [left, above, below] = layout(600, places(3), { width: 1200, height: 700 }, null).boxes as [Box, Box, Box]
  assert.ok(left.height === 700 && above.x > left.width && below.x === above.x && below.y > above.y)
})

test('the dynamic grid draws who is seated; free seats are left over, not lost', () => {
  const { boxes, left } = layout(600, places(8, index => index % 2 === 1), { width: 1200, height: 700 }, null)
  assert.deepEqual(boxes.map(box => box.index), [1, 3, 5, 7])
  assert.deepEqual(left, [0, 2, 4, 6])
  assert.equal(layout(800, places(8, () => false), { width: 1200, height: 700 }, null).boxes.length, 8)
})

test('float: the pinned seat is full, the others stand on the right from the bottom up', () => {
  const canvas = { width: 1200, height: 700 }
  const { boxes } = layout(601, places(4), canvas, 2)
  assert.deepEqual([boxes[0]!.index, boxes[0]!.width, boxes[0]!.height], [2, 1200, 700])
  const [first, second] = boxes.slice(1) as [Box, Box]
  assert.ok(first.x + first.width < 1200 && first.y > second.y && first.x === second.x)
  assert.equal(layout(601, places(4), canvas, null).boxes[0]!.index, 0)
  assert.equal(layout(601, places(4, index => index > 0), canvas, 0).boxes[0]!.index, 1, 'a pinned seat that is free does not count')
})

test('stage and side by side: 77 % and six, 75 % and three; more scroll', () => {
  const canvas = { width: 1000, height: 700 }
  const stage = layout(801, places(9), canvas, null)
  assert.equal(stage.boxes[0]!.width, 770)
  assert.ok(stage.boxes[6]!.y + stage.boxes[6]!.height <= 700.01 && stage.boxes[7]!.y >= 700 && stage.height > 700)
  const side = layout(200, places(4), canvas, null)
  assert.equal(side.boxes[0]!.width, 750)
  assert.ok(side.boxes[3]!.y + side.boxes[3]!.height <= 700.01)
})
