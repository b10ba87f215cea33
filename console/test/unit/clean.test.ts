import assert from 'node:assert/strict'
import test from 'node:test'
import * as clean from '../../src/model/clean'
import { bytes, dice, golden, one } from '../golden'

test('what the daemon says comes through unchanged', () => {
  for (const [name, raw] of golden('room')) {
    const { banned = [], ...rest } = JSON.parse(new TextDecoder().decode(raw))
    assert.deepEqual(clean.room(clean.json(raw)), { ...rest, banned }, name)
  }
  for (const [name, raw] of golden('state')) {
    const state = JSON.parse(new TextDecoder().decode(raw))
    for (const list of ['applicants', 'invitees']) state[list]?.forEach((request: Record<string, unknown>) => (request['extra_info'] ??= null))
    assert.deepEqual(clean.state(clean.json(raw)), state, name)
  }
})

test('every event and reply of the daemon is understood', () => {
  for (const kind of ['event_at_host', 'event_at_guest']) {
    for (const [name, raw] of golden(kind)) {
      const said = JSON.parse(new TextDecoder().decode(raw))
      const event = clean.event(clean.json(raw))
      assert.ok(event, name)
      for (const field of ['user', 'by', 'seat_index', 'from', 'to', 'accepted', 'extra_info'] as const) {
        if (field in said) assert.deepEqual(event[field], said[field] === -1 ? null : said[field], `${name}: ${field}`)
      }
      for (const field of ['reason', 'connection', 'why', 'cause', 'operator'] as const) if (field in said) assert.equal(event[field], said[field] ?? '', `${name}: ${field}`)
    }
  }
  for (const [name, raw] of golden('reply')) assert.ok(clean.reply(clean.json(raw)), name)
  const refused = clean.reply(clean.json(one('reply', 'refused')))
  assert.ok(refused && !refused.ok && refused.error.code.length > 0 && refused.error.message.length > 0)
})

test('text is cut at its bytes between characters, and has nothing in it that is not seen', () => {
  assert.equal(clean.text('a\u202eb\u0000c\u2066d\ufeff\u200f', 64), 'abcd')
  assert.equal(clean.text('two\nlines', 64), 'two lines')
  assert.equal(clean.text('e\u0301\u0302\u0303\u0304\u0305\u0306', 64), 'e\u0301\u0302\u0303')
  assert.equal(clean.text('ää', 3), 'ä')
  assert.equal(clean.text('😀😀', 7), '😀')
  assert.equal(clean.text('x\ud800y', 64), 'xy')
  assert.equal(clean.text('👩\u200d🔧', 64), '👩\u200d🔧')
  assert.equal(clean.text(7, 64), '')
  assert.equal(new TextEncoder().encode(clean.text('語'.repeat(1000), 128)).byteLength, 126)
})

test('an avatar is the own server’s or a picture in itself', () => {
  const of = (avatar_url: unknown) => clean.user({ user_id: 'a', user_name: 'a', avatar_url })!.avatar_url
  for (const foreign of ['https://example.org/a.png', '//example.org/a.png', 'javascript:alert(1)', 'data:text/html,x', 'blob:x', 7, '/a.png']) assert.equal(of(foreign), '')
  assert.equal(of('data:image/png;base64,AAAA'), 'data:image/png;base64,AAAA')
  assert.equal(of(`data:image/png;base64,${'A'.repeat(70_000)}`), '')
})

test('ids are the protocol’s or nothing', () => {
  for (const good of ['a', 'kiosk-7', '.a', '..a', 'A_b.c', 'x'.repeat(64)]) assert.equal(clean.id(good), good)
  for (const bad of ['', '.', '..', 'a/b', '+', '#', 'x'.repeat(65), 'ä', 'a b', null, 3, {}]) assert.equal(clean.id(bad), null)
})

test('unknown words become the safest known', () => {
  const room = JSON.parse(new TextDecoder().decode(one('room', 'live')))
  const odd = clean.room({ ...room, status: 'paused', seats: [{ ...room.seats[2], camera: 'glowing', connection: 'psychic', media: 'smell', index: 2 }] })!
  assert.equal(odd.status, 'ended')
  assert.deepEqual([odd.seats[0]!.camera, odd.seats[0]!.connection, odd.seats[0]!.media], ['off', 'connecting', 'audio'])
  assert.equal(clean.room({ ...room, host: null }), null)
})

