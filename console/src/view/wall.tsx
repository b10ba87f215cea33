// Tiles only, for ever: a screen on a wall.

import type { App } from '../app'
import type { Template } from '../model/layout'
import { clock } from '../model/words'
import { Canvas } from './canvas'
import { Background, Foreground } from './tile'

export function Wall({ app, live_id, template, now }: { app: App; live_id: string; template: number | null; now: number }) {
  const entry = app.world.rooms.get(live_id)
  const away = app.phase?.is === 'away' ? app.phase : null
  const ended = entry?.room.status === 'ended'
  return (
    <main class="wall" aria-label={`Wall of ${live_id}`}>
      {away ? <div class="away" role="alert">The broker is away since {clock(away.since)}</div> : null}
      <div class={`fillup ${away ? 'gone' : ''}`}>
        {entry && !ended ? (
          <Canvas app={app} entry={entry} template={(template ?? 600) as Template} layers={{ Foreground, Background }} now={now} wall />
        ) : (
          <p class="nobody">{ended ? `${live_id} has ended` : app.nothing && app.world.retained === 0 ? `The broker shows ${app.kept.user || 'this login'} nothing: its access list has to let it read` : `Waiting for ${live_id}`}</p>
        )}
      </div>
    </main>
  )
}
