import { GraphQLError } from 'graphql'
import type { Listen } from '../../events/events.ts'
import type { Context } from '../context.ts'
import { entered, type Outlet } from '../transport/outlet.ts'
import { whenExpired } from './expiry.ts'
import type { SharedReads } from './shared-reads.ts'
import { createSource, type Sink, type Source } from './source.ts'

// How a change of a job reaches its subscribers, and the three waits on the way:
//
//   device's answer
//     ▼  scheduler/settle-device-jobs      WAIT 1: 5 ms or 1,000 answers, then one transaction
//     ▼  events/events.jobChanged          WAIT 2: at once, then at most every 100 ms per job
//     ▼                                    (as ids to other instances: gathered for 80 ms, by NOTIFY)
//     ▼  live/shared-reads                 one read for all equal subscriptions
//     ▼  live/live                         WAIT 3: the client's own pace, and room in its outlet
//     ▼  live/source                       one row at a time, without promises
//     ▼  live/shared-subscribe             one execution for all that were handed the same row
//     ▼  transport/socket-results          printed once
//     ▼  transport/outlet                  what waits to leave decides whether more is read
//   subscriber
//
// ARCHITECTURE.md describes each part.

/** What a subscription shows: rows, read again whenever an event says so. */
export type Live<Event, Row> = {
  /** What an event is about; events about the same thing count as one, the last of them, until it is read. */
  readonly keyOf: (event: Event) => string
  /**
   * The rows to begin with, read after listening has begun, so that no change falls in between. Null: it is over already.
   * An error here refuses the subscription.
   */
  readonly first?: () => Promise<readonly Row[] | null>
  /**
   * What is to be shown of it now: mostly one row, or none. Null: it is gone, and the subscription with it. `event` is the
   * last one about this key, for `sharedReads`; undefined where `again` asked. An error here ends the subscription, so
   * what is read of the database is read by `sharedReads` or `readThroughOutage`.
   */
  readonly read: (key: string, event: Event | undefined) => Promise<readonly Row[] | null>
  /** The key to be read next, when the client has taken this row: for rows that are a part of what there is. */
  readonly again?: (row: Row) => string | undefined
  /** Whether nothing can come after this row. */
  readonly isLast?: (row: Row) => boolean
}

/** The same where equal subscriptions read together: `find` finds what there is, `show` decides what of it is news. */
export type SharedLive<Event, Row, Found> = Omit<Live<Event, Row>, 'read' | 'again'> & {
  readonly reads: SharedReads<Found>
  readonly find: (key: string) => Promise<Found>
  readonly show: (found: Found) => readonly Row[] | null
}

/** The part of a context that a subscription needs. */
export type LiveContext = Pick<Context, 'viewer' | 'streams'> & {
  readonly deps: Pick<Context['deps'], 'clock'>
  readonly outlet?: Outlet | undefined
}

/**
 * The rows of a subscription to the events of `listen`, which is `deps.events.listen(…)`. A row is read when the client
 * has taken the one before, and when there is room on its connection, so a slow client gets fewer rows, and always the
 * last; what waits for it is a key for each thing that changed. Ends with `isLast` and with the client; with the viewer's credential and with the door it is cut
 * off, which is an error, because an end means that there is nothing more to come.
 */
export function live<Event, Row>(
  context: LiveContext,
  listen: Listen<Event>,
  { keyOf, read, ...others }: Live<Event, Row>,
): Promise<Source<Row>> {
  return open<Event, Row, readonly Row[] | null>(context, {
    ...others,
    attach: ({ changed }) => listen((event) => changed(keyOf(event), event)),
    read,
    show: (rows) => rows,
  })
}

/**
 * `live` for many who ask the same thing with the same rights. One of them listens and reads for all, who are then told
 * one after the other; whoever is slow reads later, by the event.
 */
export function liveShared<Event extends object, Row, Found>(
  context: LiveContext & Pick<Context, 'group' | 'signal'>,
  listen: Listen<Event>,
  { keyOf, reads, find, ...others }: SharedLive<Event, Row, Found>,
): Promise<Source<Row>> {
  return open<object, Row, Found>(context, {
    ...others,
    attach: (follower) => reads.follow(context, { listen, keyOf, find }, follower),
    read: (key, event) => reads.after(context, event, () => find(key)),
  })
}

type Opening<Event, Row, Found> = Omit<Live<Event, Row>, 'keyOf' | 'read'> & {
  /** Begins to listen, and answers how to stop. */
  readonly attach: (follower: {
    waits(): boolean
    changed(key: string, event: Event): void
    found(key: string, event: Event, what: Found): void
    failed(error: unknown): void
  }) => () => void
  readonly read: (key: string, event: Event | undefined) => Promise<Found>
  readonly show: (found: Found) => readonly Row[] | null
}

const cutOffOptions = { extensions: { code: 'CUT_OFF' } }

async function open<Event, Row, Found>(
  context: LiveContext,
  { attach, first, read, show, again, isLast }: Opening<Event, Row, Found>,
): Promise<Source<Row>> {
  const { deps, viewer, streams, outlet } = context
  /** What has changed since it was read, with the last event about it, in the order in which it first did. */
  const changed = new Map<string, Event | undefined>()
  /** What was read, and how much of it was taken. */
  let found: readonly Row[] = []
  let taken = 0
  /** Who waits for a row. */
  let sink: Sink<Row> | undefined
  let reading = false
  let giving = false
  let over = false
  /** Why it ended before its end, until that was told. */
  let fault: { readonly error: unknown } | undefined
  const ended = new AbortController()

  /** Whether it has room on the connection: from before it reads until all that it read is on its way. */
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
  const stop = attach({
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
  })
  const end = (): void => {
    if (over) return
    over = true
    ended.abort()
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
  const cutOffError = () => new GraphQLError('The hub has cut this subscription off.', cutOffOptions)
  const cutOff = (): void => onFailed(cutOffError())
  streams.add(cutOff)
  void whenExpired(deps.clock, viewer, ended.signal, cutOff)

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
      takeIn(show(what))
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
  /** Serves whoever waits, as far as that is possible now. A loop: who gets a row may ask for the next at once. */
  const give = (): void => {
    if (giving) return
    giving = true
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
        // Others may have waited longer for the room that it has no use for now.
        leave()
        if (changed.size > 0 && hasEntered()) readNext()
        break
      }
    }
    giving = false
  }
  if (first !== undefined) {
    try {
      if (outlet !== undefined && !(await entered(outlet, ended.signal))) throw cutOffError()
      isIn = true
      takeIn(await first())
    } catch (error) {
      end()
      throw error
    }
  }
  return createSource<Row>((taker) => {
    sink = taker
    give()
  }, end)
}
