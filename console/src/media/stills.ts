// Stills of a seat as a stream: one is asked for at most once a second, only while somebody looks, and never before the last came.

import * as clean from '../model/clean'
import { Refused } from '../link/command'
import type { Picture, PictureSource } from './picture'

/** At most one picture a second and seat, in ms. */
const PACE = 1000
/** After a refusal, in ms: a guest that was just seated has no picture yet. */
const AGAIN = 2500

export class Stills implements PictureSource {
  constructor(readonly ask: (guest: string) => Promise<unknown>) {}

  open(guest: string, changed: () => void): Picture {
    return new StillPicture(() => this.ask(guest), changed)
  }
}

class StillPicture implements Picture {
  readonly kind = 'still'
  readonly stream: MediaStream
  at: number | null = null
  why: string | null = null
  #canvas = document.createElement('canvas')
  #seen = false
  #open = true
  #busy = false
  #timer: ReturnType<typeof setTimeout> | undefined
  #next = 0

  constructor(
    readonly ask: () => Promise<unknown>,
    readonly changed: () => void,
  ) {
    this.#canvas.width = this.#canvas.height = 2
    this.#canvas.getContext('2d')
    this.stream = this.#canvas.captureStream()
    document.addEventListener('visibilitychange', this.#look)
  }

  see(seen: boolean): void {
    this.#seen = seen
    this.#look()
  }

  close(): void {
    this.#open = false
    clearTimeout(this.#timer)
    document.removeEventListener('visibilitychange', this.#look)
    this.stream.getTracks().forEach(track => track.stop())
  }

  #look = () => {
    clearTimeout(this.#timer)
    if (!this.#open || this.#busy || !this.#seen || document.hidden) return
    this.#timer = setTimeout(() => void this.#fetch(), Math.max(0, this.#next - performance.now()))
  }

  async #fetch() {
    this.#busy = true
    this.#next = performance.now() + PACE
    try {
      await this.#show(clean.still(await this.ask()))
    } catch (error) {
      this.why = error instanceof Refused ? error.message : 'The still cannot be shown.'
      this.#next = performance.now() + AGAIN
    }
    this.#busy = false
    if (!this.#open) return
    this.changed()
    this.#look()
  }

  async #show(still: clean.Still | null) {
    if (!still) throw new Error('no JPEG')
    const bitmap = await createImageBitmap(new Blob([still.bytes], { type: 'image/jpeg' }))
    if (this.#canvas.width !== bitmap.width || this.#canvas.height !== bitmap.height) {
      this.#canvas.width = bitmap.width
      this.#canvas.height = bitmap.height
    }
    this.#canvas.getContext('2d')?.drawImage(bitmap, 0, 0)
    bitmap.close()
    this.at = Date.now()
    this.why = null
  }
}
