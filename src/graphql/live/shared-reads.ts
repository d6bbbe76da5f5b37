import type { Listen } from '../../events/events.ts'
import type { Context } from '../context.ts'
import { readThroughOutage, type WaitsForDatabase } from './through-outage.ts'

type InGroup = Pick<Context, 'group'>

/** Who is told what was found when something changed. */
export type Follower<Found> = {
  /** Whether it would take what is found now, and not later. */
  waits(): boolean
  /** It changed, and was not read: nobody waits. */
  changed(key: string, event: object): void
  found(key: string, event: object, what: Found): void
  failed(error: unknown): void
}

/** How changes are heard of and read. */
export type Changes<Event, Found> = {
  readonly listen: Listen<Event>
  readonly keyOf: (event: Event) => string
  readonly find: (key: string) => Promise<Found>
}

/** Reads that equal subscriptions do together; see `sharedReads`. Those of changes outlast a short outage of the database. */
export type SharedReads<Found> = {
  /** A read that begins after this call, with those who ask meanwhile. */
  first(context: InGroup, read: () => Promise<Found>): Promise<Found>
  /** What there is after the event: read once, for whoever asks first. Without an event everybody reads. */
  after(context: InGroup & WaitsForDatabase, event: object | undefined, read: () => Promise<Found>): Promise<Found>
  /** Tells the follower of each change, once it was read for all; those during a read are one. Answers how to leave. */
  follow<Event extends object>(
    context: InGroup & WaitsForDatabase,
    changes: Changes<Event, Found>,
    follower: Follower<Found>,
  ): () => void
}

/** What equal subscriptions have in common. */
type Readings<Found> = {
  readonly byEvent: WeakMap<object, Promise<Found>>
  /** The last of them, which is nearly always the one that is asked for. */
  last: { readonly event: object; readonly reading: Promise<Found> } | undefined
  /** The first read that is under way. */
  running: Promise<unknown>
  /** The one after it, which has not begun. */
  next: Promise<Found> | undefined
  /** Takes a follower in. Made with the first, gone with the last of them. */
  join: ((follower: Follower<Found>) => () => void) | undefined
}

/**
 * One statement an event for all subscriptions that ask the same thing with the same rights, instead of one each. They
 * get the same object, by which their executions are shared too (shared-subscribe.ts), so it must not be changed. Kept
 * as long as the event: by those subscriptions that have not read it yet.
 */
export function sharedReads<Found>(): SharedReads<Found> {
  const groups = new WeakMap<object, Readings<Found>>()
  const readingsOf = ({ group }: InGroup): Readings<Found> => {
    const readings = groups.get(group) ?? {
      byEvent: new WeakMap(),
      last: undefined,
      running: Promise.resolve(),
      next: undefined,
      join: undefined,
    }
    groups.set(group, readings)
    return readings
  }
  const readAfter = (readings: Readings<Found>, event: object, read: () => Promise<Found>): Promise<Found> => {
    if (readings.last?.event === event) return readings.last.reading
    const reading = readings.byEvent.get(event) ?? read()
    readings.byEvent.set(event, reading)
    readings.last = { event, reading }
    return reading
  }
  return {
    first(context, read) {
      const readings = readingsOf(context)
      if (readings.next !== undefined) return readings.next
      const next = readings.running.then(() => {
        readings.next = undefined
        return read()
      })
      readings.next = next
      readings.running = next.catch(() => {}) // whoever waits for it hears of its error
      return next
    },
    after(context, event, read) {
      const readWithin = () => readThroughOutage(context, read)
      return event === undefined ? readWithin() : readAfter(readingsOf(context), event, readWithin)
    },
    follow(context, { listen, keyOf, find }, follower) {
      const readings = readingsOf(context)
      readings.join ??= gather({
        listen,
        keyOf,
        read: (key, event) => readAfter(readings, event, () => readThroughOutage(context, () => find(key))),
        close() {
          readings.join = undefined
        },
      })
      return readings.join(follower)
    },
  }
}

/** Listens once for all who join. `close` is called when the last has left. */
function gather<Event extends object, Found>({
  listen,
  keyOf,
  read,
  close,
}: Omit<Changes<Event, Found>, 'find'> & {
  readonly read: (key: string, event: Event) => Promise<Found>
  readonly close: () => void
}): (follower: Follower<Found>) => () => void {
  const followers = new Set<Follower<Found>>()
  const changed = new Map<string, Event>()
  let reading = false

  const readNext = (): void => {
    for (const [key, event] of changed) {
      changed.delete(key)
      if (!someWait(followers)) {
        for (const follower of followers) follower.changed(key, event)
        continue
      }
      reading = true
      const tell = (one: (follower: Follower<Found>) => void): void => {
        reading = false
        for (const follower of followers) one(follower)
        if (!reading) readNext()
      }
      read(key, event).then(
        (what) => tell((follower) => follower.found(key, event, what)),
        (error) => tell((follower) => follower.failed(error)),
      )
      return
    }
  }
  const stop = listen((event) => {
    changed.set(keyOf(event), event)
    if (!reading) readNext()
  })
  return (follower) => {
    followers.add(follower)
    return () => {
      if (!followers.delete(follower) || followers.size > 0) return
      stop()
      close()
    }
  }
}

/** A loop, which the first of thousands can end. */
function someWait(followers: Iterable<Follower<never>>): boolean {
  for (const follower of followers) if (follower.waits()) return true
  return false
}
