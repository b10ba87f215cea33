// What the broker says, as a state: topics → world. No clock, no socket; `now` comes in, in milliseconds.
//
// Invariant: whatever comes, every map and list here is bounded. A topic whose payload cannot be read costs itself only.

import * as clean from './clean'
import type * as wire from './wire'
import { guestEvent, hostEvent, nameOf, type Words } from './words'

const MOST_ROOMS = 200
const MOST_DEVICES = 10_000
const MOST_LINES = 200
const MOST_SAMPLES = 300
const MOST_EVENTS = 50
const MOST_EXTRAS = 200
/** A deadline that is told anew moves by less than this when nothing happened but rounding. */
const ROUNDING = 1500

/** A message as it came. */
export interface Message {
  topic: string
  payload: Uint8Array
  retained: boolean
}

/** Since when something is as it is; null where it was so before the console looked. */
interface Since<T> {
  is: T
  since: number | null
}

export interface SeatHistory {
  user_id: string | null
  connection: Since<string | null>
  camera: Since<string>
  microphone: Since<string>
}

export interface RoomEntry {
  room: wire.Room
  seats: Map<number, SeatHistory>
}

export interface EventLine {
  at: number
  event: string
  words: string
}

export interface Device {
  id: string
  status: 'online' | 'offline' | null
  statusSince: number | null
  info: wire.Info | null
  state: clean.State | null
  stateAt: number
  /** When requests end, by who asks; undefined while only a retained state has said it. */
  applications: Map<string, number | null | undefined>
  invitations: Map<string, number | null | undefined>
  extras: Map<string, string>
  seatStats: Map<string, wire.SeatStats>
  samples: Array<{ at: number; stats: wire.GuestStats }>
  events: EventLine[]
  /** Which operator closed what here, as far as this page has heard. */
  closedBy: { camera: string | null; microphone: string | null }
  /** When what was lost was lost. */
  lostSince: { camera: number | null; microphone: number | null }
}

export interface Line {
  at: number
  host: string
  words: Words
}

export interface World {
  prefix: string
  rooms: Map<string, RoomEntry>
  /** Rooms whose retained state cannot be read. */
  unreadable: Set<string>
  devices: Map<string, Device>
  log: Line[]
  /** How many retained messages came: none at all is what a missing right looks like. */
  retained: number
  /** Who answered an application last, by applicant. */
  answered: Map<string, { at: number; by: string; accepted: boolean }>
}

export const world = (prefix: string): World => ({
  prefix,
  rooms: new Map(),
  unreadable: new Set(),
  devices: new Map(),
  log: [],
  retained: 0,
  answered: new Map(),
})

export function device(w: World, id: string): Device | null {
  const known = w.devices.get(id)
  if (known) return known
  if (w.devices.size >= MOST_DEVICES) return null
  const made: Device = {
    id,
    status: null,
    statusSince: null,
    info: null,
    state: null,
    stateAt: 0,
    applications: new Map(),
    invitations: new Map(),
    extras: new Map(),
    seatStats: new Map(),
    samples: [],
    events: [],
    closedBy: { camera: null, microphone: null },
    lostSince: { camera: null, microphone: null },
  }
  w.devices.set(id, made)
  return made
}

/** Takes a message in. What is not ours, or no message of the protocol, changes nothing. */
export function receive(w: World, message: Message, now: number): void {
  if (message.retained) w.retained += 1
  if (!message.topic.startsWith(`${w.prefix}/`)) return
  const [plane, rawId, level, ...rest] = message.topic.slice(w.prefix.length + 1).split('/')
  const id = clean.id(rawId)
  if (id === null) return
  if (plane === 'room' && level === 'state' && rest.length === 0) return receiveRoom(w, id, message.payload, now)
  if (plane === 'device' && level !== undefined) receiveDevice(w, id, level, rest, message, now)
}

