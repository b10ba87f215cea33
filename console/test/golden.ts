// The daemon's own examples of its messages, which its tests hold it to.

import { readdirSync, readFileSync } from 'node:fs'

export const ROOT = process.env['CONSOLE_ROOT'] ?? ''

/** Every example of a kind: its name without `.json`, and its bytes. */
export function golden(kind: string): Array<[string, Uint8Array]> {
  const folder = `${ROOT}/tests/golden/${kind}`
  return readdirSync(folder).map(file => [file.replace(/\.json$/, ''), readFileSync(`${folder}/${file}`)])
}

export const one = (kind: string, name: string): Uint8Array => readFileSync(`${ROOT}/tests/golden/${kind}/${name}.json`)
export const bytes = (x: unknown): Uint8Array => new TextEncoder().encode(typeof x === 'string' ? x : JSON.stringify(x))

/** The same numbers for the same seed: a failure can be looked at again. */
export function dice(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 1664525 + 1013904223) >>> 0
    return state / 4294967296
  }
}
