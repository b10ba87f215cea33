// The page: one App, drawn anew at most once a frame.

import { render } from 'preact'
import { App } from './app'
import { waiting } from './model/world'
import { Device } from './view/device'
import { Enter } from './view/enter'
import { Frame, Notices } from './view/frame'
import { Room } from './view/room'
import { Devices, Rooms } from './view/rooms'
import { Wall } from './view/wall'

function Page({ app, now }: { app: App; now: number }) {
  const { phase, route } = app
  // A broker that was there once is waited for on the page that shows how it was.
  if (!phase || phase.is === 'refused' || !app.broker?.wasUp) return <Enter app={app} />
  switch (route.page) {
    case 'room':
      return <Room key={route.live_id} app={app} live_id={route.live_id} now={now} />
    case 'wall':
      return (
        <>
          <Wall app={app} live_id={route.live_id} template={route.template} now={now} />
          <Notices app={app} />
        </>
      )
    case 'device':
      return (
        <Frame app={app} now={now}>
          <Device app={app} id={route.id} now={now} />
        </Frame>
      )
    case 'devices':
      return (
        <Frame app={app} now={now}>
          <Devices app={app} />
        </Frame>
      )
    case 'rooms':
      return (
        <Frame app={app} now={now}>
          <Rooms app={app} />
        </Frame>
      )
  }
}

function title(app: App): string {
  const waits = [...app.world.rooms.values()].reduce((sum, entry) => sum + waiting(app.world, entry.room), 0)
  const { route } = app
  const where = route.page === 'room' || route.page === 'wall' ? route.live_id : route.page === 'device' ? route.id : route.page
  return app.broker?.wasUp ? `${waits ? `(${waits}) ` : ''}${where} – coguestd` : 'coguestd console'
}

const app = new App()
const root = document.getElementById('page')!
const draw = () => {
  render(<Page app={app} now={Date.now()} />, root)
  const words = title(app)
  if (document.title !== words) document.title = words
}
app.start(draw)
draw()
