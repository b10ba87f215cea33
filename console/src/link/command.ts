// Commands and their replies: a response topic of this tab's own, one level for each request, and the correlation data beside it.

import * as clean from '../model/clean'
import type * as wire from '../model/wire'
import { NotTaken, type Broker } from './broker'

/** A host waits five seconds for a guest; a picture may take a moment more. */
const DEADLINE = 9_000

export type Command = keyof wire.Commands

/** Why a command was not done: the protocol's code where the daemon refused, null where nobody did. */
export class Refused extends Error {
  constructor(
    readonly code: string | null,
    words: string,
  ) {
    super(words)
  }
}

interface Open {
  done: (reply: clean.Reply) => void
  failed: (error: Refused) => void
  timer: ReturnType<typeof setTimeout>
}

export class Commands {
  readonly replies: string
  #open = new Map<string, Open>()
  #count = 0
  #tab: string

  constructor(
    readonly broker: () => Broker,
    readonly prefix: string,
    readonly me: string,
  ) {
    const random = crypto.getRandomValues(new Uint32Array(2))
    this.#tab = `${random[0]!.toString(36)}${random[1]!.toString(36)}`
    this.replies = `${prefix}/response/${me}/${this.#tab}`
  }

  /** The result as it came; clean.ts makes of it what it should be. */
  async send<C extends Command>(device: string, command: C, parameters: wire.Commands[C]): Promise<unknown> {
    this.#count += 1
    const key = `${this.#count}`
    const answer = new Promise<clean.Reply>((done, failed) => {
      const timer = setTimeout(() => this.#fail(key, `${device} did not answer within ${DEADLINE / 1000} s.`), DEADLINE)
      this.#open.set(key, { done, failed, timer })
    })
    // Whoever waits for the answer sees it fail; between here and there nobody does.
    answer.catch(() => undefined)
    try {
      await this.broker().publish(`${this.prefix}/device/${device}/command/${command}`, JSON.stringify({ ...parameters, id: `${this.#tab}-${key}` }), {
        response_topic: `${this.replies}/${key}`,
        correlation_data: new TextEncoder().encode(key),
      })
    } catch (error) {
      if (!(error instanceof NotTaken)) throw error
      this.#fail(key, error.message)
    }
    const reply = await answer
    if (reply.ok) return reply.result
    throw new Refused(reply.error.code, reply.error.message)
  }

  /** Takes a message that may be a reply; whether it was one. */
  take(topic: string, payload: Uint8Array): boolean {
    if (!topic.startsWith(`${this.replies}/`)) return false
    const key = topic.slice(this.replies.length + 1)
    const open = this.#open.get(key)
    const reply = clean.reply(clean.json(payload))
    if (!open || !reply) return true
    this.#open.delete(key)
    clearTimeout(open.timer)
    open.done(reply)
    return true
  }

  /** The connection is gone, and the replies with it. */
  lost(): void {
    for (const key of [...this.#open.keys()]) this.#fail(key, 'The broker went away before the answer came.')
  }

  #fail(key: string, words: string) {
    const open = this.#open.get(key)
    if (!open) return
    this.#open.delete(key)
    clearTimeout(open.timer)
    open.failed(new Refused(null, words))
  }
}
