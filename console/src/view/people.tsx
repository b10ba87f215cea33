// Who waits, who is invited, who is in the room.

import { useState } from 'preact/hooks'
import type { App } from '../app'
import type { Applicant, HostState } from '../model/clean'
import * as may from '../model/may'
import type * as wire from '../model/wire'
import { actor } from '../model/words'
import type { Device } from '../model/world'
import { at, Button, Menu, useFocusOfList, type Choice } from './common'
import { DRAGGED } from './tile'

interface PeopleProps {
  app: App
  room: wire.Room
  device: Device
  state: HostState
  now: number
}

export function People(props: PeopleProps) {
  const { state } = props
  return (
    <aside class="people" aria-label="People">
      <h2>
        Waiting <b class={state.applicants_total ? 'count hot' : 'count'}>{state.applicants_total}</b>
        {state.applicants.length ? <span class="keys">A accept · R reject</span> : null}
      </h2>
      <ul aria-label="Waiting" tabIndex={-1}>
        {state.applicants.map(one => (
          <Waiting key={one.user.user_id} {...props} one={one} />
        ))}
        {state.applicants.length ? null : <Empty words="Nobody asks for a seat." />}
        <More shown={state.applicants.length} total={state.applicants_total} />
      </ul>
      <h2>
        Invited <b class="count">{state.invitees_total}</b>
      </h2>
      <ul aria-label="Invited" tabIndex={-1}>
        {state.invitees.map(one => (
          <Invited key={one.user.user_id} {...props} one={one} />
        ))}
        {state.invitees.length ? null : <Empty words="No invitation is open." />}
        <More shown={state.invitees.length} total={state.invitees_total} />
      </ul>
      <Candidates {...props} />
      <Watchers state={state} />
    </aside>
  )
}

/** Who sees seats through the host, and who talks. */
function Watchers({ state }: { state: HostState }) {
  const names = new Map<string, boolean>()
  for (const one of state.watching) names.set(one.operator ?? 'somebody', one.talking || names.get(one.operator ?? 'somebody') === true)
  if (names.size === 0) return null
  return (
    <p class="muted watching">
      Watching:{' '}
      {[...names].map(([name, talks], at) => (
        <>
          {at ? ', ' : ''}
          <bdi>{name}</bdi>
          {talks ? ' (talks)' : ''}
        </>
      ))}
    </p>
  )
}

const Empty = ({ words }: { words: string }) => <li class="empty">{words}</li>
const More = ({ shown, total }: { shown: number; total: number }) => (total > shown && shown > 0 ? <li class="empty">and {total - shown} more</li> : null)

const seatWords = (index: number) => (index === -1 ? 'any seat' : `seat ${index}`)

function Who({ user }: { user: wire.User }) {
  return (
    <span class="who">
      <bdi class="name">{user.user_name}</bdi>
      {user.user_name === user.user_id ? null : <span class="id">{user.user_id}</span>}
    </span>
  )
}

function Countdown({ deadline, now }: { deadline: number | null | undefined; now: number }) {
  if (deadline === null) return <span class="left muted">no end</span>
  if (deadline === undefined) return <span class="left muted">…</span>
  const left = Math.max(0, Math.ceil((deadline - now) / 1000))
  return <span class={`left ${left <= 10 ? 'soon' : ''}`}>{left} s</span>
}

const dragging = (user_id: string) => ({
  draggable: true,
  onDragStart: (event: DragEvent) => event.dataTransfer?.setData(DRAGGED, user_id),
})

function Waiting({ app, room, device, state, now, one }: PeopleProps & { one: Applicant }) {
  const { user_id, user_name } = one.user
  const acts = may.mayAct(room, device.status)
  const row = useFocusOfList<HTMLLIElement>()
  const extra = one.extra_info ?? device.extras.get(user_id)
  const name = `Accept ${user_name}`
  const choices = (): Choice[] =>
    room.seats
      .filter(seat => seat.index !== one.seat_index)
      .map(seat => ({
        label: `Seat ${seat.index}${seat.user ? ` · ${seat.user.user_name}` : seat.locked ? ' · locked' : ' · free'}`,
        why: may.mayAccept(room, state, user_id, seat.index),
        onChoose: () => void app.answer(room, one, 'accept', seat.index),
      }))
  return (
    <li class="person" ref={row} {...dragging(user_id)}>
      <Who user={one.user} />
      <Countdown deadline={device.applications.get(user_id)} now={now} />
      <span class="wish">
        {one.media === 'audio' ? 'sound only' : 'video'}, {seatWords(one.seat_index)}
      </span>
      {extra ? <q class="extra"><bdi>{extra}</bdi></q> : null}
      <span class="buttons">
        <span class="split">
          <Button app={app} name={name} tone="go" why={acts ?? may.mayAccept(room, state, user_id, -1)} onPress={() => void app.answer(room, one, 'accept', -1)}>
            Accept
          </Button>
          <Menu app={app} name={`Choose a seat for ${user_name}`} tone="go" why={acts} choices={choices} />
        </span>
        <Button app={app} name={`Reject ${user_name}`} why={acts ?? may.mayReject(state, user_id)} onPress={() => void app.answer(room, one, 'reject', -1)}>
          Reject
        </Button>
      </span>
    </li>
  )
}

