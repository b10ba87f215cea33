import assert from 'node:assert/strict'
// A broker with the shipped access list, real daemons, and a browser, each of this test's own; everything ends with the stand.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { pathToFileURL } from 'node:url'
import codec from 'u8-mqtt-packet/esm/codec_bind.js'
import client from 'u8-mqtt-packet/esm/codec_v5_client.js'
import { chromium, type Browser, type BrowserContextOptions, type Page } from 'playwright-core'
import { ROOT } from './golden'

/** The machine may be loaded: a wait is long, and ends as soon as there is what it waits for. */
export const PATIENCE = 40_000
const CHROMIUM = '/usr/bin/chromium'
const PASSWORD = 'word'
/** The names of the shipped access list, and one that it does not know. */
const USERS = ['operator', 'wall-1', 'lobby-host', 'stranger', ...Array.from({ length: 9 }, (_, n) => `kiosk-${n + 1}`)]

interface Process {
  name: string
  child: ChildProcess
}

const inFolders = (name: string, folders: string[]) => folders.map(folder => `${folder}/${name}`).find(existsSync)

function tool(name: string, install: string): string {
  const found = inFolders(name, [...(process.env['PATH'] ?? '').split(':'), '/usr/sbin', '/usr/local/sbin'])
  if (!found) throw new Error(`this test needs ${name}: sudo apt-get install ${install}`)
  return found
}

function webServer(name: string): string {
  const unpacked = process.env['WEB_SERVERS'] ?? `${ROOT}/target/web-servers`
  const found = inFolders(name, [`${unpacked}/usr/sbin`, `${unpacked}/usr/bin`])
  if (!found) throw new Error(`this test needs ${name}: make web-servers`)
  return found
}

function coguestd(): string {
  const given = process.env['COGUESTD']
  const made = given ?? `${ROOT}/target/debug/coguestd`
  if (!existsSync(made)) throw new Error(`${made} is not there: cargo build --locked`)
  return made
}

async function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.on('error', failed)
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number }
      server.close(() => done(port))
    })
  })
}

const listens = (port: number) =>
  new Promise<boolean>(done => {
    const socket = connect(port, '127.0.0.1', () => done(true)).on('error', () => done(false))
    socket.on('connect', () => socket.destroy())
  })

const sleep = (ms: number) => new Promise(done => setTimeout(done, ms))

/** Waits until something is so. */
export async function until<T>(what: string, look: () => Promise<T | null | undefined | false> | T | null | undefined | false): Promise<T> {
  const end = Date.now() + PATIENCE
  for (;;) {
    const found = await look()
    if (found) return found
    if (Date.now() > end) throw new Error(`not within ${PATIENCE / 1000} s: ${what}`)
    await sleep(50)
  }
}

export class Stand {
  folder = mkdtempSync(`${tmpdir()}/coguestd-console-`)
  port = 0
  web = 0
  #processes: Process[] = []
  #browser: Browser | null = null

