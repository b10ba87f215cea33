// Which button may be pressed now, and why not: the host's rules as sentences. Null means that it may.
//
// The host decides; this only keeps an operator from asking for what is known to be refused.

import type { HostState } from './clean'
import type * as wire from './wire'

export type Why = string | null

const seatOf = (room: wire.Room, user_id: string) => room.seats.find(seat => seat.user?.user_id === user_id)

/** Errors in the protocol's order: the seat is there, is not locked, is not taken; -1 is any that is free. */
export function mayTake(room: wire.Room, index: number): Why {
  if (index === -1) return room.seats.some(seat => !seat.user && !seat.locked) ? null : 'No seat is both free and unlocked.'
  const seat = room.seats.find(one => one.index === index)
  if (!seat) return `The room has no seat ${index}.`
  if (seat.locked) return `Seat ${index} is locked.`
  return seat.user ? `Seat ${index} is taken by ${seat.user.user_name}.` : null
}

export function mayAct(room: wire.Room, host: 'online' | 'offline' | null): Why {
  if (room.status === 'ended') return `${room.live_id} has ended.`
  return host === 'offline' ? `${room.host.user_name}, the host, is away.` : null
}

export function mayAccept(room: wire.Room, state: HostState, user_id: string, index: number): Why {
  const application = state.applicants.find(one => one.user.user_id === user_id)
  if (!application) return 'This application is over.'
  // The host seats it where it asked for; it is moved from there, so both have to be free.
  return mayTake(room, application.seat_index) ?? (index === -1 ? null : mayTake(room, index))
}

export function mayReject(state: HostState, user_id: string): Why {
  return state.applicants.some(one => one.user.user_id === user_id) ? null : 'This application is over.'
}

export function mayInvite(room: wire.Room, state: HostState, user_id: string, index: number): Why {
  const seat = seatOf(room, user_id)
  if (seat) return `It sits on seat ${seat.index} already.`
  if (state.invitees.some(one => one.user.user_id === user_id)) return 'It has an invitation already.'
  if (!state.candidates.some(one => one.user_id === user_id) && state.candidates_total === state.candidates.length) return 'It is not in the room.'
  return mayTake(room, index)
}

export function mayCancel(state: HostState, user_id: string): Why {
  return state.invitees.some(one => one.user.user_id === user_id) ? null : 'This invitation is over.'
}

/** Kick, close and open devices: of whom is seated. */
export function mayControl(room: wire.Room, user_id: string): Why {
  return seatOf(room, user_id) ? null : 'It is not seated.'
}

export function mayMove(room: wire.Room, user_id: string, index: number): Why {
  const from = seatOf(room, user_id)
  if (!from) return 'It is not seated.'
  const to = room.seats.find(one => one.index === index)
  if (!to) return `The room has no seat ${index}.`
  if (to === from) return `It sits on seat ${index} already.`
  return to.locked ? `Seat ${index} is locked.` : null
}

/** Whether a move is a swap, which is asked before. */
export function isSwap(room: wire.Room, index: number): boolean {
  return room.seats.some(seat => seat.index === index && seat.user !== null)
}

/** A seat can be watched: its media come to the host, or to a server that may play it. */
export function mayWatch(room: wire.Room, seat: wire.Seat): Why {
  if (!seat.user) return 'The seat is free.'
  if (room.status === 'ended') return `${room.live_id} has ended.`
  if (room.stage !== null && room.stage !== room.host.user_id) return `The media go to ${room.stage}.`
  return seat.connection === 'connected' ? null : 'The guest is not connected.'
}

/** There is a picture to be shown: of an open camera, where the media come to the host, or to a server. */
export function mayPicture(room: wire.Room, seat: wire.Seat): Why {
  if (!seat.user) return 'The seat is free.'
  if (seat.media === 'audio') return 'Sound only.'
  if (seat.camera !== 'on') return 'The camera is off.'
  if (room.stage !== null && room.stage !== room.host.user_id) return `The media go to ${room.stage}.`
  return seat.connection === 'lost' ? 'The guest is lost.' : null
}
