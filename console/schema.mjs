// Writes src/model/wire.d.ts and src/model/commands.json from docs/asyncapi.json, so that the page and the daemon read one document.
import { readFileSync, writeFileSync } from 'node:fs'

const DOCUMENT = new URL('../docs/asyncapi.json', import.meta.url)
const TYPES = new URL('src/model/wire.d.ts', import.meta.url)
const COMMANDS = new URL('src/model/commands.json', import.meta.url)

const HEAD = '// Made from docs/asyncapi.json by `npm run wire`; a test says when it is out of date.\n'

const quoted = word => `'${word}'`

/** The schemas that only the room plane uses: no page takes part in it. */
const NOT_HERE = new Set(['Application', 'Candidate', 'Description', 'Grant', 'Invitation', 'OwnSeat', 'Nothing'])

function type(schema) {
  if (schema.$ref) return schema.$ref.split('/').at(-1)
  if (schema.const !== undefined) return typeof schema.const === 'string' ? quoted(schema.const) : String(schema.const)
  if (schema.enum) return schema.enum.map(word => (typeof word === 'string' ? quoted(word) : String(word))).join(' | ')
  if (schema.oneOf) return [...new Set(schema.oneOf.map(type))].join(' | ')
  if (Array.isArray(schema.type)) return schema.type.map(one => type({ ...schema, type: one })).join(' | ')
  switch (schema.type) {
    case 'integer': return 'number'
    case 'array': return `Array<${type(schema.items)}>`
    case 'object': return schema.properties ? fields(schema, '') : 'Record<string, string>'
    default: return schema.type
  }
}

function fields(schema, indent) {
  const required = new Set(schema.required)
  const lines = Object.entries(schema.properties).map(([name, one]) => `${indent}  ${name}${required.has(name) ? '' : '?'}: ${type(one)}`)
  return lines.length ? `{\n${lines.join('\n')}\n${indent}}` : '{}'
}

const ROLES = { 'For a guest.': 'guest', 'For a host.': 'host', 'For both roles.': 'both' }

/** What a form needs of each command. */
function commands(document) {
  const made = {}
  for (const [key, message] of Object.entries(document.components.messages)) {
    if (!key.startsWith('command.')) continue
    const role = Object.entries(ROLES).find(([words]) => message.summary.includes(words))
    if (!role) throw new Error(`${key}: its summary names no role`)
    const { id: _, ...properties } = message.payload.properties
    made[message.name] = {
      summary: message.summary.slice(0, message.summary.indexOf(role[0])).trim(),
      role: role[1],
      properties,
      required: message.payload.required ?? [],
    }
  }
  return made
}

/** Both files as they should be. */
export function made() {
  const document = JSON.parse(readFileSync(DOCUMENT, 'utf8'))
  const schemas = Object.entries(document.components.schemas).filter(([name]) => !NOT_HERE.has(name))
  const types = schemas.map(([name, schema]) => {
    const words = schema.description ? `/** ${schema.description} */\n` : ''
    return schema.properties ? `${words}export interface ${name} ${fields(schema, '')}\n` : `${words}export type ${name} = ${type(schema)}\n`
  })
  const all = commands(document)
  const parameters = Object.entries(all).map(([name, one]) => `  ${name}: ${fields(one, '  ')}`)
  const commandTypes = `/** The parameters of each command. */\nexport interface Commands {\n${parameters.join('\n')}\n}\n`
  return new Map([
    [TYPES, HEAD + '\n' + [...types, commandTypes].join('\n')],
    [COMMANDS, JSON.stringify(all, null, 1) + '\n'],
  ])
}

if (process.argv[1] === new URL(import.meta.url).pathname) for (const [file, text] of made()) writeFileSync(file, text)
