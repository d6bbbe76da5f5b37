import { GraphQLError } from 'graphql'
import type { Listen } from '../../events/events.ts'
import type { Context } from '../context.ts'
import { entered, type Outlet } from '../transport/outlet.ts'
import type { Recipient } from './broadcast.ts'
import { whenExpired } from './credential-expiry.ts'
import type { Follower, SharedReads } from './shared-reads.ts'
import { createSource, type Sink, type Source } from './source.ts'

// How a change of a job reaches its subscribers, and the three waits on the way:
//
//   device's answer
//     ▼  scheduler/settle-device-jobs      WAIT 1: 5 ms or 1,000 answers, then one transaction
//     ▼  events/events.jobChanged          WAIT 2: at once, then at most every 100 ms per job
//     ▼                                    (as ids to other instances: gathered for 80 ms, by NOTIFY)
//     ▼  live/shared-reads                 one read for all equal subscriptions
//     ├─►  live/broadcast                  to all that are ready: executed and printed once, written in one loop
//     ▼                                    to each of the others:
//     ▼  live/paced-rows                   WAIT 3: the client's own pace, and room in its outlet
//     ▼  live/source                       one row at a time, without promises
//     ▼  live/shared-subscribe             one execution for all that were handed the same row
//     ▼  transport/socket-results          printed once
//     ▼  transport/outlet                  what waits to leave decides whether more is read
//   subscriber
//
// ARCHITECTURE.md describes each part.

/** The source of a subscription: rows, which are read again after each event. */
export type PacedRows<Event, Row> = {
  /**
   * The key of the object that an event is about. Until the object is read, events with the same key count as one, the
   * last.
   */
  readonly keyOf: (event: Event) => string
  /**
   * The first rows, read after the subscription has begun to listen, so that it misses no change. Null: the
   * subscription has already ended. An error here refuses the subscription.
   */
  readonly first?: () => Promise<readonly Row[] | null>
  /**
   * The current rows of a key, usually one or zero. Null: the object no longer exists, so the subscription ends.
   * `event` is the last event with this key, for `sharedReads`, or undefined after `again`. An error here ends the
   * subscription, so reads of the database go through `sharedReads` or `readThroughOutage`.
   */
  readonly read: (key: string, event: Event | undefined) => Promise<readonly Row[] | null>
  /** The key to read next, when the client has taken this row and there is more than the rows that were read. */
  readonly again?: (row: Row) => string | undefined
  /** Whether this is the last row. */
  readonly isLast?: (row: Row) => boolean
}

/**
 * `PacedRows` for equal subscriptions that share their reads: `find` reads the current state, `show` selects what is
 * new to one of them.
 */
export type SharedPacedRows<Event, Row, Found> = Omit<PacedRows<Event, Row>, 'read' | 'again'> & {
  readonly reads: SharedReads<Found>
  readonly find: (key: string) => Promise<Found>
  readonly show: (found: Found) => readonly Row[] | null
}

/**
 * The states of one object, with versions, for equal subscriptions that share their reads. Each is shown the states that
 * are newer than the last one it was shown.
 */
export type NewerStates<State> = {
  readonly reads: SharedReads<State | null>
  /** The current state. Null: the object no longer exists, so the subscription ends. */
  readonly find: () => Promise<State | null>
  readonly versionOf: (state: State) => number
  /** The version that the client has. */
  readonly after: number
  /** The first state, unless an error refuses the subscription. Subscriptions have begun to listen before it is read. */
  readonly accept: (state: State | null) => State
  /** Whether no state will follow this one. */
  readonly isLast: (state: State) => boolean
}

/** The part of a context that a subscription needs. */
export type LiveContext = Pick<Context, 'viewer' | 'streams'> & {
  readonly deps: Pick<Context['deps'], 'clock'>
  readonly outlet?: Outlet | undefined
}

/**
 * The rows of a subscription to the events of `listen`, which is `deps.events.listen(…)`. A row is read when the client
 * has taken the previous one and its connection has room. A slow client therefore gets fewer rows, but always the last;
 * only the keys of changed objects wait for it. The subscription completes after `isLast`, and ends with the client.
 * When the credential of the viewer expires or the server closes, the subscription ends with an error, because
 * completion means that there is nothing more to send.
 */
