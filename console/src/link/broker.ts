// One MQTT 5 connection over a WebSocket that is kept: pings, pauses, and a login that is said again.
//
// The packets are u8-mqtt-packet's. The care of the connection is here: a far side that says nothing is gone, and everything that
// waits for an answer is told so at once.

import codec from 'u8-mqtt-packet/esm/codec_bind.js'
import client from 'u8-mqtt-packet/esm/codec_v5_client.js'
import type { Message } from '../model/world'

/** What the broker is told, in seconds; it lets go of a page after one and a half times this. */
const KEEP_ALIVE = 20
/** Silence after which a ping is sent, and after which the connection is given up, in ms. */
const QUIET = 8_000
const GONE = 13_000
const LOOK = 1_000
/** Pauses between attempts, in ms: a broker that is restarted is back within seconds, and a room waits. */
const PAUSES = [300, 600, 1000, 1500, 2000]
const CONNECT_DEADLINE = 10_000
/** An answer of the broker (PUBACK, SUBACK), in ms. */
const ANSWER_DEADLINE = 8_000

export type Phase =
  | { is: 'connecting' }
  | { is: 'up' }
  | { is: 'away'; since: number; why: string }
  | { is: 'refused'; why: 'login' | 'protocol'; words: string }

export interface Login {
  url: string
  username: string
  password: string
}

/** Why the broker did not take a packet: an MQTT 5 reason code, or null where none came. */
export class NotTaken extends Error {
  constructor(
    readonly reason: number | null,
    words: string,
  ) {
    super(words)
  }
}

interface Waiting {
  done: (reasons: number[]) => void
  failed: (error: NotTaken) => void
  timer: ReturnType<typeof setTimeout>
}

/** MQTT 5, 3.2.2.2: what an attempt with the same login cannot mend. */
const REFUSALS: Record<number, { why: 'login' | 'protocol'; words: string }> = {
  0x84: { why: 'protocol', words: 'The broker does not speak MQTT 5.' },
  0x86: { why: 'login', words: 'Wrong user or password.' },
  0x87: { why: 'login', words: 'The broker does not let this user in.' },
  0x8a: { why: 'login', words: 'The broker has banned this user.' },
}

export class Broker {
  #socket: WebSocket | null = null
  #packets = codec(5, client, {})
  #waiting = new Map<number, Waiting>()
  #packet = 0
  #heard = 0
  #pinged = false
  #attempt = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #pulse: ReturnType<typeof setInterval> | undefined
  /** Whether it was ever up. */
  wasUp = false
  /** How long the broker took to take the last command, in ms. */
  delay: number | null = null
  phase: Phase = { is: 'connecting' }

  constructor(
    readonly login: Login,
    readonly on: { phase: (phase: Phase) => void; message: (message: Message) => void },
  ) {
    this.#open()
  }

  /** Ends it for good. */
  close(): void {
    clearTimeout(this.#timer)
    this.#drop('closed')
  }

  async publish(topic: string, payload: string, props: Record<string, unknown>): Promise<void> {
    const asked = performance.now()
    const [reason = 0] = await this.#ask('publish', { topic, payload, qos: 1, props })
    this.delay = performance.now() - asked
    if (reason >= 0x80) throw new NotTaken(reason, reason === 0x87 ? 'The broker’s access list does not let this user say it.' : `The broker did not take it (reason ${reason}).`)
  }

  /** The filters that the broker refused. */
  async subscribe(filters: string[], qos: 0 | 1): Promise<string[]> {
    const reasons = await this.#ask('subscribe', { topics: filters, qos })
    return filters.filter((_, n) => (reasons[n] ?? 0) >= 0x80)
  }

  async unsubscribe(filters: string[]): Promise<void> {
    await this.#ask('unsubscribe', { topics: filters })
  }

  #ask(type: 'publish' | 'subscribe' | 'unsubscribe', packet: Record<string, unknown>): Promise<number[]> {
    return new Promise((done, failed) => {
      if (this.phase.is !== 'up') return failed(new NotTaken(null, 'The broker is away.'))
      do this.#packet = (this.#packet % 0xffff) + 1
      while (this.#waiting.has(this.#packet))
      const pkt_id = this.#packet
      const timer = setTimeout(() => {
        this.#waiting.delete(pkt_id)
        failed(new NotTaken(null, 'The broker did not answer.'))
      }, ANSWER_DEADLINE)
      this.#waiting.set(pkt_id, { done, failed, timer })
      this.#send(type, { ...packet, pkt_id })
    })
  }

  #send(type: string, packet: Record<string, unknown>) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(this.#packets.encode_pkt(type, packet))
  }

