// Talking to guests: the microphone of this page, to one or to all, while a button is held.

import { Refused } from '../link/command'
import type { Watch } from './watch'

/** So long after the last word the microphone stays open, in ms: opening one takes longer than a guest should wait. */
const KEPT = 60_000

export class Talk {
  /** Who hears this page. */
  readonly to = new Set<string>()
  #wanted = new Set<string>()
  #microphone: MediaStream | null = null
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(
    readonly watch: Watch,
    readonly ask: (guest: string, session: string, talk: boolean) => Promise<unknown>,
    readonly told: (words: string) => void,
    readonly changed: () => void,
  ) {}

  /** Why nobody can be talked to; null: one can. */
  get why(): string | null {
    if (!window.isSecureContext) return 'A browser opens the microphone only on a page of https.'
    return navigator.mediaDevices ? null : 'This browser has no microphone.'
  }

  /** Why this guest cannot be talked to. */
  whyNot(guest: string): string | null {
    return this.why ?? (this.watch.session(guest)?.name ? null : 'It is not watched: the host passes on nothing of it.')
  }

  async begin(guests: string[], all: boolean): Promise<void> {
    for (const guest of guests) this.#wanted.add(guest)
    clearTimeout(this.#timer)
    const track = await this.#open()
    if (!track) return this.end()
    if (all) this.watch.lower(true)
    await Promise.all(guests.map(guest => this.#begin(guest, track)))
  }

  /** Nobody hears this page any more. */
  end(): void {
    this.#wanted.clear()
    this.watch.lower(false)
    for (const guest of this.to) this.#end(guest)
    this.#timer = setTimeout(() => this.#close(), KEPT)
    this.changed()
  }

  async #begin(guest: string, track: MediaStreamTrack) {
    const session = this.watch.session(guest)
    const name = session?.name
    if (!session || !name || !this.#wanted.has(guest)) return
    try {
      // First the word, then the sound: what nobody is to hear is not sent.
      await this.ask(guest, name, true)
      this.to.add(guest)
      if (!this.#wanted.has(guest)) return this.#end(guest)
      await session.say(track)
    } catch (error) {
      if (error instanceof Refused) this.told(error.message)
    }
    this.changed()
  }

  #end(guest: string) {
    this.to.delete(guest)
    const session = this.watch.session(guest)
    session?.say(null).catch(() => undefined)
    if (session?.name) this.ask(guest, session.name, false).catch(() => undefined)
  }

  async #open(): Promise<MediaStreamTrack | null> {
    try {
      this.#microphone ??= await navigator.mediaDevices.getUserMedia({ audio: { echoCancellation: true, noiseSuppression: true, autoGainControl: true } })
    } catch {
      this.told('The microphone cannot be opened: the browser or the machine refuses it.')
      return null
    }
    return this.#microphone.getAudioTracks()[0] ?? null
  }

  #close() {
    this.#microphone?.getTracks().forEach(track => track.stop())
    this.#microphone = null
  }
}