export function pacedRows<Event, Row>(
  context: LiveContext,
  listen: Listen<Event>,
  { keyOf, read, ...others }: PacedRows<Event, Row>,
): Promise<Source<Row>> {
  return open<Event, Row, readonly Row[] | null>(context, {
    ...others,
    attach: ({ changed }) => listen((event) => changed(keyOf(event), event)),
    read,
    show: (rows) => rows,
  })
}

/**
 * `pacedRows` for equal subscriptions with the same rights. One listener reads for all of them and passes the result to
 * each in turn. A slow subscription reads later, by the event.
 */
export function sharedPacedRows<Event extends object, Row, Found>(
  context: LiveContext & Pick<Context, 'group' | 'signal'>,
  listen: Listen<Event>,
  { keyOf, reads, find, ...others }: SharedPacedRows<Event, Row, Found>,
): Promise<Source<Row>> {
  return open<object, Row, Found>(context, {
    ...others,
    attach: (follower) => reads.follow(context, { listen, keyOf, find }, follower),
    read: (key, event) => reads.after(context, event, () => find(key)),
  })
}

/**
 * `sharedPacedRows` of one object whose states have versions. `broadcast.ts` writes a state to all subscriptions that are
 * ready.
 */
export function newerStates<Event extends object, State>(
  context: LiveContext & Pick<Context, 'group' | 'signal'>,
  listen: Listen<Event>,
  { reads, find, versionOf, after, accept, isLast }: NewerStates<State>,
): Promise<Source<State>> {
  const show = (state: State | null, to: Recipient): readonly State[] | null => {
    if (state === null) return null
    const version = versionOf(state)
    if (version <= to.shown) return []
    to.shown = version
    return [state]
  }
  return open<object, State, State | null>(context, {
    shown: after,
    attach: (follower) => reads.follow(context, { listen, keyOf: () => '', find, isPaced: true }, follower),
    first: async (to) => {
      const state = accept(await reads.first(context, find))
      const rows = show(state, to)
      return rows?.length === 0 && isLast(state) ? null : rows
    },
    read: (_key, event) => reads.after(context, event, find),
    show,
    isLast,
    // The last state ends the subscription, so it is not written by the loop.
    rowForAll: (state) => (state === null || isLast(state) ? undefined : { row: state, version: versionOf(state) }),
  })
}

type Opening<Event, Row, Found> = Pick<PacedRows<Event, Row>, 'again' | 'isLast'> & {
  /** The version that the client has, if rows have versions. */
  readonly shown?: number
  /** Begins to listen. The result stops it. */
  readonly attach: (follower: Follower<Found, Event>) => () => void
  readonly first?: ((to: Recipient) => Promise<readonly Row[] | null>) | undefined
  readonly read: (key: string, event: Event | undefined) => Promise<Found>
  readonly show: (found: Found, to: Recipient) => readonly Row[] | null
  /** The row that `broadcast.ts` may write to all that are ready, as its version says whether it is new to them. */
  readonly rowForAll?: (found: Found) => { readonly row: Row; readonly version: number } | undefined
}

const cutOffOptions = { extensions: { code: 'CUT_OFF' } }

