// The controls of a camera, each by its type.

import { useState } from 'preact/hooks'
import type { App } from '../app'
import * as clean from '../model/clean'
import type * as wire from '../model/wire'
import { Button } from './common'

export function Controls({ app, id }: { app: App; id: string }) {
  const [controls, setControls] = useState<wire.Control[] | null>(null)
  const load = () =>
    void app.act('Read the controls', async () => {
      setControls(clean.controls(await app.send(id, 'get_camera_controls', {})).controls)
    })
  const set = (control: wire.Control, value: number | boolean | string) =>
    void app.act(`Set ${control.label}`, async () => {
      await app.send(id, 'set_camera_control', { control: control.name, value })
      // One control may switch another off: all are read again.
      setControls(clean.controls(await app.send(id, 'get_camera_controls', {})).controls)
    })
  return (
    <section aria-label="Camera controls">
      <h2>
        Camera controls <Button app={app} name="Read the controls" onPress={load}>{controls ? 'Read again' : 'Read'}</Button>
      </h2>
      {controls?.length === 0 ? <p class="muted">This camera has none.</p> : null}
      <div class="controls">
        {controls?.map(control => (
          <Control key={`${control.name} ${String(control.value)}`} control={control} onSet={value => set(control, value)} />
        ))}
      </div>
    </section>
  )
}

function Control({ control, onSet }: { control: wire.Control; onSet: (value: number | boolean | string) => void }) {
  const off = control.inactive === true || control.read_only === true
  const note = control.read_only ? 'only to read' : control.inactive ? 'overruled by another' : ''
  return (
    <label class="control">
      <span class="label">
        <bdi>{control.label}</bdi> {note ? <span class="muted">{note}</span> : null}
      </span>
      <Field control={control} off={off} onSet={onSet} />
    </label>
  )
}

function Field({ control, off, onSet }: { control: wire.Control; off: boolean; onSet: (value: number | boolean | string) => void }) {
  const { type, value } = control
  switch (type) {
    case 'boolean':
      return <input type="checkbox" checked={value === true || value === 1} disabled={off} onChange={event => onSet(event.currentTarget.checked)} />
    case 'menu':
      return (
        <select disabled={off} value={String(menuValue(control))} onChange={event => onSet(Number(event.currentTarget.value))}>
          {Object.entries(control.items ?? {}).map(([key, words]) => (
            <option key={key} value={key}>{words}</option>
          ))}
        </select>
      )
    case 'button':
      return <button type="button" class="button" disabled={off} onClick={() => onSet(1)}>Press</button>
    case 'integer':
      return (
        <span class="range">
          <input type="range" min={control.minimum ?? 0} max={control.maximum ?? 100} step={control.step ?? 1} value={Number(value ?? control.minimum ?? 0)} disabled={off} onChange={event => onSet(event.currentTarget.valueAsNumber)} />
          <output>{String(value ?? '')}</output>
        </span>
      )
  }
}

/** A menu's value is its number, or the word of it. */
function menuValue(control: wire.Control): string {
  const by = Object.entries(control.items ?? {}).find(([, words]) => words === control.value)
  return by ? by[0] : String(control.value ?? '')
}
