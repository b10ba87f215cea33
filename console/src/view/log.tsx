// Who did what, and what happened: the newest first.

import type { App } from '../app'
import { clock, plain } from '../model/words'
import type { Line } from '../model/world'
import { Sentence } from './common'

const LATEST = 4

/** `of` are the devices whose lines belong here. */
export function Log({ app, of }: { app: App; of: Set<string> }) {
  const lines = app.world.log.filter(line => of.has(line.host))
  const open = app.kept.log
  return (
    <section class={`log ${open ? 'open' : ''}`} aria-label="Log">
      <button type="button" class="button quiet" aria-expanded={open} onClick={() => app.keep({ log: !open })}>
        Log {open ? '▾' : '▴'}
      </button>
      {open ? (
        <ol tabIndex={0} aria-label="What happened">
          {lines.map((line, n) => (
            <Row key={`${line.at} ${n}`} line={line} />
          ))}
        </ol>
      ) : (
        <p title={lines.slice(0, LATEST).map(line => plain(line.words)).join('\n')}>
          {lines.length === 0 ? <span class="muted">Nothing yet.</span> : null}
          {lines.slice(0, LATEST).map(line => (
            <span class="line">
              <time>{clock(line.at)}</time> <Sentence words={line.words} />
            </span>
          ))}
        </p>
      )}
    </section>
  )
}

function Row({ line }: { line: Line }) {
  return (
    <li>
      <time>{clock(line.at)}</time> <Sentence words={line.words} />
    </li>
  )
}
