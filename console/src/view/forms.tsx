// Every command of a role as a form, made from the schema of the protocol.

import { useState } from 'preact/hooks'
import type { App } from '../app'
import type { Command } from '../link/command'
import { Refused } from '../link/command'
import * as clean from '../model/clean'
import commands from '../model/commands.json'
import { MEANINGS } from '../model/words'

export interface Schema {
  type?: string | string[]
  enum?: Array<string | null>
  oneOf?: Schema[]
  description?: string
  default?: unknown
  minimum?: number
  maximum?: number
  maxLength?: number
  pattern?: string
  /** An object, described elsewhere. */
  $ref?: string
}

interface CommandSchema {
  summary: string
  role: string
  properties: Record<string, Schema>
  required: string[]
}

const ALL = Object.entries(commands) as unknown as Array<[Command, CommandSchema]>

export function Forms({ app, id, role }: { app: App; id: string; role: 'guest' | 'host' }) {
  const mine = ALL.filter(([, one]) => one.role === role || one.role === 'both')
  return (
    <section class="forms" aria-label="Commands">
      <h2>Commands</h2>
      {mine.map(([name, schema]) => (
        <Form key={name} app={app} id={id} command={name} schema={schema} />
      ))}
    </section>
  )
}

function Form({ app, id, command, schema }: { app: App; id: string; command: Command; schema: CommandSchema }) {
  const [typed, setTyped] = useState<Record<string, string>>({})
  const [answer, setAnswer] = useState<{ ok: boolean; words: string; more?: string | undefined } | null>(null)
  const [busy, setBusy] = useState(false)
  const fields = Object.entries(schema.properties).filter(([name]) => name !== 'operator')
  const send = async (event: Event) => {
    event.preventDefault()
    if (busy) return
    setBusy(true)
    try {
      const operator = 'operator' in schema.properties ? { operator: app.operator } : {}
      const result = await app.send(id, command, { ...parameters(fields, typed), ...operator } as never)
      const shown = clean.shown(result)
      setAnswer({ ok: true, words: 'Done.', more: shown === '{}' ? undefined : shown })
    } catch (error) {
      if (!(error instanceof Refused)) throw error
      setAnswer({ ok: false, words: `${error.code ? `${error.code}: ` : ''}${error.message}`, more: MEANINGS[error.code ?? ''] })
    } finally {
      setBusy(false)
    }
  }
  return (
    <details class="command">
      <summary>
        <code>{command}</code> <span class="muted">{schema.summary}</span>
      </summary>
      <form onSubmit={event => void send(event)} aria-label={command}>
        {fields.map(([name, field]) => (
          <Field key={name} name={name} schema={field} required={schema.required.includes(name)} value={typed[name]} onType={value => setTyped(now => ({ ...now, [name]: value }))} />
        ))}
        <button type="submit" class="button go" aria-busy={busy}>Send</button>
        {answer ? (
          <div class={answer.ok ? 'answer' : 'answer bad'} role={answer.ok ? 'status' : 'alert'}>
            <bdi>{answer.words}</bdi>
            {answer.more ? <pre tabIndex={0} aria-label="More about it">{answer.more}</pre> : null}
          </div>
        ) : null}
      </form>
    </details>
  )
}

const typesOf = (schema: Schema): string[] => (schema.oneOf ? schema.oneOf.flatMap(typesOf) : [schema.type ?? 'string'].flat())

/** An object is typed as JSON; what is none is the daemon's to refuse. */
function json(typed: string): unknown {
  try {
    return JSON.parse(typed)
  } catch {
    return typed
  }
}

/** What was typed, as the schema wants it; what was left empty is left out and has its default. */
export function parameters(fields: Array<[string, Schema]>, typed: Record<string, string>): Record<string, unknown> {
  const made: Record<string, unknown> = {}
  for (const [name, schema] of fields) {
    const value = typed[name]
    if (value === undefined || value === '') continue
    const types = typesOf(schema)
    if (types.includes('boolean') && (value === 'true' || value === 'false')) made[name] = value === 'true'
    else if ((types.includes('integer') || types.includes('number')) && Number.isFinite(Number(value))) made[name] = Number(value)
    else made[name] = schema.$ref ? json(value) : value
  }
  return made
}

interface FieldProps {
  name: string
  schema: Schema
  required: boolean
  value: string | undefined
  onType: (value: string) => void
}

function Field({ name, schema, required, value = '', onType }: FieldProps) {
  const types = typesOf(schema)
  const preset = schema.default === undefined || schema.default === null ? '' : String(schema.default)
  const words = schema.enum?.filter(one => one !== null) ?? (types.length === 1 && types[0] === 'boolean' ? ['true', 'false'] : null)
  const hint = [schema.description, preset && `Default: ${preset}.`].filter(Boolean).join(' ')
  return (
    <label class="parameter">
      <span class="label">
        {name}
        {required ? ' *' : ''} {hint ? <span class="muted">{hint}</span> : null}
      </span>
      {words ? (
        <select required={required} value={value} onChange={event => onType(event.currentTarget.value)}>
          <option value="">{required ? 'choose…' : preset || '–'}</option>
          {words.map(word => (
            <option key={word} value={word!}>{word}</option>
          ))}
        </select>
      ) : types.length === 1 && types[0] === 'integer' ? (
        <input type="number" step={1} min={schema.minimum} max={schema.maximum} required={required} placeholder={preset} value={value} onInput={event => onType(event.currentTarget.value)} />
      ) : (
        <input required={required} maxLength={schema.maxLength} placeholder={preset} autocomplete="off" spellcheck={false} autocapitalize="off" value={value} onInput={event => onType(event.currentTarget.value)} />
      )}
    </label>
  )
}
