import { type BackOff, backOff } from './back-off.ts'
import type { Clock } from './clock.ts'

/** Collects items and writes them together. */
export type Batch<T> = {
  /** Adds an item; cheap. After `close` it is dropped. */
  add(item: T): void
  /** Writes the items that were added before this call, without waiting for more. Resolves when they are written. */
  flush(): Promise<void>
  /**
   * Accepts no more items and writes the remaining ones. A failing write is now repeated at most once, so that this
   * ends.
   */
  close(): Promise<void>
}

type BatchOptions<T> = {
  readonly clock: Clock
  /** Maximum number of items in one write. As soon as that many wait, they are written. */
  readonly size: number
  /**
   * Number of writes at a time; 1 when omitted. With more, a later write may be finished before an earlier one.
   */
  readonly writes?: number
  /** Milliseconds that an item waits for more items. */
  readonly wait: number
  /** Writes the items, in the order in which they were added. Called again with the same items when it rejects. */
  readonly flush: (items: readonly T[]) => Promise<void>
  /** Called for every failed attempt. Must not throw. */
  readonly onError: (error: unknown, items: readonly T[]) => void
}

// The waiting items are few compared with the work of a database in that time, and others wait for them.
const pauses: BackOff = { first: 100, longest: 3_000 }

/**
 * Group commit: while as many writes run as may, the next items gather. The number of waiting items is not
 * bounded here: the code that adds them must be bounded itself, by a window or a number of connections.
 */
export function createBatch<T>({ clock, size, writes = 1, wait, flush, onError }: BatchOptions<T>): Batch<T> {
  const closing = new AbortController()
  const waiting: T[] = []
  const running = new Set<Promise<void>>()
  let added = 0
  let begun = 0
  let working = false
  let turn: Promise<void> = Promise.resolve()
  /** Aborted when the waiting items should wait no longer. */
  let hurry = new AbortController()

  const write = async (items: readonly T[]): Promise<void> => {
    for (let failures = 0; ; failures++) {
      const lastTry = closing.signal.aborted
      try {
        await flush(items)
        return
      } catch (error) {
        onError(error, items)
        if (lastTry) return
        await clock.sleep(backOff(pauses, failures), closing.signal)
      }
    }
  }
  const takeTurn = async (): Promise<void> => {
    if (waiting.length < size) await clock.sleep(wait, hurry.signal)
    while (running.size >= writes) await Promise.race(running)
    if (hurry.signal.aborted) hurry = new AbortController()
    const items = waiting.splice(0, size)
    begun += items.length
    const written = write(items).finally(() => running.delete(written))
    running.add(written)
  }
  const work = async (): Promise<void> => {
    working = true
    while (waiting.length > 0) {
      turn = takeTurn()
      await turn
    }
    working = false
  }
  const flushAll = async (): Promise<void> => {
    const goal = added
    while (begun < goal) {
      hurry.abort()
      await turn
    }
    await Promise.all(running)
  }

  return {
    add(item) {
      if (closing.signal.aborted) return
      added++
      waiting.push(item)
      if (!working) void work()
      else if (waiting.length === size) hurry.abort()
    },
    flush: flushAll,
    close() {
      closing.abort()
      return flushAll()
    },
  }
}
