// Anything from outside → what it should be, once. Behind this module nothing is checked again.
//
// Nothing here throws, whatever comes in; what cannot be made right is null. Every list, string and number has a bound.

import type * as wire from './wire'

export const MOST_SEATS = 32
const MOST_LISTED = 100
const MOST_BANNED = 128
const MOST_CONTROLS = 100
/** A message of the protocol, in bytes. */
export const LARGEST_MESSAGE = 65_536
/** No picture of a still is larger, either way round. */
const LARGEST_SIDE = 4096

const ID = /^(?:[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}|\.[A-Za-z0-9_-][A-Za-z0-9_.-]{0,62}|\.\.[A-Za-z0-9_.-]{1,62})$/
// C0, C1, directions and their ends, what is wide as nothing, line separators: none of it is text to read.
const UNSEEN = /[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g
const BLANK = /[\t\n\r]+/g
const LONELY = /[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g
/** Marks are stacked on the letter before them, over the lines above: three are enough for every script. */
const STACKED = /(\p{M}{3})\p{M}+/gu

type Fields = Record<string, unknown>

/** An applicant with what its application says, where the console heard it. */
export type Applicant = wire.Applicant & { extra_info: string | null }
export type Invitee = Omit<wire.Invitee, 'by'> & { by: wire.By | null; extra_info: string | null }
export type HostState = Omit<wire.HostState, 'applicants' | 'invitees'> & { applicants: Applicant[]; invitees: Invitee[] }
export type State = wire.GuestState | HostState

/** What any event may carry; what it lacks is null. */
export interface Event {
  user: wire.User | null
  by: wire.By | null
  seat_index: number | null
  from: number | null
  to: number | null
  accepted: boolean | null
  reason: string
  connection: string
  extra_info: string | null
  why: string
  cause: string
  encoder: string
  /** Who talks. */
  operator: string
  device: string
}

/** A reply of whatever command. */
export type Reply = { ok: true; result: unknown } | { ok: false; error: wire.Error }

/** A still, as bytes of a JPEG. */
export interface Still {
  bytes: Uint8Array<ArrayBuffer>
  width: number
  height: number
}

/** JSON from bytes, or undefined. */
export function json(bytes: Uint8Array): unknown {
  if (bytes.byteLength > LARGEST_MESSAGE) return undefined
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

const fields = (x: unknown): Fields | null => (typeof x === 'object' && x !== null && !Array.isArray(x) ? (x as Fields) : null)

export const id = (x: unknown): string | null => (typeof x === 'string' && ID.test(x) ? x : null)

/** Text of at most so many bytes, with nothing in it that is not seen; cut between characters. */
export function text(x: unknown, most: number): string {
  if (typeof x !== 'string') return ''
  const plain = x.slice(0, most).replace(LONELY, '').replace(BLANK, ' ').replace(UNSEEN, '').replace(STACKED, '$1').trim()
  if (plain.length * 3 <= most) return plain
  let bytes = 0
  let end = 0
  for (const letter of plain) {
    const point = letter.codePointAt(0) ?? 0
    bytes += point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4
    if (bytes > most) break
    end += letter.length
  }
  return plain.slice(0, end)
}

const textOrNull = (x: unknown, most: number): string | null => (typeof x === 'string' ? text(x, most) : null)

export function number(x: unknown, least: number, most: number): number | null {
  return typeof x === 'number' && x >= least && x <= most ? x : null
}

export function whole(x: unknown, least: number, most: number): number | null {
  return Number.isInteger(x) ? number(x, least, most) : null
}

function word<W extends string>(x: unknown, known: readonly W[], safest: W): W {
  return known.includes(x as W) ? (x as W) : safest
}

/** The good ones of a list, without what comes twice. */
function list<T>(x: unknown, most: number, one: (x: unknown) => T | null, key?: (one: T) => string | number): T[] {
  const made: T[] = []
  const seen = new Set<string | number>()
  if (!Array.isArray(x)) return made
  for (const raw of x.slice(0, 4 * most)) {
    const good = one(raw)
    if (good === null) continue
    if (key) {
      if (seen.has(key(good))) continue
      seen.add(key(good))
    }
    made.push(good)
    if (made.length === most) break
  }
  return made
}

/** An address that may be fetched without telling anybody outside: the page's own server's, or a small picture in itself. */
function avatar(x: unknown): string {
  if (typeof x !== 'string' || x.length > LARGEST_MESSAGE) return ''
  if (/^data:image\/(?:png|jpeg|gif|webp|svg\+xml)[;,]/.test(x)) return x
  try {
    const here = globalThis.location?.origin
    const url = new URL(x)
    return here !== undefined && url.origin === here && /^https?:$/.test(url.protocol) ? url.href : ''
  } catch {
    return ''
  }
}

export function user(x: unknown): wire.User | null {
  const raw = fields(x)
  const user_id = id(raw?.['user_id'])
  if (!raw || user_id === null) return null
  return { user_id, user_name: text(raw['user_name'], 128) || user_id, avatar_url: avatar(raw['avatar_url']) }
}

export function by(x: unknown): wire.By | null {
  const who = user(x)
  if (!who) return null
  const operator = text(fields(x)?.['operator'], 64)
  return operator ? { ...who, operator } : who
}

const MEDIA = ['video', 'audio'] as const
const SWITCH = ['on', 'off', 'closed_by_admin'] as const
const DEVICE = ['on', 'off', 'lost', 'closed_by_admin'] as const
const CONNECTION = ['connecting', 'connected', 'lost'] as const

function seat(x: unknown): wire.Seat | null {
  const raw = fields(x)
  const index = whole(raw?.['index'], 0, MOST_SEATS - 1)
  if (!raw || index === null) return null
  const who = user(raw['user'])
  return {
    index,
    locked: raw['locked'] === true,
    user: who,
    media: who && word(raw['media'], MEDIA, 'audio'),
    microphone: word(raw['microphone'], SWITCH, 'off'),
    camera: word(raw['camera'], SWITCH, 'off'),
    connection: who && word(raw['connection'], CONNECTION, 'connecting'),
  }
}

function banned(x: unknown): wire.Banned | null {
  const raw = fields(x)
  const user_id = id(raw?.['user_id'])
  if (!raw || user_id === null) return null
  const device = (one: unknown) => (one === 'camera' || one === 'microphone' ? one : null)
  return { user_id, devices: list(raw['devices'], 2, device, one => one) }
}

/** A room without a host or a seat is none. */
export function room(x: unknown): wire.Room | null {
  const raw = fields(x)
  const live_id = id(raw?.['live_id'])
  const host = user(raw?.['host'])
  if (!raw || live_id === null || !host) return null
  const seats = list(raw['seats'], MOST_SEATS, seat, one => one.index).sort((one, other) => one.index - other.index)
  if (seats.length === 0) return null
  return {
    live_id,
    status: word(raw['status'], ['live', 'ended'], 'ended'),
    host,
    session: text(raw['session'], 64),
    seat_mode: word(raw['seat_mode'], ['apply', 'free'], 'apply'),
    stage: id(raw['stage']),
    revision: whole(raw['revision'], 0, Number.MAX_SAFE_INTEGER) ?? 0,
    seats,
    banned: list(raw['banned'], MOST_BANNED, banned, one => one.user_id),
  }
}

const seatOrAny = (x: unknown): number => whole(x, -1, MOST_SEATS - 1) ?? -1
/** In the protocol a request lives for an hour at most. */
const seconds = (x: unknown): number | null => whole(x, 0, 3600)
const count = (x: unknown, least: number): number => Math.max(whole(x, 0, 1_000_000) ?? 0, least)

function applicant(x: unknown): Applicant | null {
  const raw = fields(x)
  const who = user(raw?.['user'])
  if (!raw || !who) return null
  return {
    user: who,
    seat_index: seatOrAny(raw['seat_index']),
    media: word(raw['media'], MEDIA, 'audio'),
    expires_in: seconds(raw['expires_in']),
    extra_info: textOrNull(raw['extra_info'], 1024),
  }
}

function invitee(x: unknown): Invitee | null {
  const one = applicant(x)
  return one && { ...one, by: by(fields(x)?.['by']) }
}

function connected(x: unknown): wire.Connected | null {
  const raw = fields(x)
  const who = user(raw?.['user'])
  const seat_index = whole(raw?.['seat_index'], 0, MOST_SEATS - 1)
  if (!raw || !who || seat_index === null) return null
  return { user: who, seat_index, connection: word(raw['connection'], CONNECTION, 'connecting') }
}

const CODE = /^[a-z_]{1,64}$/

/** A code that this page does not know stands as it is: it is for people to read. */
export function error(x: unknown): wire.Error | null {
  const raw = fields(x)
  if (!raw) return null
  const code = typeof raw['code'] === 'string' && CODE.test(raw['code']) ? raw['code'] : 'unknown'
  const said = whole(raw['number'], -1_000_000, 1_000_000)
  return { code: code as wire.Error['code'], number: said as wire.Error['number'], message: text(raw['message'], 1024) || code }
}

const share = (x: unknown): number | null => number(x, 0, 1)
const quantity = (x: unknown): number | null => number(x, 0, 10_000_000)

/** What a guest sends of its camera. */
function sent(x: unknown): wire.SentPicture | null {
  const raw = fields(x)
  const width = whole(raw?.['width'], 1, 16_384)
  const height = whole(raw?.['height'], 1, 16_384)
  const frame_rate = number(raw?.['frame_rate'], 0, 1_000)
  return width === null || height === null || frame_rate === null ? null : { width, height, frame_rate }
}

function common(raw: Fields) {
  const place = fields(raw['room'])
  const camera = fields(raw['camera'])
  const microphone = fields(raw['microphone'])
  const network = fields(raw['network'])
  return {
    room: { live_id: id(place?.['live_id']), membership: word(place?.['membership'], ['outside', 'joining', 'inside', 'host_lost'], 'outside') },
    camera: {
      status: word(camera?.['status'], DEVICE, 'off'),
      device: textOrNull(camera?.['device'], 256),
      quality: word(camera?.['quality'], ['360p', '540p', '720p', '1080p', ''], '') || null,
      // A host sends nothing.
      ...(camera && 'sent' in camera ? { sent: sent(camera['sent']) } : {}),
    },
    microphone: {
      status: word(microphone?.['status'], DEVICE, 'off'),
      device: textOrNull(microphone?.['device'], 256),
      volume: whole(microphone?.['volume'], 0, 100),
    },
    network: {
      quality: word(network?.['quality'], ['unknown', 'excellent', 'good', 'poor', 'bad', 'very_bad', 'down'], 'unknown'),
      delay_ms: quantity(network?.['delay_ms']),
      up_loss: share(network?.['up_loss']),
      down_loss: share(network?.['down_loss']),
    },
    last_error: error(raw['last_error']),
    summary: text(raw['summary'], 480),
  }
}

function stay(x: unknown): wire.Stay | null {
  const raw = fields(x)
  const index = whole(raw?.['index'], 0, MOST_SEATS - 1)
  if (!raw || index === null) return null
  const phases = ['preparing', 'negotiating', 'connecting', 'live', 'recovering', 'leaving'] as const
  return { index, media: word(raw['media'], MEDIA, 'audio'), phase: word(raw['phase'], phases, 'connecting') }
}

function pending(x: unknown): wire.PendingApplication | null {
  const raw = fields(x)
  return raw && { seat_index: seatOrAny(raw['seat_index']), expires_in: seconds(raw['expires_in']) }
}

function invitation(x: unknown): wire.PendingInvitation | null {
  const raw = fields(x)
  const who = by(raw?.['by'])
  return raw && who && { by: who, seat_index: seatOrAny(raw['seat_index']), expires_in: seconds(raw['expires_in']) }
}

export function state(x: unknown): State | null {
  const raw = fields(x)
  if (!raw) return null
  if (raw['role'] === 'guest') {
    return {
      role: 'guest',
      ...common(raw),
      application: pending(raw['application']),
      invitations: list(raw['invitations'], MOST_LISTED, invitation),
      seat: stay(raw['seat']),
      speaker: word(raw['speaker'], ['off', 'silent', 'playing'], 'off'),
      layers: { foreground: fields(raw['layers'])?.['foreground'] === true },
    }
  }
  if (raw['role'] !== 'host') return null
  const key = (one: { user: wire.User }) => one.user.user_id
  const applicants = list(raw['applicants'], MOST_LISTED, applicant, key)
  const invitees = list(raw['invitees'], MOST_LISTED, invitee, key)
  const candidates = list(raw['candidates'], MOST_LISTED, user, one => one.user_id)
  const sessions = list(raw['watching'], MOST_LISTED, watching)
  return {
    role: 'host',
    ...common(raw),
    applicants,
    applicants_total: count(raw['applicants_total'], applicants.length),
    invitees,
    invitees_total: count(raw['invitees_total'], invitees.length),
    candidates,
    candidates_total: count(raw['candidates_total'], candidates.length),
    connected: list(raw['connected'], MOST_SEATS, connected, one => one.seat_index),
    speaking: list(raw['speaking'], MOST_SEATS, id, one => one),
    watching: sessions,
    watching_total: count(raw['watching_total'], sessions.length),
  }
}

function watching(x: unknown): wire.Watching | null {
  const raw = fields(x)
  const user_id = id(raw?.['user_id'])
  return user_id === null ? null : { user_id, operator: text(raw?.['operator'], 64) || null, talking: raw?.['talking'] === true }
}

function video(x: unknown): wire.Video | null {
  const raw = fields(x)
  if (!raw) return null
  return {
    width: whole(raw['width'], 1, 16_384),
    height: whole(raw['height'], 1, 16_384),
    frame_rate: number(raw['frame_rate'], 0, 1000),
    frames: whole(raw['frames'], 0, Number.MAX_SAFE_INTEGER) ?? 0,
    bitrate_kbps: quantity(raw['bitrate_kbps']),
  }
}

function audio(x: unknown): wire.Audio | null {
  const raw = fields(x)
  return raw && { bitrate_kbps: quantity(raw['bitrate_kbps']), level_dbfs: number(raw['level_dbfs'], -1000, 20) }
}

/** What is measured of a seat at either end. */
function seatMeasures(x: unknown) {
  const raw = fields(x)
  const seat_index = whole(raw?.['seat_index'], 0, MOST_SEATS - 1)
  if (!raw || seat_index === null) return null
  return { seat_index, round_trip_ms: quantity(raw['round_trip_ms']), loss: share(raw['loss']), video: video(raw['video']), audio: audio(raw['audio']) }
}

function guestStats(x: unknown): wire.GuestStats | null {
  const raw = fields(x)
  const one = seatMeasures(x)
  if (!raw || !one) return null
  return {
    ...one,
    target_kbps: quantity(raw['target_kbps']),
    sent_kbps: quantity(raw['sent_kbps']),
    acknowledged_kbps: quantity(raw['acknowledged_kbps']),
    retransmitted_kbps: quantity(raw['retransmitted_kbps']),
    queue_ms: quantity(raw['queue_ms']),
    limited_by: word<'network' | 'quality' | ''>(raw['limited_by'], ['network', 'quality', ''], '') || null,
  }
}

function seatStats(x: unknown): wire.SeatStats | null {
  const raw = fields(x)
  const one = seatMeasures(x)
  const user_id = id(raw?.['user_id'])
  if (!raw || !one || user_id === null) return null
  return {
    ...one,
    user_id,
    return: audio(raw['return']),
    jitter_ms: quantity(raw['jitter_ms']),
    freezes: whole(raw['freezes'], 0, Number.MAX_SAFE_INTEGER),
    longest_freeze_ms: quantity(raw['longest_freeze_ms']),
  }
}

export function stats(x: unknown): wire.Stats | null {
  const raw = fields(x)
  if (!raw) return null
  return Array.isArray(raw['seats']) ? { seats: list(raw['seats'], MOST_SEATS, seatStats, one => one.seat_index) } : guestStats(raw)
}

function device(x: unknown): wire.Device | null {
  const raw = fields(x)
  const name = text(raw?.['name'], 256)
  return raw && typeof raw['id'] === 'string' ? { id: raw['id'].slice(0, 256), name: name || text(raw['id'], 256) } : null
}

export function info(x: unknown): wire.Info | null {
  const raw = fields(x)
  const who = user(raw?.['user'])
  if (!raw || !who) return null
  return {
    version: text(raw['version'], 64),
    role: word(raw['role'], ['guest', 'host'], 'guest'),
    user: who,
    cameras: list(raw['cameras'], MOST_LISTED, device),
    microphones: list(raw['microphones'], MOST_LISTED, device),
    encoders: list(raw['encoders'], MOST_LISTED, one => text(one, 64) || null),
    pipeline: text(raw['pipeline'], 256),
    machine: text(raw['machine'], 128),
  }
}

export const status = (bytes: Uint8Array): 'online' | 'offline' => (new TextDecoder().decode(bytes.subarray(0, 16)) === 'online' ? 'online' : 'offline')

/** The fields of whatever event; null where it is no object. */
export function event(x: unknown): Event | null {
  const raw = fields(x)
  if (!raw) return null
  const index = (one: unknown) => whole(one, 0, MOST_SEATS - 1)
  return {
    user: user(raw['user']),
    by: by(raw['by']),
    seat_index: index(raw['seat_index']),
    from: index(raw['from']),
    to: index(raw['to']),
    accepted: typeof raw['accepted'] === 'boolean' ? raw['accepted'] : null,
    reason: text(raw['reason'], 64),
    connection: text(raw['connection'], 64),
    extra_info: textOrNull(raw['extra_info'], 1024),
    why: text(raw['why'], 512),
    cause: text(raw['cause'], 64),
    encoder: text(raw['encoder'], 64),
    operator: text(raw['operator'], 64),
    device: text(raw['camera'] ?? raw['microphone'], 256),
  }
}

export function reply(x: unknown): Reply | null {
  const raw = fields(x)
  if (raw?.['ok'] === true) return { ok: true, result: raw['result'] }
  const said = error(raw?.['error'])
  return said && { ok: false, error: said }
}

/** A JPEG: any other type would have to be looked into first. */
export function still(x: unknown): Still | null {
  const raw = fields(x)
  const width = whole(raw?.['width'], 1, LARGEST_SIDE)
  const height = whole(raw?.['height'], 1, LARGEST_SIDE)
  const data = raw?.['data']
  if (width === null || height === null || raw?.['content_type'] !== 'image/jpeg' || typeof data !== 'string' || data.length > LARGEST_MESSAGE) return null
  try {
    return { width, height, bytes: Uint8Array.from(atob(data), letter => letter.charCodeAt(0)) }
  } catch {
    return null
  }
}

/** Where a server plays a seat. */
export interface Playback {
  transport: 'whep'
  url: string
  token: string | null
}

/** The result of `watch`. */
export function watchOffer(x: unknown): { transport: 'mqtt'; session: string; sdp: string } | Playback | null {
  const raw = fields(x)
  if (raw?.['transport'] === 'whep') {
    const [url, token] = [raw['playback_url'], raw['token']]
    if (typeof url !== 'string' || url.length > 2048 || !/^https:\/\//.test(url)) return null
    // A header has room for what is seen of ASCII.
    return { transport: 'whep', url, token: typeof token === 'string' && /^[\x21-\x7e]{1,4096}$/.test(token) ? token : null }
  }
  const name = session(raw)
  const sdp = fields(raw?.['description'])?.['sdp']
  if (raw?.['transport'] !== 'mqtt' || name === null || typeof sdp !== 'string' || sdp.length > LARGEST_MESSAGE) return null
  return { transport: 'mqtt', session: name, sdp }
}

/** The session that a WHEP server names by its `Location`: at its own origin, or none. */
export function whepSession(location: string | null, url: string): string | null {
  if (location === null || location.length > 2048) return null
  try {
    const session = new URL(location, url)
    return session.origin === new URL(url).origin ? session.href : null
  } catch {
    return null
  }
}

/** The session that a `watch_ended` names. */
export function session(x: unknown): string | null {
  const name = fields(x)?.['session']
  return typeof name === 'string' && name.length > 0 && name.length <= 64 ? name : null
}

const scalar = (x: unknown): number | boolean | string | null =>
  typeof x === 'boolean' ? x : typeof x === 'string' ? text(x, 256) : number(x, -2147483648, 4294967295)

export function control(x: unknown): wire.Control | null {
  const raw = fields(x)
  const type = (['integer', 'boolean', 'menu', 'button'] as const).find(known => known === raw?.['type'])
  if (!raw || type === undefined || typeof raw['name'] !== 'string' || raw['name'] === '') return null
  const name = raw['name'].slice(0, 64)
  const made: wire.Control = { name, type, label: text(raw['label'], 128) || text(name, 64), value: scalar(raw['value']) }
  for (const bound of ['minimum', 'maximum', 'step'] as const) {
    const said = number(raw[bound], -2147483648, 4294967295)
    if (said !== null) made[bound] = said
  }
  const preset = scalar(raw['default'])
  if (preset !== null) made.default = preset
  if (raw['inactive'] === true) made.inactive = true
  if (raw['read_only'] === true) made.read_only = true
  const items = Object.entries(fields(raw['items']) ?? {}).slice(0, 64)
  if (items.length) made.items = Object.fromEntries(items.map(([key, words]) => [key.slice(0, 16), text(words, 128)]))
  return made
}

export const controls = (x: unknown): wire.CameraControls => ({
  camera: text(fields(x)?.['camera'], 256),
  controls: list(fields(x)?.['controls'], MOST_CONTROLS, control, one => one.name),
})

/** Any result, to be looked at by a person: as JSON, with long strings cut. */
export function shown(x: unknown): string {
  const cut = (_: string, one: unknown) => (typeof one === 'string' && one.length > 200 ? `${text(one, 200)} … (${one.length})` : one)
  try {
    return (JSON.stringify(x, cut, 2) ?? '').slice(0, 8192).split('\n').map(line => line.replace(UNSEEN, '')).join('\n')
  } catch {
    return ''
  }
}
