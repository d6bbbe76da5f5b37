import type { Context } from './context.ts'
import { whenExpired } from './expiry.ts'

/** Which things have changed since they were taken, each of them once, however many events there were meanwhile. */
type Changes = {
  /** Waits for one; undefined when there will be none any more. */
  next(): Promise<string | undefined>
  close(): void
}

/** Listens from this call on: the iterable is asked for its first event now, and for each next one at once. */
function listen<Event>(events: AsyncIterable<Event>, keyOf: (event: Event) => string): Changes {
  const changed = new Set<string>()
  let closed = false
  let wake = (): void => {}
  const iterator = events[Symbol.asyncIterator]()
  const close = (): void => {
    closed = true
    changed.clear()
    void iterator.return?.()
    wake()
  }
  const collect = async (): Promise<void> => {
    for (let event = await iterator.next(); event.done !== true; event = await iterator.next()) {
      if (closed) return
      changed.add(keyOf(event.value))
      wake()
    }
  }
  collect().finally(close)
  return {
    async next() {
      for (;;) {
        const [key] = changed
        if (key !== undefined) {
          changed.delete(key)
          return key
        }
        if (closed) return undefined
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    close,
  }
}

/** What a subscription shows: rows, read again whenever an event says so. */
export type Live<Event, Row> = {
  readonly events: AsyncIterable<Event>
  /** What an event is about; events about the same thing count as one until it is read. */
  readonly keyOf: (event: Event) => string
  /** Read after listening has begun, so that no change falls in between. An error here refuses the subscription. */
  readonly first?: () => Promise<Row>
  /** Undefined: nothing to show. Null: it is gone, and the subscription with it. */
  readonly read: (key: string) => Promise<Row | null | undefined>
  /** Whether nothing can come after this row. */
  readonly isLast?: (row: Row) => boolean
}

/** The part of a context that a subscription needs. */
export type LiveContext = Pick<Context, 'viewer' | 'streams'> & { readonly deps: Pick<Context['deps'], 'clock'> }

/**
 * The rows of a subscription. A row is read when the client has taken the one before, so a slow client gets fewer rows,
 * and always the last. Ends with `isLast`, with the client, with the viewer's credential and with the door.
 *
 * Not an async generator: one that waits for an event cannot be ended from outside before the event has come.
 */
export async function live<Event, Row>(
  context: LiveContext,
  { events, keyOf, first, read, isLast }: Live<Event, Row>,
): Promise<AsyncIterableIterator<Row>> {
  const { deps, viewer, streams } = context
  const changes = listen(events, keyOf)
  const ended = new AbortController()
  const end = (): void => {
    changes.close()
    ended.abort()
    streams.delete(end)
  }
  streams.add(end)
  void whenExpired(deps.clock, viewer, ended.signal, end)

  const nextRow = async (): Promise<Row | undefined> => {
    for (;;) {
      const key = await changes.next()
      if (key === undefined) return undefined
      const row = await read(key)
      if (row === null) return undefined
      if (row !== undefined) return row
    }
  }
  const orEnd = async <T>(step: Promise<T>): Promise<T> => {
    try {
      return await step
    } catch (error) {
      end()
      throw error
    }
  }
  let waiting = first && (await orEnd(first()))
  const rows: AsyncIterableIterator<Row> = {
    [Symbol.asyncIterator]: () => rows,
    async next() {
      const row = waiting ?? (ended.signal.aborted ? undefined : await orEnd(nextRow()))
      waiting = undefined
      if (row === undefined || isLast?.(row) === true) end()
      return row === undefined ? { done: true, value: undefined } : { done: false, value: row }
    },
    async return() {
      waiting = undefined
      end()
      return { done: true, value: undefined }
    },
  }
  return rows
}
