// The page before there is a connection. Errors stand where they can be mended.

import { useState } from 'preact/hooks'
import type { App } from '../app'

export const PREFIX = 'coguest/v1'

export function Enter({ app }: { app: App }) {
  const [user, setUser] = useState(app.kept.user)
  const [password, setPassword] = useState('')
  const [prefix, setPrefix] = useState(PREFIX)
  const [keep, setKeep] = useState(false)
  const phase = app.phase
  const login = phase?.is === 'refused' && phase.why === 'login' ? phase.words : null
  const broker = phase?.is === 'refused' && phase.why === 'protocol' ? phase.words : phase?.is === 'away' ? `${phase.why} ${hint(phase.why)}` : null
  const busy = phase?.is === 'connecting'
  const enter = (event: Event) => {
    event.preventDefault()
    if (!busy) app.enter({ user, password, prefix: prefix.replace(/^\/+|\/+$/g, '') || PREFIX }, keep)
  }
  return (
    <main class="enter">
      <form onSubmit={enter} aria-label="Enter">
        <h1>coguestd console</h1>
        <p class="field">
          <span class="label">Broker</span>
          <output class={broker ? 'wrong' : ''}>{location.host}</output>
        </p>
        {broker ? <p class="error" role="alert">{broker}</p> : null}
        <label>
          <span class="label">User</span>
          <input name="username" autocomplete="username" autocapitalize="off" spellcheck={false} value={user} aria-invalid={login !== null} onInput={event => setUser(event.currentTarget.value)} />
        </label>
        <label>
          <span class="label">Password</span>
          <input name="password" type="password" autocomplete="current-password" value={password} aria-invalid={login !== null} aria-describedby={login ? 'login-error' : undefined} onInput={event => setPassword(event.currentTarget.value)} />
        </label>
        {login ? <p class="error" role="alert" id="login-error">{login}</p> : null}
        <label class="tick">
          <input type="checkbox" checked={keep} onChange={event => setKeep(event.currentTarget.checked)} /> Keep the password until this tab is closed
        </label>
        <details>
          <summary>More</summary>
          <label>
            <span class="label">Topic prefix</span>
            <input value={prefix} spellcheck={false} autocapitalize="off" onInput={event => setPrefix(event.currentTarget.value)} />
          </label>
        </details>
        <button class="button go wide" type="submit" aria-busy={busy}>
          {busy ? 'Connecting…' : 'Enter'}
        </button>
      </form>
    </main>
  )
}

/** A browser does not tell a page why a WebSocket did not open. */
function hint(why: string): string {
  if (why !== 'Nothing answers there.') return ''
  const address = `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.host}/mqtt`
  const certificate = location.protocol === 'https:' ? ' Or its certificate is not trusted by this browser.' : ''
  return `No MQTT over WebSocket at ${address}: the broker needs a listener with "protocol websockets", or the web server has to pass /mqtt on to it.${certificate} Tried again until it is there.`
}
