// Which topics this page follows, from where it is and what it knows. Filters never overlap: a message comes once for each that matches.

import type { World } from '../model/world'
import { NotTaken, type Broker } from './broker'

export type Route =
  | { page: 'rooms' }
  | { page: 'devices' }
  | { page: 'room'; live_id: string }
  | { page: 'wall'; live_id: string; template: number | null }
  | { page: 'device'; id: string }

/** mosquitto takes far more; a packet of this many stays small. */
const MOST_AT_ONCE = 40

/** Topic filters with the quality they are asked for. Statistics may be lost; everything else may not. */
export function wanted(route: Route, w: World, replies: string, empty: boolean): Map<string, 0 | 1> {
  const made = new Map<string, 0 | 1>([[`${replies}/+`, 1]])
  const follow = (qos: 0 | 1, ...topics: string[]) => topics.forEach(topic => made.set(`${w.prefix}/${topic}`, qos))
  if (route.page === 'wall') follow(1, `room/${route.live_id}/state`)
  else follow(1, 'room/+/state')
  const everybody = route.page === 'devices' || (route.page === 'rooms' && empty && w.rooms.size === 0)
  if (everybody) follow(1, 'device/+/status')
  const status = (id: string) => !everybody && follow(1, `device/${id}/status`)
  for (const { room } of w.rooms.values()) {
    const here = (route.page === 'room' || route.page === 'wall') && route.live_id === room.live_id
    if (!here && (room.status !== 'live' || route.page === 'wall' || route.page === 'device')) continue
    const host = room.host.user_id
    status(host)
    follow(1, `device/${host}/state`)
    if (!here) continue
    follow(1, `device/${host}/event/+`)
    follow(0, `device/${host}/stats`)
    for (const seat of room.seats) if (seat.user) follow(1, `device/${seat.user.user_id}/state`, `device/${seat.user.user_id}/event/+`)
  }
  if (route.page === 'device') {
    status(route.id)
    follow(1, `device/${route.id}/info`, `device/${route.id}/state`, `device/${route.id}/event/+`)
    follow(0, `device/${route.id}/stats`)
  }
  return made
}

/** Keeps the broker's subscriptions at what is wanted. */
export class Subscriptions {
  #has = new Map<string, 0 | 1>()
  #busy = false
  #want = new Map<string, 0 | 1>()

  constructor(
    readonly broker: Broker,
    readonly on: { refused: (filters: string[]) => void; settled: (filters: string[]) => void },
  ) {}

  /** A new connection has none. */
  reset(): void {
    this.#has.clear()
  }

  want(filters: Map<string, 0 | 1>): void {
    this.#want = filters
    if (!this.#busy) void this.#settle()
  }

  async #settle() {
    this.#busy = true
    try {
      while (this.broker.phase.is === 'up' && (await this.#step()));
    } catch (error) {
      // The connection is gone: `reset` and the next `want` begin anew.
      if (!(error instanceof NotTaken)) throw error
    } finally {
      this.#busy = false
    }
  }

  /** One packet; whether there was something to do. */
  async #step(): Promise<boolean> {
    const gone = [...this.#has.keys()].filter(filter => !this.#want.has(filter)).slice(0, MOST_AT_ONCE)
    if (gone.length) {
      gone.forEach(filter => this.#has.delete(filter))
      await this.broker.unsubscribe(gone)
      this.on.settled([...this.#has.keys()])
      return true
    }
    for (const qos of [1, 0] as const) {
      const fresh = [...this.#want].filter(([filter, as]) => as === qos && !this.#has.has(filter)).slice(0, MOST_AT_ONCE)
      if (!fresh.length) continue
      const filters = fresh.map(([filter]) => filter)
      filters.forEach(filter => this.#has.set(filter, qos))
      const refused = await this.broker.subscribe(filters, qos)
      if (refused.length) this.on.refused(refused)
      return true
    }
    return false
  }
}
