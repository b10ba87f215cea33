// The seats of a room in the boxes of a template. The operator's room and the wall draw the same one.

import { useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { App } from '../app'
import { layout, type Template } from '../model/layout'
import type { RoomEntry } from '../model/world'
import { Tile, type Layers } from './tile'

interface CanvasProps {
  app: App
  entry: RoomEntry
  template: Template
  layers: Layers
  now: number
  wall?: boolean
  onDrop?: (user_id: string, index: number) => void
}

export function Canvas({ app, entry, template, layers, now, wall, onDrop }: CanvasProps) {
  const box = useRef<HTMLDivElement>(null)
  const [size, setSize] = useState({ width: 0, height: 0 })
  useLayoutEffect(() => {
    if (!box.current) return
    const observer = new ResizeObserver(([one]) => one && setSize({ width: Math.floor(one.contentRect.width), height: Math.floor(one.contentRect.height) }))
    observer.observe(box.current)
    return () => observer.disconnect()
  }, [])
  const places = entry.room.seats.map(seat => ({ index: seat.index, taken: seat.user !== null }))
  const shape = layout(template, places, size, app.pinned)
  const tile = (index: number) => {
    const seat = entry.room.seats.find(one => one.index === index)!
    const dropped = onDrop ? { onDrop: (user_id: string) => onDrop(user_id, index) } : {}
    return <Tile key={index} app={app} entry={entry} seat={seat} box={shape.boxes.find(one => one.index === index) ?? null} layers={layers} now={now} {...(wall ? { wall } : {})} {...dropped} />
  }
  return (
    <div class="stage">
      <div class="canvas">
        <div class="probe" ref={box} />
        <div class="boxes" style={{ height: `${Math.floor(shape.height)}px` }}>
          {size.width > 0 ? shape.boxes.map(one => one.index).sort((one, other) => one - other).map(tile) : null}
        </div>
        {shape.boxes.length === 0 ? <p class="nobody">Nobody is seated.</p> : null}
      </div>
      {!wall && shape.left.length ? <div class="strip" aria-label="Free seats" role="group">{shape.left.map(tile)}</div> : null}
    </div>
  )
}
