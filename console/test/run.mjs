// Bundles the tests and runs them: `unit`, `chromium`, `serve`, all of these without a word, `gallery`, or `bench`. What follows is a name to look for.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const here = path => fileURLToPath(new URL(path, import.meta.url))
// Beside the packages, where they are found from.
const out = here('../node_modules/.tests')
const [wanted = 'all', pattern] = process.argv.slice(2)

const SETS = { unit: ['unit'], chromium: ['chromium'], serve: ['serve'], gallery: ['gallery'], bench: ['bench'], all: ['unit', 'chromium', 'serve'] }
const folders = SETS[wanted]
if (!folders) {
  console.error(`no such set of tests: ${wanted}`)
  process.exit(2)
}

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
const entryPoints = folders.flatMap(folder => readdirSync(here(folder)).filter(file => file.endsWith('.test.ts')).map(file => here(`${folder}/${file}`)))
await build({
  entryPoints,
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node18',
  outdir: out,
  outbase: here('.'),
  outExtension: { '.js': '.mjs' },
  jsx: 'automatic',
  jsxImportSource: 'preact',
  external: ['playwright-core', 'axe-core'],
  sourcemap: 'inline',
  logLevel: 'warning',
})
const files = folders.flatMap(folder => readdirSync(`${out}/${folder}`).map(file => `${out}/${folder}/${file}`))
const options = ['--enable-source-maps', '--test', '--test-reporter=spec', ...(pattern ? [`--test-name-pattern=${pattern}`] : [])]
const env = { ...process.env, CONSOLE_ROOT: here('../..') }
const { status } = spawnSync(process.execPath, [...options, ...files], { stdio: 'inherit', env })
process.exit(status ?? 1)