  #open() {
    let socket: WebSocket
    try {
      socket = new WebSocket(this.login.url, ['mqtt'])
    } catch (error) {
      return this.#refuse({ why: 'protocol', words: error instanceof Error ? error.message : 'This address is no WebSocket’s.' })
    }
    this.#socket = socket
    const stream = this.#packets.mqtt_stream()
    const mine = () => this.#socket === socket
    socket.binaryType = 'arraybuffer'
    let opened = false
    socket.onopen = () => {
      opened = true
      const random = crypto.getRandomValues(new Uint32Array(2))
      const { username, password } = this.login
      this.#send('connect', {
        client_id: `console-${random[0]!.toString(36)}${random[1]!.toString(36)}`,
        keep_alive: KEEP_ALIVE,
        flags: { clean_start: true, username: username !== '', password: password !== '' },
        ...(username ? { username } : {}),
        ...(password ? { password } : {}),
      })
    }
    socket.onmessage = event => {
      if (!mine()) return
      this.#heard = performance.now()
      this.#pinged = false
      try {
        for (const packet of stream.decode(new Uint8Array(event.data as ArrayBuffer))) this.#take(packet)
      } catch {
        this.#lose('The broker said what is no MQTT.')
      }
    }
    socket.onclose = () => {
      if (mine()) this.#lose(opened ? 'The broker closed the connection.' : 'Nothing answers there.')
    }
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => mine() && this.#lose('Nothing answers there.'), CONNECT_DEADLINE)
  }

  #take(packet: Packet) {
    switch (packet.type) {
      case 'connack':
        return this.#connected(Number(packet.reason ?? 0))
      case 'publish':
        if (packet.qos === 1) this.#send('puback', { pkt_id: packet.pkt_id, reason: 0 })
        return this.on.message({ topic: packet.topic, payload: packet.payload ?? new Uint8Array(), retained: packet.retain })
      case 'puback':
        return this.#answer(packet.pkt_id, [Number(packet.reason ?? 0)])
      case 'suback':
      case 'unsuback':
        return this.#answer(packet.pkt_id, packet.answers.map(Number))
      case 'disconnect':
        return this.#lose(Number(packet.reason ?? 0) === 0x8b ? 'The broker is shutting down.' : 'The broker ended the connection.')
      default:
    }
  }

  #connected(reason: number) {
    clearTimeout(this.#timer)
    const refusal = REFUSALS[reason]
    if (refusal) return this.#refuse(refusal)
    if (reason !== 0) return this.#lose(`The broker refuses the connection (reason ${reason}).`)
    this.#attempt = 0
    this.wasUp = true
    this.#heard = performance.now()
    clearInterval(this.#pulse)
    this.#pulse = setInterval(() => this.#beat(), LOOK)
    this.#enter({ is: 'up' })
  }

  /** A page that was asleep finds its timers late: the ping goes first, the verdict comes after. */
  #beat() {
    const silence = performance.now() - this.#heard
    if (silence > GONE && this.#pinged) this.#lose('The broker does not answer.')
    else if (silence > QUIET) {
      if (!this.#pinged) this.#heard = performance.now() - QUIET
      this.#pinged = true
      this.#send('pingreq', {})
    }
  }

  #answer(pkt_id: number, reasons: number[]) {
    const waiting = this.#waiting.get(pkt_id)
    if (!waiting) return
    this.#waiting.delete(pkt_id)
    clearTimeout(waiting.timer)
    waiting.done(reasons)
  }

  #drop(words: string) {
    const socket = this.#socket
    this.#socket = null
    clearInterval(this.#pulse)
    socket?.close()
    const waiting = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const one of waiting) {
      clearTimeout(one.timer)
      one.failed(new NotTaken(null, words))
    }
  }

  #lose(why: string) {
    this.#drop(why)
    const since = this.phase.is === 'away' ? this.phase.since : Date.now()
    const pause = PAUSES[Math.min(this.#attempt, PAUSES.length - 1)]! * (0.8 + 0.4 * Math.random())
    this.#attempt += 1
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#open(), pause)
    this.#enter({ is: 'away', since, why })
  }

  #refuse(refusal: { why: 'login' | 'protocol'; words: string }) {
    // A password that was right and is not any more may be right again: a broker reads its files in parts.
    if (this.wasUp) return this.#lose(refusal.words)
    this.#drop(refusal.words)
    this.#enter({ is: 'refused', ...refusal })
  }

  #enter(phase: Phase) {
    this.phase = phase
    this.on.phase(phase)
  }
}

interface Packet {
  type: string
  pkt_id: number
  qos: number
  retain: boolean
  topic: string
  payload?: Uint8Array
  reason?: number
  answers: number[]
}
