// What the page is at this moment, and what may be done to it. Views read it and call it; it draws at most once a frame.

import * as clean from './model/clean'
import { forget, hostState, receive, takeState, waiting, world, type World } from './model/world'
import { mayWatch } from './model/may'
import { age } from './model/words'
import type * as wire from './model/wire'
import type { Template } from './model/layout'
import { Broker, type Phase } from './link/broker'
import { Commands, Refused, type Command } from './link/command'
import { Subscriptions, wanted, type Route } from './link/subscriptions'
import { chime } from './media/chime'
import { Stills } from './media/stills'
import { Talk } from './media/talk'
import { Watch } from './media/watch'
import { remembered, remember, type Kept } from './kept'

/** A broker that has anything for this user has said so by then, in ms. */
const NOTHING_AFTER = 3000
const MOST_NOTICES = 4
/** How long a refusal stays, in ms. */
const NOTICE = 12_000
/** How long an armed button stays so, in ms. */
export const ARMED = 3000
const SOON = 10_000

export interface Notice {
  key: number
  tone: 'bad' | 'note'
  words: string
  until: number
}

export class App {
  route: Route = { page: 'rooms' }
  world: World = world('coguest/v1')
  phase: Phase | null = null
  kept: Kept = remembered()
  broker: Broker | null = null
  commands: Commands | null = null
  notices: Notice[] = []
  /** What is on its way, by the name of its button. */
  pending = new Set<string>()
  armed: { name: string; until: number } | null = null
  chosen: string | null = null
  /** A swap that is asked for. */
  asks: { room: wire.Room; user_id: string; index: number } | null = null
  pinned: number | null = null
  /** Said to a screen reader, politely. */
  said = ''
  /** Who sees nothing at all, and which filters the broker refused. */
  nothing = false
  refusedFilters: string[] = []
  watch = new Watch(
    {
      watch: guest => this.#ofSeat(guest, 'watch', { user_id: guest }),
      answer: (guest, session, sdp) => this.#ofSeat(guest, 'watch_answer', { session, description: { type: 'answer', sdp } }),
      unwatch: (guest, session) => this.#ofSeat(guest, 'unwatch', { session }),
    },
    new Stills(guest => this.#ofSeat(guest, 'take_seat_snapshot', { user_id: guest })),
    () => this.redraw(),
  )
  talk = new Talk(
    this.watch,
    (guest, session, talk) => this.#ofSeat(guest, 'talk', { session, talk }),
    words => this.tell('bad', words),
    () => this.redraw(),
  )
  /** The host of whoever sat somewhere: a session is ended there also when the seat is left. */
  #hosts = new Map<string, wire.Room>()
  #subscriptions: Subscriptions | null = null
  #draw: () => void = () => undefined
  #frame = 0
  #since = 0
  #routed = 0
  #notice = 0
  #asked = new Set<string>()
  #known = new Map<string, Map<string, 'early' | 'soon' | 'over'>>()

  start(draw: () => void): void {
    this.#draw = draw
    addEventListener('hashchange', () => this.#go())
    setInterval(() => this.#second(), 1000)
    this.#go()
    if (this.kept.login) this.enter(this.kept.login, true)
  }

  redraw = (): void => {
    if (!this.#frame) {
      this.#frame = requestAnimationFrame(() => {
        this.#frame = 0
        this.#draw()
      })
    }
  }

  /** Whoever acts: what a host's `by.operator` says. */
  get operator(): string {
    return clean.text(this.kept.user, 64) || 'console'
  }

  enter(login: { user: string; password: string; prefix: string }, keep: boolean): void {
    this.leave()
    this.kept = remember({ ...this.kept, user: login.user, login: keep ? login : null })
    this.world = world(login.prefix)
    const me = login.user !== '' && !/[/+#]/.test(login.user) ? login.user : 'console'
    const url = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/mqtt`
    this.phase = { is: 'connecting' }
    const broker = new Broker(
      { url, username: login.user, password: login.password },
      {
        phase: phase => this.#entered(phase),
        message: message => {
          if (!this.commands?.take(message.topic, message.payload)) receive(this.world, message, Date.now())
          if (message.topic.endsWith('/event/watch_ended')) this.watch.ended(clean.session(clean.json(message.payload)) ?? '')
          this.#follow()
        },
      },
    )
    this.broker = broker
    this.commands = new Commands(() => broker, login.prefix, me)
    this.#subscriptions = new Subscriptions(broker, {
      refused: filters => {
        this.refusedFilters = filters
        this.redraw()
      },
      settled: filters => {
        forget(this.world, filters)
        this.redraw()
      },
    })
    this.redraw()
  }

  leave(): void {
    this.broker?.close()
    this.commands?.lost()
    this.broker = this.commands = this.phase = this.#subscriptions = null
    this.nothing = false
    this.refusedFilters = []
    this.watch.want(new Set())
    this.#hosts.clear()
    this.#asked.clear()
    this.#known.clear()
    this.redraw()
  }

  /** Leaves for good: a reload asks for the password again. */
  forgetLogin(): void {
    this.kept = remember({ ...this.kept, login: null })
    this.leave()
  }

  keep(change: Partial<Kept>): void {
    this.kept = remember({ ...this.kept, ...change })
    this.redraw()
  }

  /** A daemon that is there, and of which nothing is heard for as long as it may take: a right to read is missing. */
  hidden(id: string, now: number): boolean {
    const device = this.world.devices.get(id)
    return this.phase?.is === 'up' && now - Math.max(this.#since, this.#routed) > NOTHING_AFTER && device?.status === 'online' && device.state === null
  }

  template(): Template {
    if (this.kept.template) return this.kept.template
    return matchMedia('(max-height: 480px) and (orientation: landscape)').matches ? 200 : 800
  }

  choose(user_id: string | null): void {
    this.chosen = user_id
    this.redraw()
  }

  say(words: string): void {
    this.said = words
    this.redraw()
  }

  tell(tone: Notice['tone'], words: string): void {
    this.#notice += 1
    this.notices = [...this.notices.filter(one => one.words !== words), { key: this.#notice, tone, words, until: Date.now() + NOTICE }].slice(-MOST_NOTICES)
    this.redraw()
  }

  dismiss(key: number): void {
    this.notices = this.notices.filter(one => one.key !== key)
    this.redraw()
  }

  /** Does what a button of this name is for: once at a time; a refusal is said in the protocol's words. */
  async act(name: string, what: () => Promise<unknown>): Promise<boolean> {
    if (this.pending.has(name)) return false
    this.pending.add(name)
    this.redraw()
    try {
      await what()
      return true
    } catch (error) {
      this.tell('bad', `${name}: ${error instanceof Refused ? error.message : 'something went wrong on this page.'}`)
      if (!(error instanceof Refused)) console.error(error)
      return false
    } finally {
      this.pending.delete(name)
      this.redraw()
    }
  }

  /** The first press arms, the second within three seconds acts. */
  arm(name: string, act: () => void): void {
    if (this.armed?.name === name && Date.now() < this.armed.until) {
      this.armed = null
      return act()
    }
    this.armed = { name, until: Date.now() + ARMED }
    this.say(`${name}: press again within 3 seconds`)
    setTimeout(this.redraw, ARMED + 50)
  }

  isArmed(name: string): boolean {
    return this.armed?.name === name && Date.now() < this.armed.until
  }

  async send<C extends Command>(device: string, command: C, parameters: wire.Commands[C]): Promise<unknown> {
    if (!this.commands) throw new Refused(null, 'The broker is away.')
    return this.commands.send(device, command, parameters)
  }

  /** A command to a room's host, in the name of whoever sits here. */
  host<C extends Command>(room: wire.Room, command: C, parameters: Omit<wire.Commands[C], 'operator'>): Promise<unknown> {
    return this.send(room.host.user_id, command, { ...parameters, operator: this.operator } as wire.Commands[C])
  }

  /** Answers an application; one that somebody else answered says who was faster. */
  async answer(room: wire.Room, applicant: clean.Applicant, how: 'accept' | 'reject', index: number): Promise<boolean> {
    const { user_id, user_name } = applicant.user
    return this.act(`${how === 'accept' ? 'Accept' : 'Reject'} ${user_name}`, async () => {
      try {
        await this.host(room, how === 'accept' ? 'accept_application' : 'reject_application', { user_id })
      } catch (error) {
        const faster = this.world.answered.get(user_id)
        if (!(error instanceof Refused) || error.code !== 'not_on_seat_queue' || !faster) throw error
        throw new Refused(error.code, `${faster.by} ${faster.accepted ? 'accepted' : 'rejected'} it ${age(Date.now() - faster.at)} ago.`)
      }
      if (how === 'accept' && index !== -1 && index !== applicant.seat_index) await this.host(room, 'move_user_to_seat', { user_id, seat_index: index })
    })
  }

  /** A command to the host of whoever sits, or sat a moment ago. */
  #ofSeat<C extends Command>(guest: string, command: C, parameters: Omit<wire.Commands[C], 'operator'>): Promise<unknown> {
    const room = this.#hosts.get(guest)
    return room ? this.host(room, command, parameters) : Promise.reject(new Refused(null, 'Nobody of that name is seated.'))
  }

  /** Who is shown here is watched, as long as its media come. */
  #watchSeats() {
    const guests = new Set<string>()
    const { route } = this
    const shown = route.page === 'room' || route.page === 'wall' ? this.world.rooms.get(route.live_id)?.room : undefined
    for (const seat of shown?.seats ?? []) {
      if (!seat.user || !shown) continue
      this.#hosts.set(seat.user.user_id, shown)
      if (mayWatch(shown, seat) === null) guests.add(seat.user.user_id)
    }
    // Without the broker nothing can be asked for, and what runs goes on.
    if (this.phase?.is === 'up') this.watch.want(guests)
  }

  #go() {
    this.route = routeOf(location.hash)
    this.#routed = Date.now()
    this.chosen = null
    this.armed = null
    this.#follow()
  }

  #entered(phase: Phase) {
    this.phase = phase
    if (phase.is === 'up') {
      this.#since = Date.now()
      this.#asked.clear()
      this.#subscriptions?.reset()
      this.#follow()
    } else {
      this.commands?.lost()
      if (phase.is === 'refused') this.kept = remember({ ...this.kept, login: null })
    }
    this.redraw()
  }

  /** What has changed may need other topics, fresh countdowns, or words. */
  #follow() {
    if (this.commands) this.#subscriptions?.want(wanted(this.route, this.world, this.commands.replies, this.nothing))
    for (const { room } of this.world.rooms.values()) this.#watchRequests(room)
    this.#watchSeats()
    this.redraw()
  }

  #watchRequests(room: wire.Room) {
    const host = room.host.user_id
    const device = this.world.devices.get(host)
    const state = hostState(this.world, host)
    if (!device || !state || waiting(this.world, room) + state.invitees_total === 0) {
      if (device?.state) this.#known.set(host, new Map())
      return
    }
    const unknown = [...device.applications.values(), ...device.invitations.values()].includes(undefined)
    if (unknown && !this.#asked.has(host)) {
      this.#asked.add(host)
      // A console that may only look has no countdowns; everything else is there.
      this.send(host, 'get_state', {}).then(
        result => {
          takeState(device, clean.state(result), 'fresh', Date.now())
          this.redraw()
        },
        () => undefined,
      )
    }
    const before = this.#known.get(host)
    const now = new Map(state.applicants.map(one => [one.user.user_id, before?.get(one.user.user_id) ?? 'early'] as const))
    const fresh = state.applicants.filter(one => !before?.has(one.user.user_id))
    this.#known.set(host, now)
    if (!before || fresh.length === 0 || this.route.page === 'wall') return
    const names = fresh.slice(0, 3).map(one => one.user.user_name)
    this.say(`${names.join(', ')} ${fresh.length === 1 ? 'asks' : 'ask'} for a seat in ${room.live_id}`)
    if (this.kept.sound) chime()
  }

  #second() {
    const now = Date.now()
    this.notices = this.notices.filter(one => one.until > now)
    if (this.phase?.is === 'up' && !this.nothing && now - this.#since > NOTHING_AFTER && this.world.retained === 0) {
      this.nothing = true
      this.#follow()
    } else if (this.nothing && this.world.rooms.size > 0) this.nothing = false
    this.#sayTheEnd(now)
    if (!document.hidden) this.redraw()
  }

  #applicant(host: string, user_id: string): string {
    return hostState(this.world, host)?.applicants.find(one => one.user.user_id === user_id)?.user.user_name ?? user_id
  }

  /** A countdown is said twice: ten seconds before its end, and then. */
  #sayTheEnd(now: number) {
    if (this.route.page !== 'room') return
    const room = this.world.rooms.get(this.route.live_id)?.room
    const host = room?.host.user_id ?? ''
    const known = this.#known.get(host)
    for (const [user_id, deadline] of this.world.devices.get(host)?.applications ?? []) {
      if (typeof deadline !== 'number') continue
      const [was, left] = [known?.get(user_id), Math.round((deadline - now) / 1000)]
      const whose = `Application of ${this.#applicant(host, user_id)}`
      if (was === 'early' && left > 0 && left * 1000 <= SOON) this.say(`${whose}: ${left} seconds left`)
      else if ((was === 'early' || was === 'soon') && left <= 0) this.say(`${whose}: over`)
      else continue
      known?.set(user_id, left <= 0 ? 'over' : 'soon')
    }
  }
}

/** A route from the part of the address after `#`; what is none is the list of rooms. */
export function routeOf(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split('?', 2)
  const [page, raw, ...rest] = path.split('/')
  let decoded: string | undefined
  try {
    decoded = raw === undefined ? undefined : decodeURIComponent(raw)
  } catch {
    decoded = undefined
  }
  const id = clean.id(decoded)
  if (rest.length === 0 && id !== null) {
    if (page === 'room') return { page, live_id: id }
    if (page === 'device') return { page, id }
    if (page === 'wall') {
      const layout = Number(new URLSearchParams(query).get('layout'))
      return { page, live_id: id, template: [600, 601, 800, 801, 200].includes(layout) ? layout : null }
    }
  }
  return { page: page === 'devices' ? 'devices' : 'rooms' }
}