  /** A broker that serves the page, too: with the shipped access list, or one where the operator may do everything and others nothing. */
  static async open(rights: 'shipped' | 'all' = 'shipped'): Promise<Stand> {
    const stand = new Stand()
    stand.port = await freePort()
    stand.web = await freePort()
    const { page } = await import(pathToFileURL(`${ROOT}/console/build.mjs`).href)
    mkdirSync(`${stand.folder}/www`)
    writeFileSync(`${stand.folder}/www/index.html`, await page())
    const passwords = `${stand.folder}/passwords`
    writeFileSync(passwords, '', { mode: 0o600 })
    writeFileSync(`${stand.folder}/acl`, 'user operator\ntopic readwrite #\n', { mode: 0o600 })
    writeFileSync(`${stand.folder}/operator`, PASSWORD, { mode: 0o600 })
    for (const user of USERS) spawnSync(tool('mosquitto_passwd', 'mosquitto'), ['-b', passwords, user, PASSWORD])
    writeFileSync(
      `${stand.folder}/mosquitto.conf`,
      [
        'per_listener_settings false',
        ...(process.getuid?.() === 0 ? ['user root'] : []),
        'allow_anonymous false',
        `password_file ${passwords}`,
        `acl_file ${rights === 'shipped' ? `${ROOT}/systemd/mosquitto-acl.example` : `${stand.folder}/acl`}`,
        'persistence false',
        'set_tcp_nodelay true',
        `listener ${stand.port} 127.0.0.1`,
        // The shipped example, with a port and a folder of this test's.
        readFileSync(`${ROOT}/console/serve/mosquitto.conf`, 'utf8').replace('listener 8083', `listener ${stand.web}`).replace(/^# http_dir .*$/m, `http_dir ${stand.folder}/www`),
      ].join('\n') + '\n',
    )
    await stand.startBroker()
    return stand
  }

  async startBroker(): Promise<void> {
    this.#start('mosquitto', tool('mosquitto', 'mosquitto'), ['-c', `${this.folder}/mosquitto.conf`])
    for (const port of [this.port, this.web]) {
      await until('the broker listens', () => listens(port))
    }
  }

  /** A web server with the shipped example, in front of the broker; where it is. */
  async nginx(locations = ''): Promise<string> {
    const port = await freePort()
    const { folder } = this
    this.#certificate()
    const server = readFileSync(`${ROOT}/console/serve/nginx.conf`, 'utf8')
      .replace('listen 443', `listen 127.0.0.1:${port}`)
      .replace(/ssl_certificate .*/, `ssl_certificate ${folder}/certificate.pem;`)
      .replace(/ssl_certificate_key .*/, `ssl_certificate_key ${folder}/key.pem;`)
      .replace(/root .*/, `root ${folder}/www;`)
      .replace('127.0.0.1:8083', `127.0.0.1:${this.web}`)
      .replace(/}\s*$/, `${locations}\n}\n`)
    const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(what => `${what}_temp_path ${folder}/nginx-${what};`).join(' ')
    const user = process.getuid?.() === 0 ? 'user root;' : ''
    writeFileSync(`${folder}/nginx.conf`, `${user} daemon off; pid ${folder}/nginx.pid; error_log stderr; events {} http { types { text/html html; } access_log off; ${paths} ${server} }`)
    this.#start('nginx', webServer('nginx'), ['-c', `${folder}/nginx.conf`, '-p', folder, '-e', 'stderr'])
    await until('nginx listens', () => listens(port))
    return `https://127.0.0.1:${port}/`
  }

  /** Caddy with the shipped example, with a port, a certificate and a folder of this test's. */
  async caddy(): Promise<string> {
    const port = await freePort()
    const { folder } = this
    this.#certificate()
    const site = readFileSync(`${ROOT}/console/serve/Caddyfile`, 'utf8')
      .replace('console.example.org {', `https://127.0.0.1:${port} {\n\ttls ${folder}/certificate.pem ${folder}/key.pem`)
      .replace('/usr/share/coguestd-console', `${folder}/www`)
      .replace('127.0.0.1:8083', `127.0.0.1:${this.web}`)
    writeFileSync(`${folder}/Caddyfile`, `{\n\tadmin off\n\tauto_https disable_redirects\n\tstorage file_system ${folder}/caddy\n}\n${site}`)
    // It keeps what it was told in the home of whoever starts it.
    this.#start('caddy', tool('env', 'coreutils'), [`XDG_CONFIG_HOME=${folder}`, webServer('caddy'), 'run', '--config', `${folder}/Caddyfile`, '--adapter', 'caddyfile'])
    await until('Caddy listens', () => listens(port))
    return `https://127.0.0.1:${port}/`
  }

  /** A server of another family that takes what guests publish (WHIP) and plays it (WHEP). */
  async mediaServer(token: string): Promise<number> {
    const port = await freePort()
    this.#start('media-server', '/usr/bin/python3', [`${ROOT}/tests/peers/whip_server.py`, String(port), token])
    await until('the media server listens (sudo apt-get install python3-aiortc python3-aiohttp)', () => listens(port))
    writeFileSync(`${this.folder}/token`, token, { mode: 0o600 })
    return port
  }

