// What a tile says of its seat, in words and in one tone for its border. Pure.

import { age } from './words'
import { guestState, hostState, type RoomEntry, type World } from './world'
import type * as wire from './wire'

export type Tone = 'free' | 'locked' | 'seen' | 'speaking' | 'warn' | 'bad'

export interface TileView {
  tone: Tone
  /** The most important first. */
  words: string[]
  /** There is no picture to be seen: the background layer stands for it. */
  background: boolean
  /** The guest's name is in its picture. */
  named: boolean
  speaking: boolean
  /** −60 to 0 dBFS, or null while nothing is known. */
  level: number | null
  detail: string
}

const POOR = { poor: 'poor link', bad: 'bad link', very_bad: 'very bad link', down: 'no link' } as const

export function tileView(w: World, entry: RoomEntry, seat: wire.Seat, now: number): TileView {
  if (!seat.user) {
    const tone = seat.locked ? 'locked' : 'free'
    return { tone, words: [tone], background: true, named: false, speaking: false, level: null, detail: '' }
  }
  const id = seat.user.user_id
  const guest = guestState(w, id)
  const measured = w.devices.get(entry.room.host.user_id)?.seatStats.get(id)
  const stats = measured?.seat_index === seat.index ? measured : undefined
  const speaking = hostState(w, entry.room.host.user_id)?.speaking.includes(id) === true && seat.microphone === 'on'
  const words: string[] = []
  let tone: Tone = speaking ? 'speaking' : 'seen'
  const say = (is: 'warn' | 'bad', text: string) => {
    words.push(text)
    if (tone !== 'bad') tone = is
  }
  const since = entry.seats.get(seat.index)
  if (seat.connection === 'lost') say('bad', `lost${forHowLong(since?.connection.since, now)}, its seat is kept for now`)
  else if (guest?.seat?.phase === 'recovering') say('warn', 'recovering')
  else if (seat.connection === 'connecting') say('warn', 'connecting')
  const camera = seat.media === 'audio' ? 'sound only' : deviceWords(w, id, 'camera', seat.camera, since?.camera.since, now)
  if (camera) words.push(camera)
  const microphone = deviceWords(w, id, 'microphone', seat.microphone, since?.microphone.since, now)
  if (microphone) words.push(microphone)
  const quality = guest?.network.quality
  if (quality && quality in POOR && seat.connection === 'connected') say('warn', POOR[quality as keyof typeof POOR])
  if (speaking) words.push('speaking')
  const background = seat.media === 'audio' || seat.camera !== 'on' || guest?.camera.status === 'lost'
  return {
    tone,
    words,
    background,
    named: !background && guest?.layers.foreground === true,
    speaking,
    level: seat.microphone === 'on' ? (stats?.audio?.level_dbfs ?? null) : null,
    detail: detail(stats, guest?.speaker === 'playing'),
  }
}

const forHowLong = (since: number | null | undefined, now: number): string => (typeof since === 'number' ? ` ${age(now - since)}` : '')

function deviceWords(w: World, id: string, what: 'camera' | 'microphone', is: string, since: number | null | undefined, now: number): string | null {
  const device = w.devices.get(id)
  if (device?.state?.[what].status === 'lost') {
    const lost = device.lostSince[what]
    return `${what} unplugged${lost === null ? '' : ` since ${age(now - lost)}`}`
  }
  if (is === 'on') return null
  if (is === 'closed_by_admin') return `${what} closed by ${device?.closedBy[what] ?? 'the host'}`
  return `${what} off${typeof since === 'number' ? ` since ${age(now - since)}` : ''}`
}

function detail(stats: wire.SeatStats | undefined, hears: boolean): string {
  const { video, round_trip_ms, loss } = stats ?? {}
  const parts = [
    hears ? 'hears the room' : '',
    video?.width && video.height ? `${video.width}×${video.height}` : '',
    typeof video?.frame_rate === 'number' ? `${Math.round(video.frame_rate)}/s` : '',
    typeof video?.bitrate_kbps === 'number' ? `${(video.bitrate_kbps / 1000).toFixed(1)} Mbit/s` : '',
    typeof round_trip_ms === 'number' ? `${Math.round(round_trip_ms)} ms` : '',
    typeof loss === 'number' && loss >= 0.005 ? `${(loss * 100).toFixed(1)} % lost` : '',
  ]
  return parts.filter(Boolean).join(' · ')
}