function receiveRoom(w: World, live_id: string, payload: Uint8Array, now: number) {
  w.unreadable.delete(live_id)
  if (payload.byteLength === 0) return void w.rooms.delete(live_id)
  const room = clean.room(clean.json(payload))
  if (!room || room.live_id !== live_id) {
    w.rooms.delete(live_id)
    if (w.unreadable.size < MOST_ROOMS) w.unreadable.add(live_id)
    return
  }
  const before = w.rooms.get(live_id)
  if (!before && w.rooms.size >= MOST_ROOMS) return
  const seats = new Map(room.seats.map(seat => [seat.index, history(seat, before?.seats.get(seat.index), now)]))
  w.rooms.set(live_id, { room, seats })
}

function history(seat: wire.Seat, before: SeatHistory | undefined, now: number): SeatHistory {
  const user_id = seat.user?.user_id ?? null
  const same = before !== undefined && before.user_id === user_id
  const since = <T>(is: T, was: Since<T> | undefined): Since<T> => {
    if (same && was && was.is === is) return was
    return { is, since: before ? now : null }
  }
  return {
    user_id,
    connection: since(seat.connection, before?.connection),
    camera: since(seat.camera, before?.camera),
    microphone: since(seat.microphone, before?.microphone),
  }
}

function receiveDevice(w: World, id: string, level: string, rest: string[], message: Message, now: number) {
  const { payload, retained } = message
  if (rest.length > 1 || (rest.length === 1 && level !== 'event')) return
  const one = ['status', 'info', 'state', 'stats', 'event'].includes(level) ? device(w, id) : null
  if (!one) return
  switch (level) {
    case 'status': {
      const status = clean.status(payload)
      if (status !== one.status) one.statusSince = one.status === null ? null : now
      one.status = status
      return
    }
    case 'info':
      one.info = clean.info(clean.json(payload))
      return
    case 'state':
      return takeState(one, clean.state(clean.json(payload)), retained ? 'retained' : 'fresh', now)
    case 'stats':
      return takeStats(one, clean.stats(clean.json(payload)), now)
    case 'event':
      return takeEvent(w, one, rest[0] ?? '', clean.event(clean.json(payload)), now)
  }
}

/** A state: as published now, or as it lay retained, when nobody knows how long ago its seconds were counted. */
export function takeState(one: Device, state: clean.State | null, how: 'fresh' | 'retained', now: number): void {
  const before = one.state
  one.state = state
  one.stateAt = now
  if (!state) return
  for (const what of ['camera', 'microphone'] as const) {
    const lost = state[what].status === 'lost'
    if (!lost) one.lostSince[what] = null
    else if (before && before[what].status !== 'lost') one.lostSince[what] = now
  }
  const lists = state.role === 'host' ? state : { applicants: [], invitees: [] }
  one.applications = deadlines(lists.applicants, one.applications, how, now)
  one.invitations = deadlines(lists.invitees, one.invitations, how, now)
}

function deadlines(list: Array<clean.Applicant | clean.Invitee>, before: Device['applications'], how: 'fresh' | 'retained', now: number) {
  const made: Device['applications'] = new Map()
  for (const { user, expires_in } of list) {
    const was = before.get(user.user_id)
    const is = expires_in === null ? null : how === 'fresh' ? now + expires_in * 1000 : undefined
    const rounded = typeof was === 'number' && typeof is === 'number' && Math.abs(was - is) < ROUNDING
    made.set(user.user_id, rounded || (is === undefined && was !== undefined) ? was : is)
  }
  return made
}

function takeStats(one: Device, stats: wire.Stats | null, now: number) {
  if (!stats) return
  if ('seats' in stats) {
    one.seatStats = new Map(stats.seats.map(seat => [seat.user_id, seat]))
    return
  }
  one.samples.push({ at: now, stats })
  if (one.samples.length > MOST_SAMPLES) one.samples.splice(0, one.samples.length - MOST_SAMPLES)
}

