// Made from docs/asyncapi.json by `npm run wire`; a test says when it is out of date.

/** A W3C RTCSessionDescriptionInit that is an answer. */
export interface AnswerDescription {
  sdp: string
  type: 'answer'
}

/** A pending application at the host. */
export interface Applicant {
  expires_in: number | null
  extra_info: string | null
  media: 'video' | 'audio'
  seat_index: number
  user: User
}

/** A sound's measure. */
export interface Audio {
  bitrate_kbps: number | null
  level_dbfs: number | null
}

/** Who has no seat and may not open these devices. */
export interface Banned {
  devices: Array<'camera' | 'microphone'>
  user_id: string
}

/** Who acted, and which of a host's operators. */
export interface By {
  avatar_url: string
  operator?: string
  user_id: string
  user_name: string
}

/** The guest's camera; a host has none. */
export interface Camera {
  device: string | null
  quality: '360p' | '540p' | '720p' | '1080p' | null
  sent?: SentPicture | null
  status: 'on' | 'off' | 'lost' | 'closed_by_admin'
}

/** Result of `set_camera_control`. */
export interface CameraControl {
  camera: string
  control: Control
}

/** Result of `get_camera_controls`. */
export interface CameraControls {
  camera: string
  controls: Array<Control>
}

/** A seated guest. */
export interface Connected {
  connection: 'connecting' | 'connected' | 'lost'
  seat_index: number
  user: User
}

/** A control of a camera: what it takes and is. `items` are the words of a menu by number. */
export interface Control {
  default?: number | boolean | string
  inactive?: true
  items?: Record<string, string>
  label: string
  maximum?: number
  minimum?: number
  name: string
  read_only?: true
  step?: number
  type: 'integer' | 'boolean' | 'menu' | 'button'
  value?: number | boolean | string | null
}

/** A camera, microphone or speaker. */
export interface Device {
  id: string
  name: string
}

/** Result of `list_devices`. */
export interface Devices {
  cameras: Array<Device>
  microphones: Array<Device>
  speakers: Array<Device>
}

/** Why something was refused: the code for programs, the message for people. */
export interface Error {
  code: 'invalid_parameter' | 'permission_denied' | 'rate_limited' | 'not_in_room' | 'already_in_other_room' | 'room_not_found' | 'user_not_in_room' | 'no_such_invitation' | 'request_repeated' | 'seat_index_not_exist' | 'seat_locked' | 'seat_occupied' | 'already_on_seat_queue' | 'already_in_seat' | 'not_on_seat_queue' | 'all_seats_occupied' | 'user_not_in_seat' | 'room_full' | 'user_already_on_seat' | 'camera_start_fail' | 'camera_not_authorized' | 'camera_occupied' | 'camera_device_empty' | 'camera_closed_by_admin' | 'microphone_start_fail' | 'microphone_not_authorized' | 'microphone_occupied' | 'microphone_device_empty' | 'microphone_closed_by_admin' | 'unknown_command' | 'retained_command' | 'host_unreachable' | 'peer_not_trusted' | 'origin_not_allowed' | 'too_many_sessions' | 'no_such_session' | 'channel_busy' | 'shutting_down'
  message: string
  number: Number
}

/** Snapshot of a guest. */
export interface GuestState {
  application: PendingApplication | null
  camera: Camera
  invitations: Array<PendingInvitation>
  last_error: Error | null
  layers: Layers
  microphone: Microphone
  network: Network
  role: 'guest'
  room: Place
  seat: Stay | null
  speaker: 'off' | 'silent' | 'playing'
  summary: string
}

/** What a seated guest sends. */
export interface GuestStats {
  acknowledged_kbps: number | null
  audio: Audio | null
  limited_by: 'network' | 'quality' | null
  loss: number | null
  queue_ms: number | null
  retransmitted_kbps: number | null
  round_trip_ms: number | null
  seat_index: number
  sent_kbps: number | null
  target_kbps: number | null
  video: Video | null
}

/** Snapshot of a host; lists are cut at 100. */
export interface HostState {
  applicants: Array<Applicant>
  applicants_total: number
  camera: Camera
  candidates: Array<User>
  candidates_total: number
  connected: Array<Connected>
  invitees: Array<Invitee>
  invitees_total: number
  last_error: Error | null
  microphone: Microphone
  network: Network
  role: 'host'
  room: Place
  speaking: Array<string>
  summary: string
  watching: Array<Watching>
  watching_total: number
}

/** What the host's stage decodes. */
export interface HostStats {
  seats: Array<SeatStats>
}

/** What a daemon is. */
export interface Info {
  cameras: Array<Device>
  encoders: Array<string>
  machine: string
  microphones: Array<Device>
  pipeline: string
  role: 'guest' | 'host'
  user: User
  version: string
}

/** A pending invitation at the host. */
export interface Invitee {
  by?: By
  expires_in: number | null
  extra_info: string | null
  media: 'video' | 'audio'
  seat_index: number
  user: User
}

/** What a guest draws into its pictures. */
export interface Layers {
  foreground: boolean
}

/** The guest's microphone; a host has none. */
export interface Microphone {
  device: string | null
  status: 'on' | 'off' | 'lost' | 'closed_by_admin'
  volume: number | null
}

/** The way to the stage. */
export interface Network {
  delay_ms: number | null
  down_loss: number | null
  quality: 'unknown' | 'excellent' | 'good' | 'poor' | 'bad' | 'very_bad' | 'down'
  up_loss: number | null
}