function Invited({ app, room, device, state, now, one }: PeopleProps & { one: HostState['invitees'][number] }) {
  const { user_id, user_name } = one.user
  const name = `Cancel invitation of ${user_name}`
  const row = useFocusOfList<HTMLLIElement>()
  const by = one.by ? actor(one.by).name : ''
  return (
    <li class="person" ref={row}>
      <Who user={one.user} />
      <Countdown deadline={device.invitations.get(user_id)} now={now} />
      <span class="wish">
        → {seatWords(one.seat_index)}
        {one.media === 'audio' ? ', sound only' : ''}
        {by ? <>, by <bdi>{by}</bdi></> : null}
      </span>
      <span class="buttons">
        <Button app={app} name={name} why={may.mayAct(room, device.status) ?? may.mayCancel(state, user_id)} onPress={() => void app.act(name, () => app.host(room, 'cancel_invitation', { invitee_id: user_id }))}>
          Cancel
        </Button>
      </span>
    </li>
  )
}

const MOST_SHOWN = 100

function Candidates({ app, room, device, state }: PeopleProps) {
  const [find, setFind] = useState('')
  const wanted = find.trim().toLowerCase()
  const found = state.candidates.filter(one => !wanted || one.user_name.toLowerCase().includes(wanted) || one.user_id.toLowerCase().includes(wanted))
  return (
    <>
      <h2>
        In the room <b class="count">{state.candidates_total}</b>
        <input id="find" class="find" type="search" aria-label="Find" placeholder="find…" autocomplete="off" spellcheck={false} value={find} onInput={event => setFind(event.currentTarget.value)} />
      </h2>
      <ul aria-label="In the room" tabIndex={-1}>
        {found.slice(0, MOST_SHOWN).map(one => (
          <Candidate key={one.user_id} app={app} room={room} device={device} state={state} one={one} />
        ))}
        {found.length ? null : <Empty words={wanted ? 'Nobody of that name.' : 'Nobody who is not seated.'} />}
        {wanted && state.candidates_total > state.candidates.length ? <Empty words={`The host names ${state.candidates.length} of ${state.candidates_total}.`} /> : null}
        {wanted ? null : <More shown={found.length} total={state.candidates_total} />}
      </ul>
    </>
  )
}

function Candidate({ app, room, device, state, one }: Omit<PeopleProps, 'now'> & { one: wire.User }) {
  const { user_id, user_name } = one
  const row = useFocusOfList<HTMLLIElement>()
  const acts = may.mayAct(room, device.status)
  const name = `Invite ${user_name}`
  const invite = (seat_index: number, media: 'video' | 'audio') => void app.act(name, () => app.host(room, 'invite_to_seat', { invitee_id: user_id, seat_index, media }))
  const choices = (): Choice[] => [
    { label: 'Any seat, sound only', why: may.mayInvite(room, state, user_id, -1), onChoose: () => invite(-1, 'audio') },
    ...room.seats.map(seat => ({
      label: `Seat ${seat.index}${seat.user ? ` · ${seat.user.user_name}` : seat.locked ? ' · locked' : ' · free'}`,
      why: may.mayInvite(room, state, user_id, seat.index),
      onChoose: () => invite(seat.index, 'video'),
    })),
  ]
  const closed = room.banned?.find(ban => ban.user_id === user_id)?.devices ?? []
  const waits = state.applicants.some(applicant => applicant.user.user_id === user_id)
  return (
    <li class="person slim" ref={row} {...dragging(user_id)}>
      <a class="who" href={at('device', user_id)} draggable={false}>
        <bdi class="name">{user_name}</bdi>
        {user_name === user_id ? null : <span class="id">{user_id}</span>}
      </a>
      <span class="buttons">
        {closed.map(what => (
          <Button key={what} app={app} name={`Open ${what} of ${user_name}`} icon={what} struck why={acts} onPress={() => void app.act(`Open ${what} of ${user_name}`, () => app.host(room, `open_remote_${what}`, { user_id }))} />
        ))}
        {waits ? (
          <span class="muted">asks</span>
        ) : (
          <span class="split">
            <Button app={app} name={name} why={acts ?? may.mayInvite(room, state, user_id, -1)} onPress={() => invite(-1, 'video')}>
              Invite
            </Button>
            <Menu app={app} name={`Choose how to invite ${user_name}`} why={acts} choices={choices} />
          </span>
        )}
      </span>
    </li>
  )
}
