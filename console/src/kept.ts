// What a reload of this tab remembers. A password only when its box was ticked, and never longer than the tab.

import type { Template } from './model/layout'
import { TEMPLATES } from './model/layout'

export interface Login {
  user: string
  password: string
  prefix: string
}

export interface Kept {
  user: string
  login: Login | null
  template: Template | null
  fill: boolean
  sound: boolean
  log: boolean
}

const KEY = 'coguestd-console'
const NEW: Kept = { user: '', login: null, template: null, fill: false, sound: true, log: false }

export function remembered(): Kept {
  try {
    const raw = JSON.parse(sessionStorage.getItem(KEY) ?? '{}') as Partial<Kept>
    const login = raw.login
    return {
      user: typeof raw.user === 'string' ? raw.user : '',
      login: login && [login.user, login.password, login.prefix].every(one => typeof one === 'string') ? login : null,
      template: TEMPLATES.find(one => one.id === raw.template)?.id ?? null,
      fill: raw.fill === true,
      sound: raw.sound !== false,
      log: raw.log === true,
    }
  } catch {
    return NEW
  }
}

export function remember(kept: Kept): Kept {
  try {
    sessionStorage.setItem(KEY, JSON.stringify(kept))
  } catch {
    // A browser without storage: the page works, a reload begins anew.
  }
  return kept
}