  #certificate() {
    const { folder } = this
    const made = spawnSync(tool('openssl', 'openssl'), ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1', '-keyout', `${folder}/key.pem`, '-out', `${folder}/certificate.pem`])
    if (made.status !== 0) throw new Error(String(made.stderr))
  }

  #start(name: string, program: string, args: string[]) {
    const log = openSync(`${this.folder}/${name}.log`, 'a')
    const env = Object.fromEntries(Object.entries(process.env).filter(([key]) => !key.startsWith('COGUESTD')))
    this.#processes.push({ name, child: spawn(program, args, { stdio: ['ignore', log, log], env }) })
  }

  /** Ends a process at once, as a power cut would. */
  async kill(name: string): Promise<void> {
    const at = this.#processes.findIndex(one => one.name === name)
    const [process] = this.#processes.splice(at, 1)
    await ended(process!, 'SIGKILL')
  }

  /** Stops a process in its tracks, as a network does that loses everything; or lets it go on. */
  hold(name: string, signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#processes.find(one => one.name === name)!.child.kill(signal)
  }

  #daemon(id: string, name: string, role: string, more = '', room = '') {
    writeFileSync(
      `${this.folder}/${id}.toml`,
      `role = "${role}"\n[user]\nid = "${id}"\nname = "${name}"\n[mqtt]\nurl = "mqtt://127.0.0.1:${this.port}"\nusername = "${id}"\npassword_file = "${this.folder}/operator"\n` +
        `[media]\nprofile = "${role === 'guest' ? 'loud' : 'test'}"\nspeaker = "auto"\nstats_interval = 0.5\nquality = "360p"\n${more}\n${room}`,
    )
    this.#start(id, coguestd(), ['run', '--config', `${this.folder}/${id}.toml`])
  }

  /** The room `lobby` with its host. */
  async host(seats = 4, room = ''): Promise<void> {
    this.#daemon('lobby-host', 'Front desk', 'host', '', room)
    await until('the host is online', () => this.ask('lobby-host', 'get_state').ok)
    this.ask('lobby-host', 'start_live', { live_id: 'lobby', seats })
  }

  /** A guest in the lobby; what its speaker is given goes into a file. */
  async guest(id: string, name: string, room = ''): Promise<void> {
    const test = readFileSync(`${ROOT}/pipelines/test.toml`, 'utf8')
    const speaker = `audioconvert ! capsfilter caps=audio/x-raw,format=S16LE,channels=1 ! filesink name=speaker sync=true buffer-mode=unbuffered location=${this.folder}/${id}.raw`
    mkdirSync(`${this.folder}/${id}`)
    writeFileSync(`${this.folder}/${id}/loud.toml`, test.replace('fakesink name=speaker sync=true', speaker))
    this.#daemon(id, name, 'guest', `profile_directory = "${this.folder}/${id}"\necho_cancellation = false\n`, `[room]\nlive_id = "lobby"\n${room}\n`)
    await until(`${id} is in the room`, () => this.state(id)?.room?.membership === 'inside')
  }

  state(id: string): any {
    return this.ask(id, 'get_state').result
  }

  /** How loud the last half second was that this guest's speaker was given, in dBFS; null before the first. */
  loudness(id: string): number | null {
    const file = `${this.folder}/${id}.raw`
    const bytes = existsSync(file) ? readFileSync(file) : Buffer.alloc(0)
    const from = bytes.length - 48_000
    if (from < 0) return null
    let power = 0
    for (let at = from - (from % 2); at + 1 < bytes.length; at += 2) power += bytes.readInt16LE(at) ** 2
    return 10 * Math.log10(Math.max(power / 24_000 / 32_768 ** 2, 1e-12))
  }

  /** One command, as an operator with `coguestd ctl` gives it. */
  ask(device: string, command: string, parameters: Record<string, unknown> = {}): { ok: boolean; result?: any; words: string } {
    const given = Object.entries(parameters).map(([key, value]) => `${key}=${JSON.stringify(value)}`)
    const login = ['--url', `mqtt://127.0.0.1:${this.port}`, '-u', 'operator', '--password-file', `${this.folder}/operator`]
    const said = spawnSync(coguestd(), ['ctl', ...login, device, command, ...given], { encoding: 'utf8', timeout: PATIENCE })
    let result: unknown
    try {
      result = JSON.parse(said.stdout)
    } catch {
      result = undefined
    }
    return { ok: said.status === 0, result, words: said.stdout + said.stderr }
  }

  /** Says many things over one connection, and returns when the broker has taken them all. */
  async say(messages: Array<{ topic: string; payload: string; retain?: boolean }>): Promise<void> {
    const packets = codec(5, client, {})
    const stream = packets.mqtt_stream()
    const socket = connect(this.port, '127.0.0.1')
    await new Promise<void>((done, failed) => {
      socket.on('error', failed)
      socket.on('data', data => {
        for (const packet of stream.decode(new Uint8Array(data))) {
          if (packet.type === 'puback') done()
          if (packet.type !== 'connack') continue
          if (Number(packet.reason) !== 0) failed(new Error(`the broker refuses: ${packet.reason}`))
          for (const { topic, payload, retain = true } of messages) socket.write(packets.encode_pkt('publish', { topic: `coguest/v1/${topic}`, payload, retain, qos: 0 }))
          socket.write(packets.encode_pkt('publish', { topic: 'end', payload: '', qos: 1, pkt_id: 1 }))
        }
      })
      socket.write(packets.encode_pkt('connect', { client_id: `test-${process.pid}-${Math.random()}`, keep_alive: 60, flags: { clean_start: true, username: true, password: true }, username: 'operator', password: PASSWORD }))
    })
    socket.destroy()
  }

  get address(): string {
    return `http://127.0.0.1:${this.web}/index.html`
  }

  /** A page of its own browser context; a violation of its policy or a foreign request fails the test at `calm`. */
  async page(options: BrowserContextOptions = {}, address = this.address): Promise<Visit> {
    if (!existsSync(CHROMIUM)) throw new Error(`this test needs ${CHROMIUM}: sudo apt-get install chromium`)
    this.#browser ??= await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox', '--disable-dev-shm-usage', '--autoplay-policy=user-gesture-required', '--use-fake-device-for-media-stream', '--use-fake-ui-for-media-stream'] })
    const context = await this.#browser.newContext({ viewport: { width: 1440, height: 900 }, ...options })
    const page = await context.newPage()
    page.setDefaultTimeout(PATIENCE)
    return new Visit(this, page, address)
  }

  log(name: string): string {
    return readFileSync(`${this.folder}/${name}.log`, 'utf8').split('\n').slice(-30).join('\n')
  }

  async close(): Promise<void> {
    await this.#browser?.close()
    const [broker, ...others] = this.#processes
    await Promise.all(others.map(one => ended(one, 'SIGTERM')))
    if (broker) await ended(broker, 'SIGTERM')
    rmSync(this.folder, { recursive: true, force: true })
  }
}

