import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import test from 'node:test'
import { gzipSync } from 'node:zlib'
import { parameters } from '../../src/view/forms'
import commands from '../../src/model/commands.json'
import { MEANINGS } from '../../src/model/words'
import { bytes, golden, ROOT } from '../golden'

const load = (file: string) => import(pathToFileURL(`${ROOT}/console/${file}`).href)

test('types and forms are those of docs/asyncapi.json: npm run wire', async () => {
  const { made } = await load('schema.mjs')
  for (const [file, text] of made() as Map<URL, string>) assert.equal(readFileSync(file, 'utf8'), text, file.pathname)
})

test('every code of the protocol has a meaning', () => {
  const codes = JSON.parse(readFileSync(`${ROOT}/docs/asyncapi.json`, 'utf8')).components.schemas.Error.properties.code.enum as string[]
  assert.deepEqual(codes.filter(code => !MEANINGS[code]), [])
})

test('a form makes of what was typed what the daemon’s own examples say', () => {
  const text = (x: unknown) => (x === null ? '' : typeof x === 'object' ? JSON.stringify(x) : String(x))
  for (const [name, raw] of golden('command')) {
    const schema = (commands as unknown as Record<string, { properties: object }>)[name]
    assert.ok(schema, name)
    const { id: _, operator: __, ...said } = JSON.parse(new TextDecoder().decode(raw.length ? raw : bytes({})))
    const fields = Object.entries(schema.properties).filter(([field]) => field !== 'operator') as never
    const typed = Object.fromEntries(Object.entries(said).map(([field, value]) => [field, text(value)]))
    const wanted = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== null))
    assert.deepEqual(parameters(fields, typed), wanted, name)
  }
})

test('the page is one file of at most 200 kB, 60 kB with gzip, and its policy names what is in it', async () => {
  const { page } = await load('build.mjs')
  const html: string = await page()
  assert.ok(Buffer.byteLength(html) <= 200_000, `${html.length}`)
  assert.ok(gzipSync(html, { level: 9 }).length <= 60_000)
  assert.ok(!/<(?:script|link|img|iframe)[^>]+(?:src|href)="(?!data:,)/.test(html.slice(0, html.indexOf('<style>'))))
  const hash = (open: string, close: string) => {
    const from = html.indexOf(open) + open.length
    return `'sha256-${createHash('sha256').update(html.slice(from, html.indexOf(close, from))).digest('base64')}'`
  }
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(html)![1]!
  assert.ok(policy.includes(`script-src ${hash('<script type="module">', '</script>')}`))
  assert.ok(policy.includes(`style-src ${hash('<style>', '</style>')}`))
  assert.ok(policy.startsWith("default-src 'none'") && !policy.includes('unsafe'))
})
