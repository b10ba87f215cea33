import assert from 'node:assert/strict'
import test from 'node:test'
import * as clean from '../../src/model/clean'
import * as may from '../../src/model/may'
import { one } from '../golden'

const room = clean.room(clean.json(one('room', 'live')))!
const state = clean.state(clean.json(one('state', 'host'))) as clean.HostState

test('a seat is taken in the protocol’s order: not there, locked, occupied; -1 when none is left', () => {
  assert.equal(may.mayTake(room, 0), null)
  assert.match(may.mayTake(room, 9)!, /no seat 9/)
  assert.match(may.mayTake(room, 1)!, /locked/)
  assert.match(may.mayTake(room, 2)!, /taken by kiosk-7/)
  assert.equal(may.mayTake(room, -1), null)
  const full = { ...room, seats: room.seats.map(seat => ({ ...seat, locked: true })) }
  assert.match(may.mayTake(full, -1)!, /both free and unlocked/)
})

test('accept and reject: only what waits', () => {
  assert.equal(may.mayAccept(room, state, 'kiosk-8', -1), null)
  assert.match(may.mayAccept(room, state, 'kiosk-8', 2)!, /taken/)
  assert.match(may.mayAccept(room, state, 'kiosk-9', -1)!, /over/)
  assert.equal(may.mayReject(state, 'kiosk-8'), null)
  assert.match(may.mayReject(state, 'nobody')!, /over/)
})

test('invite: in the room, not seated, not invited, and the seat is free', () => {
  assert.equal(may.mayInvite(room, state, 'kiosk-8', -1), null)
  assert.match(may.mayInvite(room, state, 'kiosk-7', -1)!, /sits on seat 2/)
  assert.match(may.mayInvite(room, state, 'kiosk-9', -1)!, /invitation already/)
  assert.match(may.mayInvite(room, state, 'stranger', -1)!, /not in the room/)
  assert.match(may.mayInvite(room, state, 'kiosk-8', 1)!, /locked/)
  assert.equal(may.mayInvite(room, { ...state, candidates_total: 400 }, 'stranger', -1), null, 'a list that is cut proves nothing')
})

test('move: only who sits, not to the own, not to a locked seat; onto somebody it is a swap', () => {
  assert.equal(may.mayMove(room, 'kiosk-7', 0), null)
  assert.match(may.mayMove(room, 'kiosk-7', 2)!, /already/)
  assert.match(may.mayMove(room, 'kiosk-7', 1)!, /locked/)
  assert.match(may.mayMove(room, 'kiosk-7', 8)!, /no seat/)
  assert.match(may.mayMove(room, 'kiosk-8', 0)!, /not seated/)
  assert.deepEqual([may.isSwap(room, 2), may.isSwap(room, 0)], [true, false])
})

test('kick, close and open: of whom is seated; nothing while the host is away or the live ended', () => {
  assert.equal(may.mayControl(room, 'kiosk-7'), null)
  assert.match(may.mayControl(room, 'kiosk-8')!, /not seated/)
  assert.match(may.mayAct(room, 'offline')!, /away/)
  assert.equal(may.mayAct(room, 'online'), null)
  assert.match(may.mayAct({ ...room, status: 'ended' }, 'online')!, /ended/)
})

test('cancel: only what is open', () => {
  assert.equal(may.mayCancel(state, 'kiosk-9'), null)
  assert.match(may.mayCancel(state, 'kiosk-8')!, /over/)
})

test('a picture: of an open camera, where the host is the stage; else a sentence says why none', () => {
  const seat = { ...room.seats[2]!, camera: 'on' as const }
  assert.equal(may.mayPicture(room, seat), null)
  assert.match(may.mayPicture({ ...room, stage: 'browser' }, seat)!, /media go to browser/)
  assert.equal(may.mayPicture({ ...room, stage: null }, seat), null)
  assert.equal(may.mayWatch(room, seat), null)
  assert.equal(may.mayWatch({ ...room, stage: null }, seat), null)
  assert.match(may.mayWatch({ ...room, stage: 'browser' }, seat)!, /media go to browser/)
  assert.match(may.mayWatch(room, { ...seat, connection: 'connecting' })!, /not connected/)
  assert.match(may.mayWatch({ ...room, status: 'ended' }, seat)!, /has ended/)
  assert.match(may.mayPicture(room, { ...seat, media: 'audio' })!, /Sound only/)
  assert.match(may.mayPicture(room, room.seats[2]!)!, /camera is off/)
})
