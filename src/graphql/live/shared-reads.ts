import type { Clock } from '../../clock.ts'
import type { Listen } from '../../events/events.ts'
import type { Context } from '../context.ts'
import { type Message, type Recipient, writeNewer } from './broadcast.ts'
import { type DeliveryPace, deliveryPaceOf } from './delivery-pace.ts'
import { readThroughOutage, type WaitsForDatabase } from './through-outage.ts'

type InGroup = Pick<Context, 'group'>

/** A subscription that is notified of changes and of the results of shared reads. */
export type Follower<Found, Event = object> = Recipient & {
  /**
   * The message of the result for all followers that are ready. Undefined: each is to be given the result by `found`.
   * Only called while this one is ready. Never rejects.
   */
  messageOf(what: Found): Promise<Message | undefined>
  /** Whether it would take a result now. */
  waits(): boolean
  /** The object has changed and was not read, because no follower waits. */
  changed(key: string, event: Event): void
  found(key: string, event: Event, what: Found): void
  failed(error: unknown): void
}

/** How to listen for changes and read them. */
export type Changes<Event, Found> = {
  readonly listen: Listen<Event>
  readonly keyOf: (event: Event) => string
  readonly find: (key: string) => Promise<Found>
  /** Whether the changes are states of one object, of which later ones replace earlier ones (`delivery-pace.ts`). */
  readonly isPaced?: boolean
}

/** Reads that equal subscriptions share; see `sharedReads`. Reads of changes survive a short outage of the database. */
export type SharedReads<Found> = {
  /** A read that begins after this call. Calls until then share it. */
  first(context: InGroup, read: () => Promise<Found>): Promise<Found>
  /** The state after the event, read once, at the first call. Without an event, each call reads. */
  after(context: InGroup & WaitsForDatabase, event: object | undefined, read: () => Promise<Found>): Promise<Found>
  /**
   * Notifies the follower of each change after one read for all followers. Changes during a read count as one. The
   * result leaves.
   */
  follow<Event extends object>(
    context: InGroup & WaitsForDatabase,
    changes: Changes<Event, Found>,
    follower: Follower<Found>,
  ): () => void
}

/** The shared reads of one group of equal subscriptions. */
type Readings<Found> = {
  readonly byEvent: WeakMap<object, Promise<Found>>
  /** The last of them, which nearly every call asks for. */
  last: { readonly event: object; readonly reading: Promise<Found> } | undefined
  /** The first read in progress. */
  running: Promise<unknown>
  /** The first read after it, which has not begun. */
  next: Promise<Found> | undefined
  /** Adds a follower. Exists from the first follower to the last. */
  join: ((follower: Follower<Found>) => () => void) | undefined
}

/**
 * One statement per event for all equal subscriptions with the same rights, instead of one per subscription. All of
 * them get the same object, by which shared-subscribe.ts shares their executions too, so it must not be changed. A
 * result is kept as long as its event, which subscriptions hold until they have read it.
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
      readings.running = next.catch(() => {}) // its callers receive the error
      return next
    },
    after(context, event, read) {
      const readWithin = () => readThroughOutage(context, read)
      return event === undefined ? readWithin() : readAfter(readingsOf(context), event, readWithin)
    },
    follow(context, { listen, keyOf, find, isPaced = false }, follower) {
      const readings = readingsOf(context)
      readings.join ??= gather({
        listen,
        keyOf,
        clock: context.deps.clock,
        pace: isPaced ? deliveryPaceOf(context.deps.clock) : undefined,
        read: (key, event) => readAfter(readings, event, () => readThroughOutage(context, () => find(key))),
        close() {
          readings.join = undefined
        },
      })
      return readings.join(follower)
    },
  }
}

/** Listens once for all followers. `close` is called when the last one has left. */
function gather<Event extends object, Found>({
  listen,
  keyOf,
  clock,
  pace,
  read,
  close,
}: Pick<Changes<Event, Found>, 'listen' | 'keyOf'> & {
  readonly clock: Clock
  readonly pace: DeliveryPace | undefined
  readonly read: (key: string, event: Event) => Promise<Found>
  readonly close: () => void
}): (follower: Follower<Found>) => () => void {
  const followers = new Set<Follower<Found>>()
  const changed = new Map<string, Event>()
  let reading = false
  let resting = false
  /** When the last read began. */
  let begun = Number.NEGATIVE_INFINITY

  const readNext = (): void => {
    for (const [key, event] of changed) {
      changed.delete(key)
      if (!someWait(followers)) {
        for (const follower of followers) follower.changed(key, event)
        continue
      }
      reading = true
      if (pace !== undefined) begun = clock.elapsed()
      const notifyAll = (notify: (follower: Follower<Found>) => void): void => {
        reading = false
        const start = pace && clock.elapsed()
        for (const follower of followers) notify(follower)
        if (start !== undefined) pace?.count(clock.elapsed() - start)
        readWhenDue()
      }
      const announce = async (what: Found): Promise<void> => {
        const message = await messageFor(followers, what)
        notifyAll((follower) => {
          if (message === undefined || !writeNewer(follower, message)) follower.found(key, event, what)
        })
      }
      read(key, event).then(announce, (error) => notifyAll((follower) => follower.failed(error)))
      return
    }
  }
  const readWhenDue = (): void => {
    if (reading || resting || changed.size === 0) return
    const rest = pace === undefined ? 0 : begun + pace.pause() - clock.elapsed()
    if (rest <= 0) {
      readNext()
      return
    }
    resting = true
    void clock.sleep(rest).then(() => {
      resting = false
      readNext()
    })
  }
  const stop = listen((event) => {
    changed.set(keyOf(event), event)
    readWhenDue()
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

/** The message of the result, made by the first follower that is ready. Undefined if none is. */
async function messageFor<Found>(followers: Iterable<Follower<Found>>, what: Found): Promise<Message | undefined> {
  for (const follower of followers) if (follower.wire !== undefined && follower.waits()) return follower.messageOf(what)
  return undefined
}

/** Whether any follower waits. A loop, which stops at the first of thousands. */
function someWait(followers: Iterable<Follower<never>>): boolean {
  for (const follower of followers) if (follower.waits()) return true
  return false
}
