// The pieces that every screen is made of.

import type { ButtonHTMLAttributes, ComponentChildren } from 'preact'
import { useEffect, useId, useLayoutEffect, useRef, useState } from 'preact/hooks'
import type { App } from '../app'
import type { Why } from '../model/may'
import type { Words } from '../model/words'

const PATHS = {
  camera: 'M4 7h9a2 2 0 0 1 2 2v6a2 2 0 0 1-2 2H4a2 2 0 0 1-2-2V9a2 2 0 0 1 2-2Zm11 4 6-3v8l-6-3',
  microphone: 'M12 3a3 3 0 0 1 3 3v5a3 3 0 0 1-6 0V6a3 3 0 0 1 3-3ZM5 11a7 7 0 0 0 14 0M12 18v3',
  talk: 'M9 5a3 3 0 0 1 6 0v6a3 3 0 0 1-6 0ZM5 11a7 7 0 0 0 14 0M12 18v3M19 4l2-1M20 7h2',
  ear: 'M7 9a5 5 0 0 1 10 0c0 3-3 4-3 7a3 3 0 0 1-5.5 1.5M10 9a2 2 0 0 1 4 0c0 1.5-1.5 2-1.5 3.5',
  move: 'M4 8h14m0 0-4-4m4 4-4 4M20 16H6m0 0 4-4m-4 4 4 4',
  kick: 'M12 4 4 13h16ZM4 18h16',
  lock: 'M6 11h12v9H6ZM8.5 11V7.5a3.5 3.5 0 0 1 7 0V11',
  unlock: 'M6 11h12v9H6ZM8.5 11V7.5a3.5 3.5 0 0 1 6.8-1.2',
  more: 'M5 12h.01M12 12h.01M19 12h.01',
  down: 'm6 9 6 6 6-6',
  info: 'M12 11v6M12 7.5h.01M12 3a9 9 0 1 1 0 18 9 9 0 0 1 0-18Z',
  pin: 'M9 4h6l-1 6 3 3H7l3-3ZM12 13v7',
  person: 'M12 4a4 4 0 1 1 0 8 4 4 0 0 1 0-8ZM4 21c0-4 4-6 8-6s8 2 8 6',
  close: 'm6 6 12 12M18 6 6 18',
  sound: 'M4 10v4h4l5 4V6l-5 4ZM16.5 9a4 4 0 0 1 0 6M19 6.5a8 8 0 0 1 0 11',
  help: 'M9.2 9a3 3 0 1 1 4.3 2.7c-1 .5-1.5 1.1-1.5 2.3M12 17.5h.01',
  out: 'M10 4H5v16h5M14 8l4 4-4 4M18 12H9',
  wall: 'M3 5h18v12H3ZM8 21h8M12 17v4',
  fill: 'M4 9V4h5M20 9V4h-5M4 15v5h5M20 15v5h-5',
} as const
export type IconName = keyof typeof PATHS

export function Icon({ name, struck }: { name: IconName; struck?: boolean | undefined }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name]} />
      {struck ? <path d="M4 3l17 18" /> : null}
    </svg>
  )
}

export function Sentence({ words }: { words: Words }) {
  return <>{words.map(one => (typeof one === 'string' ? one : <bdi>{one.name}</bdi>))}</>
}

interface ButtonProps {
  app: App
  /** What it is called, by people, tests and screen readers. */
  name: string
  icon?: IconName
  struck?: boolean
  /** What stands on it; without, the icon alone. */
  children?: ComponentChildren
  tone?: 'plain' | 'go' | 'bad' | 'quiet'
  why?: Why
  pressed?: boolean
  tabIndex?: number
  extra?: ButtonHTMLAttributes<HTMLButtonElement>
  onPress: (event: MouseEvent) => void
}

/** A button that waits for its reply, and that says why when it may not be pressed. */
export function Button({ app, name, icon, struck, children, tone = 'plain', why = null, pressed, tabIndex, extra, onPress }: ButtonProps) {
  const waits = app.pending.has(name)
  const press = (event: MouseEvent) => {
    event.stopPropagation()
    if (waits) return
    if (why) return app.tell('note', `${name}: ${why}`)
    onPress(event)
  }
  return (
    <button
      type="button"
      {...extra}
      class={`button ${tone} ${children ? '' : 'bare'} ${waits ? 'waits' : ''}`}
      aria-label={name}
      title={why ? `${name}: ${why}` : name}
      aria-disabled={why !== null || waits}
      aria-busy={waits}
      aria-pressed={pressed}
      tabIndex={tabIndex}
      onClick={press}
    >
      {icon ? <Icon name={icon} struck={struck} /> : null}
      {children}
    </button>
  )
}

/** A button that acts as long as it is held, by pointer or by key. */
export function Held({ onHold, onLetGo, ...props }: Omit<ButtonProps, 'extra' | 'onPress'> & { onHold: () => void; onLetGo: () => void }) {
  const held = useRef(false)
  const hold = () => {
    if (held.current || props.why) return
    held.current = true
    onHold()
  }
  const letGo = () => {
    if (!held.current) return
    held.current = false
    onLetGo()
  }
  const isKey = (event: KeyboardEvent) => event.key === ' ' || event.key === 'Enter'
  const extra: ButtonHTMLAttributes<HTMLButtonElement> = {
    onPointerDown: event => {
      event.currentTarget.setPointerCapture(event.pointerId)
      hold()
    },
    onPointerUp: letGo,
    onPointerCancel: letGo,
    onKeyDown: event => {
      if (!isKey(event)) return
      event.preventDefault()
      event.stopPropagation()
      hold()
    },
    onKeyUp: event => {
      if (isKey(event)) letGo()
    },
    onBlur: letGo,
    onContextMenu: event => event.preventDefault(),
  }
  // Whoever goes away does not talk on.
  useEffect(() => letGo, [])
  return <Button {...props} extra={extra} onPress={() => undefined} />
}

