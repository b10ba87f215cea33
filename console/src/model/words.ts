// Sentences: what an event, a reason and a code mean to a person.

import type * as wire from './wire'

/** A name of somebody inside a sentence: shown apart from the words around it. */
export interface Name {
  name: string
}
export type Words = Array<string | Name>

export const nameOf = (user: wire.User | null): Name => ({ name: user?.user_name ?? 'somebody' })

/** Who acted: the operator where one was named. */
export const actor = (by: wire.By | null): Name => ({ name: by?.operator ?? by?.user_name ?? 'somebody' })

export const plain = (words: Words): string => words.map(one => (typeof one === 'string' ? one : one.name)).join('')

export const age = (ms: number): string => {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 120) return `${seconds} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

export const clock = (at: number): string => new Date(at).toLocaleTimeString('en-GB', { hour12: false })

export const REASONS: Record<string, string> = {
  timeout: 'nobody answered in time',
  already_seated: 'it sits already',
  offline: 'it went offline',
  live_ended: 'the live ended',
  left: 'it left',
  kicked: 'it was removed',
  seat_locked: 'the seat was locked',
  replaced: 'another took the seat',
  host_lost: 'its host was lost',
  media_failed: 'its media failed',
}

/** What a `last_error` or a refusal means, and what to do. */
export const MEANINGS: Partial<Record<string, string>> = {
  invalid_parameter: 'A value is not one that the command takes; the message names it.',
  permission_denied: 'This is not allowed here, or not possible now; the message says why.',
  rate_limited: 'Too many requests at once. Wait a moment.',
  not_in_room: 'The device is in no room. Join or start one first.',
  already_in_other_room: 'The device is in another room. It has to leave that first.',
  room_not_found: 'There is no live room of that name. Start it at its host.',
  user_not_in_room: 'This guest is not in the room any more.',
  too_many_sessions: 'The host has as many viewers as it takes (host.watching).',
  no_such_session: 'That session is over.',
  channel_busy: 'Somebody else talks to this guest.',
  room_full: 'The room takes no more guests (host.capacity).',
  no_such_invitation: 'The invitation is over, or was answered already.',
  request_repeated: 'This guest has an invitation already.',
  seat_index_not_exist: 'The room has no seat of that number.',
  seat_locked: 'The seat is locked. Unlock it first.',
  seat_occupied: 'Somebody sits there.',
  all_seats_occupied: 'No seat is both free and unlocked.',
  already_on_seat_queue: 'An application waits already.',
  already_in_seat: 'It sits already.',
  not_on_seat_queue: 'The application is over, or was answered already.',
  user_not_in_seat: 'Nobody of that name is seated.',
  user_already_on_seat: 'This guest is seated already.',
  camera_start_fail: 'The camera did not start. Look at its cable and its supply; the journal has the driver’s words.',
  camera_not_authorized: 'The service may not open the camera. It has to be in the group video.',
  camera_occupied: 'Another program has the camera open.',
  camera_device_empty: 'No camera is there. Plug it in; it is taken up by itself.',
  camera_closed_by_admin: 'The host keeps the camera closed. Open it from the room.',
  microphone_start_fail: 'The microphone did not start. Look at its cable; the journal has the driver’s words.',
  microphone_not_authorized: 'The service may not open the microphone. It has to be in the group audio.',
  microphone_occupied: 'Another program has the microphone open.',
  microphone_device_empty: 'No microphone is there. Plug it in; it is taken up by itself.',
  microphone_closed_by_admin: 'The host keeps the microphone closed. Open it from the room.',
  unknown_command: 'This daemon does not know the command: it may be older than this page.',
  retained_command: 'A command must not be retained.',
  host_unreachable: 'The host did not answer within five seconds.',
  peer_not_trusted: 'The far side showed another certificate than its description names: somebody may be in between.',
  origin_not_allowed: 'An address leads to a place that may not be followed (room.trusted_origins).',
  shutting_down: 'The daemon is stopping.',
}

/** What an event of a host says, or null where it is not worth a line. */
export function hostEvent(event: string, e: { user: wire.User | null; by: wire.By | null; accepted: boolean | null; reason: string; seat_index: number | null; from: number | null; to: number | null; connection: string; operator: string }): Words | null {
  const who = nameOf(e.user)
  const why = REASONS[e.reason] ? `: ${REASONS[e.reason]}` : ''
  const seat = e.seat_index === null ? '' : ` on seat ${e.seat_index}`
  switch (event) {
    case 'guest_joined': return [who, ' is in the room']
    case 'guest_left': return [who, ' left the room']
    case 'application_received': return [who, ' asks for a seat']
    case 'application_processed': return [actor(e.by), e.accepted ? ' accepted ' : ' rejected ', who]
    case 'application_cancelled': return [who, ' took its application back']
    case 'application_no_response': return ['The application of ', who, ` is over${why}`]
    case 'invitation_accepted': return [who, ` accepted the invitation${seat}`]
    case 'invitation_rejected': return [who, ' declined the invitation']
    case 'invitation_no_response': return ['The invitation of ', who, ` is over${why}`]
    case 'guest_seated': return [who, ` sits${seat}`]
    case 'guest_unseated': return [who, ` is off its seat${why}`]
    case 'guest_moved': return [who, ` moved from seat ${e.from ?? '?'} to seat ${e.to ?? '?'}`]
    case 'guest_connection': return e.connection === 'lost' ? [who, ' is lost'] : e.connection === 'connected' ? [who, ' is connected'] : null
    case 'media_live': return null
    case 'media_lost': return ['No picture and no sound from ', who]
    case 'talk_started': return [{ name: e.operator || 'somebody' }, ' talks to ', who]
    case 'talk_ended': return [{ name: e.operator || 'somebody' }, ' talked to ', who]
    default: return null
  }
}

/** What an event of a seated guest says that the host does not say. */
export function guestEvent(event: string, who: Name, e: { by: wire.By | null; why: string }): Words | null {
  const why = e.why ? `: ${e.why}` : ''
  switch (event) {
    case 'camera_closed_by_admin': return [who, ': camera closed by ', actor(e.by)]
    case 'camera_unlocked_by_admin': return [who, ': camera allowed again by ', actor(e.by)]
    case 'microphone_closed_by_admin': return [who, ': microphone closed by ', actor(e.by)]
    case 'microphone_unlocked_by_admin': return [who, ': microphone allowed again by ', actor(e.by)]
    case 'camera_lost': return [who, `: camera lost${why}`]
    case 'camera_back': return [who, ': camera is back']
    case 'microphone_lost': return [who, `: microphone lost${why}`]
    case 'microphone_back': return [who, ': microphone is back']
    case 'media_recovering': return [who, `: recovering${why}`]
    case 'media_failed': return [who, `: media failed${why}`]
    case 'encoder_replaced': return [who, `: another encoder${why}`]
    default: return null
  }
}