/** The co-guest SDK's number of the code, where it has one. */
export type Number = -1001 | -1003 | -2 | -2101 | -2108 | 100004 | 100005 | -2311 | -2312 | -2344 | 100200 | 100201 | 100202 | 100203 | 100204 | 100205 | 100206 | 100008 | 100210 | -1100 | -1101 | -1102 | -1103 | -2370 | -1104 | -1105 | -1106 | -1107 | -2360 | null

/** The guest's application. */
export interface PendingApplication {
  expires_in: number | null
  seat_index: number
}

/** An invitation of the guest. */
export interface PendingInvitation {
  by: By
  expires_in: number | null
  seat_index: number
}

/** Result of a snapshot. */
export interface Picture {
  content_type: string
  data: string
  height: number
  width: number
}

/** The room a daemon is in or waits for. */
export interface Place {
  live_id: string | null
  membership: 'outside' | 'joining' | 'inside' | 'host_lost'
}

/** The public room. */
export interface Room {
  banned?: Array<Banned>
  host: User
  live_id: string
  revision: number
  seat_mode: 'apply' | 'free'
  seats: Array<Seat>
  session: string
  stage: string | null
  status: 'live' | 'ended'
}

/** A seat of the public room. */
export interface Seat {
  camera: 'on' | 'off' | 'closed_by_admin'
  connection: 'connecting' | 'connected' | 'lost' | null
  index: number
  locked: boolean
  media: 'video' | 'audio' | null
  microphone: 'on' | 'off' | 'closed_by_admin'
  user: User | null
}

/** What the stage decodes of a seat. */
export interface SeatStats {
  audio: Audio | null
  freezes: number | null
  jitter_ms: number | null
  longest_freeze_ms: number | null
  loss: number | null
  return: Audio | null
  round_trip_ms: number | null
  seat_index: number
  user_id: string
  video: Video | null
}

/** What is sent; `frame_rate` 0: a still picture now and then. */
export interface SentPicture {
  frame_rate: number
  height: number
  width: number
}

export type State = GuestState | HostState

export type Stats = GuestStats | HostStats

/** The guest's seat. */
export interface Stay {
  index: number
  media: 'video' | 'audio'
  phase: 'preparing' | 'negotiating' | 'connecting' | 'live' | 'recovering' | 'leaving'
}

/** Who somebody is. */
export interface User {
  avatar_url: string
  user_id: string
  user_name: string
}

/** A picture's measure. */
export interface Video {
  bitrate_kbps: number | null
  frame_rate: number | null
  frames: number
  height: number | null
  width: number | null
}

/** Result of `watch`: the host's own offer, or where a server plays the seat (WHEP). */
export type WatchOffer = {
  description: Description
  session: string
  transport: 'mqtt'
} | {
  playback_url: string
  session: string
  token: string | null
  transport: 'whep'
}

/** A session of a viewer. */
export interface Watching {
  operator: string | null
  talking: boolean
  user_id: string
}

/** The parameters of each command. */
export interface Commands {
  accept_application: {
    operator?: string
    user_id: string
  }
  accept_invitation: {
    inviter_id?: string | null
  }
  apply_for_seat: {
    extra_info?: string | null
    media?: 'video' | 'audio'
    seat_index?: number
    timeout?: number
  }
  cancel_application: {}
  cancel_invitation: {
    invitee_id: string
    operator?: string
  }
  close_local_camera: {}
  close_local_microphone: {}
  close_remote_camera: {
    operator?: string
    user_id: string
  }
  close_remote_microphone: {
    operator?: string
    user_id: string
  }
  disconnect: {}
  end_live: {
    operator?: string
  }
  get_camera_controls: {
    camera?: string | null
  }
  get_state: {}
  invite_to_seat: {
    extra_info?: string | null
    invitee_id: string
    media?: 'video' | 'audio'
    operator?: string
    seat_index?: number
    timeout?: number
  }
  join_live: {
    live_id: string
  }
  kick_user_out_of_seat: {
    operator?: string
    user_id: string
  }
  leave_live: {}
  list_devices: {}
  lock_seat: {
    operator?: string
    seat_index: number
  }
  move_user_to_seat: {
    operator?: string
    policy?: 'abort_when_occupied' | 'swap_position' | 'force_replace'
    seat_index: number
    user_id: string
  }
  open_local_camera: {}
  open_local_microphone: {}
  open_remote_camera: {
    operator?: string
    user_id: string
  }
  open_remote_microphone: {
    operator?: string
    user_id: string
  }
  reject_application: {
    operator?: string
    user_id: string
  }
  reject_invitation: {
    inviter_id?: string | null
  }
  set_camera_control: {
    camera?: string | null
    control: string
    value: number | boolean | string
  }
  set_capture_volume: {
    volume: number
  }
  set_mirror: {
    mirror: boolean
  }
  set_output_volume: {
    volume: number
  }
  set_return: {
    operator?: string
    return: 'others' | 'talk' | 'none'
    user_id: string
  }
  set_user_info: {
    avatar_url?: string | null
    user_name?: string | null
  }
  set_video_quality: {
    quality: '360p' | '540p' | '720p' | '1080p'
  }
  start_live: {
    live_id: string
    operator?: string
    seat_mode?: 'apply' | 'free' | null
    seats?: number | null
  }
  switch_camera: {
    camera: string
  }
  take_seat_snapshot: {
    operator?: string
    user_id: string
  }
  take_snapshot: {}
  talk: {
    operator?: string
    session: string
    talk: boolean
  }
  unlock_seat: {
    operator?: string
    seat_index: number
  }
  unwatch: {
    operator?: string
    session: string
  }
  watch: {
    operator?: string
    user_id: string
  }
  watch_answer: {
    description: AnswerDescription
    operator?: string
    session: string
  }
}