test('lists are cut and hold nothing twice', () => {
  const many = Array.from({ length: 10_000 }, (_, n) => ({ user_id: `u${n}`, user_name: `n${n}`, avatar_url: '' }))
  const state = clean.state({ role: 'host', candidates: [...many.slice(0, 3), ...many], applicants: many.map(user => ({ user, seat_index: 0, media: 'video', expires_in: 5 })) })
  assert.ok(state?.role === 'host')
  assert.equal(state.candidates.length, 100)
  assert.equal(new Set(state.candidates.map(user => user.user_id)).size, 100)
  assert.equal(state.applicants.length, 100)
  const seats = Array.from({ length: 500 }, (_, index) => ({ index }))
  const room = clean.room({ live_id: 'a', host: many[0], status: 'live', seats: [...seats, ...seats] })
  assert.equal(room?.seats.length, 32)
})

test('a still is a JPEG of a size that can be', () => {
  const still = { content_type: 'image/jpeg', width: 2, height: 2, data: 'AAEC' }
  assert.deepEqual([...clean.still(still)!.bytes], [0, 1, 2])
  for (const odd of [{ content_type: 'image/svg+xml' }, { width: 0 }, { height: 1e9 }, { data: '***' }, { data: 'A'.repeat(70_000) }, { data: null }]) assert.equal(clean.still({ ...still, ...odd }), null)
})

const KEYS = ['user', 'user_id', 'user_name', 'avatar_url', 'by', 'operator', 'role', 'room', 'live_id', 'host', 'seats', 'index', 'camera', 'microphone', 'status', 'applicants', 'invitees', 'candidates', 'connected', 'speaking', 'expires_in', 'seat', 'phase', 'network', 'last_error', 'code', 'number', 'message', 'summary', 'video', 'audio', 'level_dbfs', 'loss', 'ok', 'result', 'error', 'controls', 'items', 'name', 'type', 'value', '__proto__', 'constructor', 'banned', 'devices', 'cameras', 'extra_info', 'content_type', 'data', 'width', 'height']
const WORDS = ['host', 'guest', 'live', 'ended', 'on', 'video', 'image/jpeg', 'menu', 'integer', 'a', 'kiosk-7', '', '\u202e', 'x'.repeat(5000), '__proto__', 'toString', '🏴'.repeat(300)]
const NUMBERS = [0, -0, -1, 1, 2.5, 31, 32, 1e9, 1e308, -1e308, 4294967296, 0.1]

/** At most `left.nodes` values, however they are nested. */
function anything(random: () => number, depth: number, left = { nodes: 400 }): unknown {
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!
  const kind = random()
  left.nodes -= 1
  if (depth === 0 || kind < 0.35 || left.nodes < 0) return pick([null, true, false, pick(WORDS), pick(WORDS), pick(NUMBERS), pick(NUMBERS)])
  const size = Math.floor(random() * (random() < 0.05 ? 200 : 8)) & (left.nodes > 0 ? -1 : 0)
  if (kind < 0.55) return Array.from({ length: size }, () => anything(random, depth - 1, left))
  return Object.fromEntries(Array.from({ length: size * 2 }, () => [pick(KEYS), anything(random, depth - 1, left)]))
}

test('any JSON at all: nothing throws, everything is bounded', () => {
  const readers = [clean.room, clean.state, clean.stats, clean.info, clean.event, clean.reply, clean.still, clean.controls, clean.control, clean.error, clean.user, clean.by, clean.shown]
  for (let seed = 1; seed <= 2000; seed++) {
    const random = dice(seed)
    const raw = bytes(anything(random, 6))
    const x = clean.json(raw)
    for (const read of readers) {
      const made = read(x)
      const size = made === null ? 0 : JSON.stringify(read === clean.reply ? null : made).length
      assert.ok(size < 400_000, `${read.name}, seed ${seed}: ${size}`)
    }
  }
})

test('bytes that are no JSON, too many bytes, and nesting without end are nothing', () => {
  for (const odd of ['', '{', '\u0000', 'online', '[1,]']) assert.equal(clean.json(bytes(odd)), undefined)
  assert.equal(clean.json(new Uint8Array([0xff, 0xfe, 0x7b])), undefined)
  assert.equal(clean.json(bytes(`"${'a'.repeat(70_000)}"`)), undefined)
  const deep = clean.json(bytes('[{"user":'.repeat(6000) + '1' + '}]'.repeat(6000)))
  for (const read of [clean.room, clean.state, clean.event, clean.shown]) assert.doesNotThrow(() => read(deep))
})

test('a WHEP session is at its own server, or none', () => {
  const url = 'https://sfu.example.org/lobby/kiosk-7/whep'
  assert.equal(clean.whepSession('../s/1', url), 'https://sfu.example.org/lobby/s/1')
  assert.equal(clean.whepSession('/s/1?x#y', url), 'https://sfu.example.org/s/1?x#y')
  for (const elsewhere of [null, 'https://other.example.org/s/1', '//other.example.org/s', 'http://sfu.example.org/s', 'javascript:1', 'https://[', '/'.repeat(3000)]) assert.equal(clean.whepSession(elsewhere, url), null, String(elsewhere))
})