/** A button that acts with the second press within three seconds. */
export function Armed({ label, ...props }: Omit<ButtonProps, 'tone' | 'pressed'> & { label?: string }) {
  const armed = props.app.isArmed(props.name)
  return (
    <Button {...props} tone={armed ? 'bad' : 'plain'} onPress={event => props.app.arm(props.name, () => props.onPress(event))}>
      {armed ? `${label ?? ''} sure?`.trim() : label ? label : undefined}
    </Button>
  )
}

export interface Choice {
  label: string
  why?: Why
  onChoose: () => void
}

interface MenuProps {
  app: App
  name: string
  icon?: IconName
  children?: ComponentChildren
  tone?: 'plain' | 'go' | 'quiet'
  why?: Why
  tabIndex?: number
  choices: () => Choice[]
}

/** A button with a menu: arrows go through it, Escape closes it, whoever it belongs to has the focus back. */
export function Menu({ app, name, icon = 'down', children, tone = 'plain', why = null, tabIndex, choices }: MenuProps) {
  const [open, setOpen] = useState(false)
  const button = useRef<HTMLButtonElement | null>(null)
  const list = useRef<HTMLDivElement>(null)
  const id = useId()
  const close = () => {
    setOpen(false)
    button.current?.focus()
  }
  useLayoutEffect(() => {
    const box = list.current
    if (!open || !box || !button.current) return
    box.showPopover()
    const at = button.current.getBoundingClientRect()
    const size = box.getBoundingClientRect()
    const below = at.bottom + 4 + size.height <= innerHeight
    box.style.left = `${Math.max(8, Math.min(at.right - size.width, innerWidth - size.width - 8))}px`
    box.style.top = `${Math.max(8, below ? at.bottom + 4 : at.top - size.height - 4)}px`
    box.querySelector('button')?.focus()
    const toggled = (event: Event) => (event as ToggleEvent).newState === 'closed' && setOpen(false)
    box.addEventListener('toggle', toggled)
    return () => box.removeEventListener('toggle', toggled)
  }, [open])
  const step = (event: KeyboardEvent) => {
    const items = [...(list.current?.querySelectorAll('button') ?? [])]
    const at = items.indexOf(document.activeElement as HTMLButtonElement)
    const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key]
    if (event.key === 'Escape' || event.key === 'Tab') {
      event.preventDefault()
      event.stopPropagation()
      close()
    } else if (to !== undefined) {
      event.preventDefault()
      items[to % items.length]?.focus()
    }
  }
  const chosen = (choice: Choice) => {
    if (choice.why) return app.tell('note', choice.why)
    close()
    choice.onChoose()
  }
  return (
    <>
      <Button
        app={app}
        name={name}
        icon={icon}
        tone={tone}
        why={why}
        {...(tabIndex === undefined ? {} : { tabIndex })}
        extra={{ 'aria-haspopup': 'menu', 'aria-expanded': open, ref: button, ...(open ? { 'aria-controls': id } : {}) } as ButtonHTMLAttributes<HTMLButtonElement>}
        onPress={() => setOpen(!open)}
      >
        {children}
      </Button>
      {open ? (
        <div class="menu" role="menu" id={id} aria-label={name} popover="auto" ref={list} onKeyDown={step} onClick={event => event.stopPropagation()}>
          {choices().map(choice => (
            <button type="button" role="menuitem" aria-disabled={Boolean(choice.why)} title={choice.why ?? undefined} onClick={() => chosen(choice)}>
              <bdi>{choice.label}</bdi>
            </button>
          ))}
        </div>
      ) : null}
    </>
  )
}

/** A dialog over the page; Escape closes it. */
export function Dialog({ name, sheet, onClose, children }: { name: string; sheet?: boolean; onClose: () => void; children: ComponentChildren }) {
  const box = useRef<HTMLDialogElement>(null)
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null
    box.current?.showModal()
    return () => before?.focus()
  }, [])
  return (
    <dialog ref={box} class={sheet ? 'sheet' : ''} aria-label={name} onClose={onClose} onClick={event => event.target === box.current && onClose()}>
      <div class="inside">
        <header>
          <h2>
            <bdi>{name}</bdi>
          </h2>
          <button type="button" class="button quiet bare" aria-label="Close" onClick={onClose}>
            <Icon name="close" />
          </button>
        </header>
        {children}
      </div>
    </dialog>
  )
}

/** Arrows go from button to button, Tab goes past them. */
export function toolbarKeys(event: KeyboardEvent): void {
  const to = { ArrowRight: 1, ArrowLeft: -1 }[event.key]
  if (to === undefined) return
  const bar = event.currentTarget as HTMLElement
  const items = [...bar.querySelectorAll<HTMLElement>('button, a')]
  const at = items.indexOf(document.activeElement as HTMLElement)
  if (at < 0) return
  event.preventDefault()
  items.forEach(one => (one.tabIndex = -1))
  const next = items[(at + to + items.length) % items.length]!
  next.tabIndex = 0
  next.focus()
}

/** A row that goes while it has the focus leaves it to its list, not to the top of the page. */
export function useFocusOfList<E extends HTMLElement>() {
  const row = useRef<E>(null)
  useLayoutEffect(
    () => () => {
      if (row.current?.contains(document.activeElement)) row.current.closest('ul')?.focus()
    },
    [],
  )
  return row
}

export const at = (route: string, id: string): string => `#/${route}/${encodeURIComponent(id)}`