function takeEvent(w: World, one: Device, event: string, e: clean.Event | null, now: number) {
  if (!e || !/^[a-z_]{1,64}$/.test(event)) return
  one.events.unshift({ at: now, event, words: eventWords(e) })
  if (one.events.length > MOST_EVENTS) one.events.length = MOST_EVENTS
  const asked = e.user?.user_id
  if (asked !== undefined) {
    if (event === 'application_received' && e.extra_info !== null) bounded(one.extras, asked, e.extra_info)
    else if (event.startsWith('application_')) one.extras.delete(asked)
    if (event === 'application_processed') bounded(w.answered, asked, { at: now, by: e.by?.operator ?? e.by?.user_name ?? '', accepted: e.accepted === true })
  }
  const closed = /^(camera|microphone)_(closed|unlocked)_by_admin$/.exec(event)
  if (closed) one.closedBy[closed[1] as 'camera' | 'microphone'] = closed[2] === 'closed' ? (e.by?.operator ?? e.by?.user_name ?? null) : null
  const words = hostEvent(event, e) ?? guestEvent(event, nameOf(userOf(w, one.id)), e)
  if (words) note(w, { at: now, host: one.id, words })
}

function bounded<T>(map: Map<string, T>, key: string, value: T) {
  map.delete(key)
  map.set(key, value)
  const oldest = map.size > MOST_EXTRAS ? map.keys().next().value : undefined
  if (oldest !== undefined) map.delete(oldest)
}

export function note(w: World, line: Line): void {
  w.log.unshift(line)
  if (w.log.length > MOST_LINES) w.log.length = MOST_LINES
}

function eventWords(e: clean.Event): string {
  const parts = [
    e.user && `${e.user.user_name} (${e.user.user_id})`,
    e.seat_index !== null && `seat ${e.seat_index}`,
    e.from !== null && `from seat ${e.from}`,
    e.to !== null && `to seat ${e.to}`,
    e.by && `by ${e.by.operator ?? e.by.user_name}`,
    e.reason,
    e.connection,
    e.cause,
    e.why,
    e.device,
  ]
  return parts.filter(Boolean).join(', ')
}

/** Whoever has this id, as the rooms name it. */
export function userOf(w: World, id: string): wire.User {
  for (const { room } of w.rooms.values()) {
    const seat = room.seats.find(one => one.user?.user_id === id)
    if (seat?.user) return seat.user
    if (room.host.user_id === id) return room.host
  }
  return w.devices.get(id)?.info?.user ?? { user_id: id, user_name: id, avatar_url: '' }
}

/** The host's own state, where it is one. */
export function hostState(w: World, id: string): clean.HostState | null {
  const state = w.devices.get(id)?.state
  return state?.role === 'host' ? state : null
}

export function guestState(w: World, id: string): wire.GuestState | null {
  const state = w.devices.get(id)?.state
  return state?.role === 'guest' ? state : null
}

/** How many ask for a seat in a room. */
export function waiting(w: World, room: wire.Room): number {
  const host = hostState(w, room.host.user_id)
  return room.status === 'live' && host?.room.live_id === room.live_id ? host.applicants_total : 0
}

/** Forgets what no subscription keeps true any more. */
export function forget(w: World, filters: string[]): void {
  const keep = (topic: string) => filters.some(filter => matches(filter, topic))
  for (const live_id of [...w.rooms.keys(), ...w.unreadable]) {
    if (keep(`${w.prefix}/room/${live_id}/state`)) continue
    w.rooms.delete(live_id)
    w.unreadable.delete(live_id)
  }
  for (const one of w.devices.values()) {
    const base = `${w.prefix}/device/${one.id}`
    if (!keep(`${base}/status`)) one.status = null
    if (!keep(`${base}/info`)) one.info = null
    if (!keep(`${base}/state`)) takeState(one, null, 'retained', 0)
    if (!keep(`${base}/stats`)) {
      one.seatStats.clear()
      one.samples = []
    }
    if (!keep(`${base}/event/x`)) one.closedBy = { camera: null, microphone: null }
    if (!['status', 'info', 'state', 'stats', 'event/x'].some(level => keep(`${base}/${level}`))) w.devices.delete(one.id)
  }
}

/** Whether a topic filter takes a topic; `#` is not used here. */
export function matches(filter: string, topic: string): boolean {
  const [wanted, has] = [filter.split('/'), topic.split('/')]
  return wanted.length === has.length && wanted.every((level, n) => level === '+' || level === has[n])
}
