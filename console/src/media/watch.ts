// One session per seat: watch → offer → answer. What it shows is the picture of the tile, what it lets hear goes to a loudspeaker of its own. Until there is
// one, and wherever there cannot be one, stills stand in its place.

import * as clean from '../model/clean'
import { Refused } from '../link/command'
import type { Picture, PictureSource } from './picture'

/** What of the protocol is needed; `guest` is who sits there. */
export interface Host {
  watch(guest: string): Promise<unknown>
  answer(guest: string, session: string, sdp: string): Promise<unknown>
  unwatch(guest: string, session: string): Promise<unknown>
}

/** Pauses before another try, in ms; the last for ever. */
const PAUSES = [500, 1000, 2000, 5000, 15_000, 30_000]
/** −12 dB: how loud the room is while this page talks to all of it. */
const LOWERED = 10 ** (-12 / 20)

export class Watch implements PictureSource {
  #sessions = new Map<string, Session>()
  #solo: string | null = null
  #lowered = false

  constructor(
    readonly host: Host,
    readonly stills: PictureSource,
    readonly changed: () => void,
  ) {}

  /** Who is to be watched, now; everybody else is not. */
  want(guests: ReadonlySet<string>): void {
    for (const [guest, session] of this.#sessions) {
      if (guests.has(guest)) continue
      session.close()
      this.#sessions.delete(guest)
    }
    if (this.#solo && !guests.has(this.#solo)) this.#solo = null
    for (const guest of guests) {
      if (!this.#sessions.has(guest)) this.#sessions.set(guest, new Session(guest, this.host, this.changed))
    }
    this.#turn()
  }

  open(guest: string, changed: () => void): Picture {
    return new SeatPicture(() => this.#sessions.get(guest)?.pictures ?? null, this.stills.open(guest, changed))
  }

  /** The host says that a session is over. */
  ended(name: string): void {
    for (const session of this.#sessions.values()) session.ended(name)
  }

  session(guest: string): Session | null {
    return this.#sessions.get(guest) ?? null
  }

  get guests(): string[] {
    return [...this.#sessions.keys()]
  }

  /** The one that is heard alone; null: all are. */
  get solo(): string | null {
    return this.#solo
  }

  set solo(guest: string | null) {
    this.#solo = guest
    this.#turn()
  }

  /** While this page talks to all: their loudspeakers are near its microphone. */
  lower(lowered: boolean): void {
    this.#lowered = lowered
    this.#turn()
  }

  #turn() {
    for (const [guest, session] of this.#sessions) {
      session.volume(this.#solo !== null && this.#solo !== guest ? 0 : this.#lowered ? LOWERED : 1)
    }
  }
}

/** The moving picture where there is one, and stills where not. */
class SeatPicture implements Picture {
  #seen = false

  constructor(
    readonly moving: () => MediaStream | null,
    readonly still: Picture,
  ) {}

  get #moves() {
    const moving = this.moving()
    // What is shown needs no still.
    this.still.see(this.#seen && moving === null)
    return moving
  }

  get stream() {
    return this.#moves ?? this.still.stream
  }

  get kind() {
    return this.#moves ? '' : this.still.kind
  }

  get at() {
    return this.#moves ? Date.now() : this.still.at
  }

  get why() {
    return this.#moves ? null : this.still.why
  }

  see(seen: boolean): void {
    this.#seen = seen
    this.still.see(seen && this.moving() === null)
  }

  close(): void {
    this.still.close()
  }
}

/** One seat, watched: over any number of sessions, one after the other. */
export class Session {
  /** While pictures come. */
  pictures: MediaStream | null = null
  /** The name of the present session, when it is connected over the host. */
  name: string | null = null
  #peer: RTCPeerConnection | null = null
  #told: string | null = null
  /** Ends the session at a server. */
  #leave: (() => void) | null = null
  #sound = new Audio()
  #tries = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #open = true
  #round = 0

  constructor(
    readonly guest: string,
    readonly host: Host,
    readonly changed: () => void,
  ) {
    void this.#connect()
  }

  /** What goes to the guest while it is talked to; null: nothing. */
  async say(track: MediaStreamTrack | null): Promise<void> {
    const voice = this.#peer?.getTransceivers().find(one => one.receiver.track.kind === 'audio')
    await voice?.sender.replaceTrack(track)
  }

  volume(volume: number): void {
    this.#sound.volume = volume
  }

  ended(name: string): void {
    if (name !== this.#told) return
    this.#told = null
    this.#again()
  }

  close(): void {
    this.#open = false
    this.#drop()
  }

  #drop() {
    clearTimeout(this.#timer)
    this.#round += 1
    const [peer, told, leave] = [this.#peer, this.#told, this.#leave]
    this.#peer = this.pictures = this.name = this.#told = this.#leave = null
    this.#sound.srcObject = null
    peer?.close()
    leave?.()
    if (told) this.host.unwatch(this.guest, told).catch(() => undefined)
  }

  #again() {
    if (!this.#open) return
    this.#drop()
    const pause = PAUSES[Math.min(this.#tries, PAUSES.length - 1)]!
    this.#tries += 1
    this.#timer = setTimeout(() => void this.#connect(), pause)
    this.changed()
  }

  async #connect() {
    const round = this.#round
    try {
      const offer = clean.watchOffer(await this.host.watch(this.guest))
      if (!offer) throw new Error('no offer')
      if (round !== this.#round) {
        if (offer.transport === 'mqtt') this.host.unwatch(this.guest, offer.session).catch(() => undefined)
        return
      }
      const peer = this.#listen(round)
      if (offer.transport === 'whep') {
        const leave = await play(peer, offer)
        if (round === this.#round) this.#leave = leave
        else leave()
        return
      }
      this.#told = offer.session
      await peer.setRemoteDescription({ type: 'offer', sdp: offer.sdp })
      // It may talk later, without being negotiated again.
      for (const one of peer.getTransceivers()) if (one.receiver.track.kind === 'audio') one.direction = 'sendrecv'
      await peer.setLocalDescription()
      // The ways here are not needed: it is this page that reaches the host.
      await this.host.answer(this.guest, offer.session, peer.localDescription!.sdp)
      if (round === this.#round) this.name = offer.session
    } catch (error) {
      if (round !== this.#round) return
      // What a host refuses is tried again, seldom: it may be configured otherwise by then.
      if (error instanceof Refused && error.code !== null && error.code !== 'host_unreachable') this.#tries = Math.max(this.#tries, PAUSES.length - 2)
      this.#again()
    }
  }

  #listen(round: number): RTCPeerConnection {
    const peer = (this.#peer = new RTCPeerConnection())
    peer.ontrack = ({ track }) => {
      if (round !== this.#round) return
      if (track.kind === 'audio') {
        this.#sound.srcObject = new MediaStream([track])
        // A new stream ends the wait of the old one with an AbortError: nothing to say about that.
        this.#sound.play().catch(() => undefined)
        return
      }
      const pictures = new MediaStream([track])
      const come = (is: boolean) => {
        if (round !== this.#round) return
        this.pictures = is ? pictures : null
        if (is) this.#tries = 0
        this.changed()
      }
      track.onunmute = () => come(true)
      track.onmute = () => come(false)
    }
    peer.onconnectionstatechange = () => {
      if (round !== this.#round) return
      if (peer.connectionState === 'failed') this.#again()
      this.changed()
    }
    return peer
  }
}

/** WHEP: the server is asked for the seat, and answers; what comes back ends the session there. */
async function play(peer: RTCPeerConnection, { url, token }: clean.Playback): Promise<() => void> {
  peer.addTransceiver('video', { direction: 'recvonly' })
  peer.addTransceiver('audio', { direction: 'recvonly' })
  await peer.setLocalDescription()
  await gathered(peer)
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {}
  const answered = await fetch(url, { method: 'POST', headers: { ...headers, 'content-type': 'application/sdp' }, body: peer.localDescription!.sdp, redirect: 'error', credentials: 'omit' })
  if (answered.status !== 201) throw new Error(`the server answers ${answered.status}`)
  const session = clean.whepSession(answered.headers.get('location'), url)
  const leave = () => {
    // A page that is closed sends it all the same; a server that does not answer notices by itself.
    if (session) fetch(session, { method: 'DELETE', headers, keepalive: true, redirect: 'error', credentials: 'omit' }).catch(() => undefined)
  }
  try {
    const sdp = await answered.text()
    if (sdp.length > clean.LARGEST_MESSAGE) throw new Error('no answer')
    await peer.setRemoteDescription({ type: 'answer', sdp })
  } catch (error) {
    leave()
    throw error
  }
  return leave
}

/** The addresses of this machine, or a second. */
const gathered = (peer: RTCPeerConnection) =>
  new Promise<void>(done => {
    const timer = setTimeout(done, 1000)
    peer.onicegatheringstatechange = () => {
      if (peer.iceGatheringState !== 'complete') return
      clearTimeout(timer)
      done()
    }
  })