async function open<Event, Row, Found>(
  context: LiveContext,
  { shown = 0, attach, first, read, show, rowForAll, again, isLast }: Opening<Event, Row, Found>,
): Promise<Source<Row>> {
  const { deps, viewer, streams, outlet } = context
  /** Keys that have changed since they were read, each with its last event, in the order of their first change. */
  const changed = new Map<string, Event | undefined>()
  /** The rows of the last read, and how many of them the client has taken. */
  let found: readonly Row[] = []
  let taken = 0
  /** The taker that waits for a row. */
  let sink: Sink<Row> | undefined
  let reading = false
  let giving = false
  let over = false
  /** The error that ended the subscription, until it is passed on. */
  let fault: { readonly error: unknown } | undefined
  /** Aborts when the subscription ends. */
  let ended: AbortController | undefined = new AbortController()

  /** Whether the subscription holds a place at the outlet: from before a read until all its rows are on their way. */
  let isIn = false
  const start = (): void => {
    isIn = true
    give()
  }
  const hasEntered = (): boolean => {
    if (!isIn) isIn = outlet === undefined || outlet.enter(start)
    return isIn
  }
  const leave = (): void => {
    const wasIn = isIn
    isIn = false
    if (wasIn) outlet?.leave()
  }

  const waits = (): boolean => sink !== undefined && !reading && (isIn || (outlet?.hasRoom() ?? true))
  const follower: Follower<Found, Event> = {
    shown,
    wire: undefined,
    async messageOf(what) {
      const shortcut = sink?.shortcut
      const known = rowForAll?.(what)
      if (shortcut === undefined || known === undefined || known.version <= follower.shown) return undefined
      if (!hasEntered()) return undefined
      try {
        return { version: known.version, payload: await shortcut.messageOf(known.row) }
      } catch {
        return undefined // each subscription receives the error with the row
      } finally {
        leave()
      }
    },
    waits,
    changed(key, event) {
      changed.set(key, event)
      give()
    },
    found(key, event, what) {
      if (sink !== undefined && !reading && hasEntered()) onFound(what)
      else {
        changed.set(key, event)
        give()
      }
    },
    failed: (error) => onFailed(error),
  }
  const stop = attach(follower)
  const end = (): void => {
    if (over) return
    over = true
    ended?.abort()
    stop()
    changed.clear()
    found = []
    streams.delete(cutOff)
    outlet?.withdraw(start)
    leave()
    give()
  }
  const onFailed = (error: unknown): void => {
    reading = false
    if (!over) fault = { error }
    end()
  }
  const cutOffError = () =>
    new GraphQLError(
      'The hub cut this subscription off: the token has expired, or the hub is shutting down.',
      cutOffOptions,
    )
  const cutOff = (): void => onFailed(cutOffError())
  streams.add(cutOff)
  // Over a WebSocket, it ends with the socket. If it ended a moment earlier, the client would take that as its completion
  // and would not subscribe again.
  if (outlet === undefined) void whenExpired(deps.clock, viewer, ended.signal, cutOff)

  const takeIn = (rows: readonly Row[] | null): void => {
    if (rows === null) end()
    else if (!over) {
      found = rows
      taken = 0
    }
  }
  const onFound = (what: Found): void => {
    reading = false
    try {
      takeIn(show(what, follower))
    } catch (error) {
      onFailed(error)
    }
    give()
  }
  const readNext = (): void => {
    for (const [key, event] of changed) {
      changed.delete(key)
      reading = true
      read(key, event).then(onFound, onFailed)
      return
    }
  }
  /**
   * Serves the waiting taker, as far as possible now. A loop, because a taker that gets a row may ask for the next at
   * once.
   */
  const give = (): void => {
    if (giving) return
    giving = true
    follower.wire = undefined
    while (sink !== undefined) {
      const row = found[taken]
      const taker = sink
      if (row !== undefined) {
        taken++
        const key = again?.(row)
        if (key !== undefined && !changed.has(key)) changed.set(key, undefined)
        sink = undefined
        if (isLast?.(row) === true) end()
        taker.next(row)
      } else if (over) {
        sink = undefined
        const failure = fault
        fault = undefined
        if (failure === undefined) taker.done()
        else taker.fail(failure.error)
      } else {
        if (reading) break
        // Release the place, because others may be waiting for it.
        leave()
        // Ready: everything was sent, and nothing is under way.
        if (changed.size === 0) follower.wire = rowForAll && taker.shortcut?.wire
        else if (hasEntered()) readNext()
        break
      }
    }
    giving = false
  }
  if (first !== undefined) {
    try {
      if (outlet !== undefined && !(await entered(outlet, ended.signal))) throw cutOffError()
      isIn = true
      takeIn(await first(follower))
    } catch (error) {
      end()
      throw error
    }
  }
  // With an outlet, nothing waits for it from now on. Thousands of subscriptions would keep it.
  if (outlet !== undefined) ended = undefined
  return createSource<Row>((taker) => {
    sink = taker
    give()
  }, end)
}
