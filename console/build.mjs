// Makes one file: index.html with its script and its style inside, and a policy that names both by their hashes.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const here = path => fileURLToPath(new URL(path, import.meta.url))

/** The largest page, in bytes: it is fetched over slow links, and by phones. */
const MOST = { raw: 200_000, zipped: 60_000 }

async function bundled(entry, options = {}) {
  const { outputFiles } = await build({
    entryPoints: [here(entry)],
    bundle: true,
    minify: true,
    write: false,
    target: ['es2022', 'chrome114', 'firefox125', 'safari17'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    // The protocol's words hold no markup; whatever a library brings must not end the element.
    supported: { 'inline-script': false },
    legalComments: 'none',
    ...options,
  })
  return outputFiles[0].text.trim()
}

const hash = text => `'sha256-${createHash('sha256').update(text).digest('base64')}'`

/** The page's policy. A server may add what a page cannot say of itself (frame-ancestors). */
const policy = (script, style) => [
  "default-src 'none'",
  `script-src ${hash(script)}`,
  `style-src ${hash(style)}`,
  "img-src 'self' data:",
  "media-src 'self' mediastream: blob:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** What is inside beside our own, and under which terms it is given on. */
function licences() {
  const { dependencies } = JSON.parse(readFileSync(here('package.json'), 'utf8'))
  const text = name => readFileSync(here(`node_modules/${name}/LICENSE`), 'utf8').trim().replaceAll('--', '- -')
  return Object.entries(dependencies).map(([name, version]) => `${name} ${version}\n\n${text(name)}`).join('\n\n')
}

export async function page() {
  const [script, style] = await Promise.all([bundled('src/main.tsx'), bundled('src/view/style.css')])
  const frame = readFileSync(here('src/index.html'), 'utf8')
  const put = { policy: policy(script, style), script, style, licences: licences() }
  return frame.replace(/\{\{(\w+)\}\}/g, (_, name) => put[name])
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2] ?? here('../target/console')
  const html = await page()
  const zipped = gzipSync(html, { level: 9 }).length
  mkdirSync(folder, { recursive: true })
  writeFileSync(`${folder}/index.html`, html)
  console.log(`${folder}/index.html: ${html.length} bytes, ${zipped} with gzip`)
  if (Buffer.byteLength(html) > MOST.raw || zipped > MOST.zipped) {
    console.error(`that is more than ${MOST.raw} bytes, or ${MOST.zipped} with gzip`)
    process.exit(1)
  }
}
