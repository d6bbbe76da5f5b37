import { type BackOff, backOff } from './back-off.ts'
import type { Clock } from './clock.ts'

/** Collects items and writes them together. */
export type Batch<T> = {
  /** Takes one more; cheap. After `close` it is dropped. */
  add(item: T): void
  /** Writes what was added before this call without waiting for company. Resolves when it is written. */
  flush(): Promise<void>
  /** Takes no more and writes what is left. What fails now is tried once more at most, so that this ends. */
  close(): Promise<void>
}

type BatchOptions<T> = {
  readonly clock: Clock
  /** The most items in one write. As many waiting are not kept waiting longer. */
  readonly size: number
  /** Milliseconds in which an item waits for company. */
  readonly wait: number
  /** Writes the items, in the order in which they were added. Called again with the same ones when it rejects. */
  readonly flush: (items: readonly T[]) => Promise<void>
  /** Hears of every try that failed. Must not throw. */
  readonly onError: (error: unknown, items: readonly T[]) => void
}

// What waits is small beside what a database does in between, and others wait for it.
const pauses: BackOff = { first: 100, longest: 3_000 }

/**
 * Group commit: one write at a time, and while it runs the next items gather. What is waiting is not bounded here: who
 * adds must be bounded by something of its own, a window or a number of connections.
 */
export function createBatch<T>({ clock, size, wait, flush, onError }: BatchOptions<T>): Batch<T> {
  const closing = new AbortController()
  const waiting: T[] = []
  let added = 0
  let finished = 0
  let working = false
  let turn: Promise<void> = Promise.resolve()
  /** Aborted when the items that wait should wait no longer. */
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
    if (hurry.signal.aborted) hurry = new AbortController()
    const items = waiting.splice(0, size)
    await write(items)
    finished += items.length
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
    while (finished < goal) {
      hurry.abort()
      await turn
    }
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