async function ended({ child }: Process, signal: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGCONT')
  const gone = new Promise(done => child.once('exit', done))
  child.kill(signal)
  const late = setTimeout(() => child.kill('SIGKILL'), 8000)
  await gone
  clearTimeout(late)
}

/** The test picture, from the left. */
const BARS = [[255, 255, 255], [255, 255, 0], [0, 255, 255], [0, 255, 0], [255, 0, 255], [255, 0, 0], [0, 0, 255]]

export class Visit {
  problems: string[] = []

  constructor(
    readonly stand: Stand,
    readonly page: Page,
    readonly address = stand.address,
  ) {
    page.on('console', message => {
      if (message.type() === 'error' && !/WebSocket connection to|net::ERR_/.test(message.text())) this.problems.push(message.text())
    })
    page.on('pageerror', error => this.problems.push(String(error.stack ?? error)))
    page.on('request', request => {
      const url = request.url()
      if (url !== 'about:blank' && !url.startsWith('data:') && !url.startsWith('blob:') && url.split('#')[0] !== this.address) this.problems.push(`a second request: ${url.slice(0, 200)}`)
    })
  }

  async enter(route = '', user = 'operator', password = PASSWORD): Promise<void> {
    // An address that differs after its # only would load nothing anew.
    await this.page.goto('about:blank')
    await this.page.goto(`${this.address}${route}`)
    await this.page.getByLabel('User').fill(user)
    await this.page.getByLabel('Password', { exact: true }).fill(password)
    await this.page.getByRole('button', { name: 'Enter' }).click()
  }

  button(name: string) {
    return this.page.getByRole('button', { name, exact: true })
  }

  region(name: string) {
    return this.page.getByRole('region', { name, exact: true })
  }

  /** The colours of a tile's picture: how many of a grid of points differ from black. */
  async lit(name: string): Promise<number> {
    return this.region(name)
      .locator('video')
      .evaluate(element => {
        const video = element as HTMLVideoElement
        if (!video.videoWidth) return 0
        const canvas = document.createElement('canvas')
        canvas.width = canvas.height = 16
        const context = canvas.getContext('2d')!
        context.drawImage(video, 0, 0, 16, 16)
        const { data } = context.getImageData(0, 0, 16, 16)
        let colours = 0
        for (let n = 0; n < data.length; n += 4) if (data[n]! + data[n + 1]! + data[n + 2]! > 60) colours += 1
        return colours
      })
  }

  /** Waits until a tile shows the guest's own picture, moving. */
  async shows(name: string): Promise<void> {
    const near = (seen: number[][]) => seen.every((bar, n) => bar.every((part, at) => Math.abs(part - BARS[n]![at]!) < 60))
    await until(`${name} shows the test picture`, async () => (await this.region(name).locator('video').count()) > 0 && near((await this.bars(name)).bars))
    const { frames } = await this.bars(name)
    await until(`${name} moves`, async () => (await this.bars(name)).frames > frames + 20)
    assert.equal(await this.region(name).locator('.kind').count(), 0, 'what moves is no still')
  }

  /** The colours of a tile's picture at seven places from the left, a fifth from above: red, green, blue; and how many pictures it had. */
  async bars(name: string): Promise<{ bars: number[][]; frames: number }> {
    return this.region(name)
      .locator('video')
      .evaluate(element => {
        const video = element as HTMLVideoElement
        const canvas = document.createElement('canvas')
        ;[canvas.width, canvas.height] = [Math.max(video.videoWidth, 7), Math.max(video.videoHeight, 5)]
        const context = canvas.getContext('2d')!
        context.drawImage(video, 0, 0)
        const at = (bar: number) => [...context.getImageData((canvas.width * (2 * bar + 1)) / 14, canvas.height / 5, 1, 1).data.slice(0, 3)]
        return { bars: [0, 1, 2, 3, 4, 5, 6].map(at), frames: video.getVideoPlaybackQuality().totalVideoFrames }
      })
  }

  /** What axe-core objects to, as lines. */
  async objections(): Promise<string[]> {
    const source = readFileSync(`${ROOT}/console/node_modules/axe-core/axe.min.js`, 'utf8')
    // Evaluated by the debugger, not by the page: its policy forbids scripts.
    await this.page.evaluate(source)
    return this.page.evaluate(async () => {
      const { violations } = await (window as any).axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] })
      return violations.flatMap((one: any) => one.nodes.map((node: any) => `${one.id}: ${node.html.slice(0, 160)} ${node.failureSummary.slice(0, 300)}`))
    })
  }

  /** What the page shows now, for whoever asks why a wait was in vain. */
  async shown(): Promise<string> {
    return (await this.page.locator('body').innerText()).slice(0, 1500)
  }

  /** Nothing was violated, and nothing went wrong on the page. */
  calm(): void {
    if (this.problems.length) throw new Error(this.problems.join('\n'))
  }
}
