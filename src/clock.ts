import { performance } from 'node:perf_hooks'

/** Time as a dependency: no other code reads the wall clock or sets a timer. */
export type Clock = {
  now(): Date
  /** Milliseconds since some moment. Unlike `now` it never goes back, and cannot be set. */
  elapsed(): number
  /** Milliseconds for which the event loop has worked since some moment. For the rest of the time it has waited. */
  worked(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Resolves in a later turn of the event loop, so that other work has its turn during long work. */
  giveWay(): Promise<void>
}

/** How long work gives way to other work between its turns of the event loop. */
export type Turns = Pick<Clock, 'giveWay'>

/** Resolves in a later turn of the event loop. */
const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve)
  })

/** The system clock, for production. */
export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
  worked: () => performance.eventLoopUtilization().active,
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted) {
        resolve()
        return
      }
      const wake = (): void => {
        clearTimeout(timer)
        signal?.removeEventListener('abort', wake)
        resolve()
      }
      // setTimeout fires at once past 2^31 - 1 ms: a longer sleep wakes early, which a loop tolerates.
      const timer = setTimeout(wake, Math.min(ms, 2 ** 31 - 1))
      signal?.addEventListener('abort', wake, { once: true })
    }),
  giveWay: nextTurn,
}

/** A clock for tests: what waits for a later time need not be waited for. */
export type MovableClock = Clock & {
  /** Moves time on by `ms` milliseconds and ends the sleeps that are over then, the earliest first. */
  advance(ms: number): void
  /** Resolves when somebody sleeps on this clock, until a time that is between `from` and `to` milliseconds ahead. */
  asleep(from?: number, to?: number): Promise<void>
}

type Sleeper = { readonly until: number; wake(): void }
type Watcher = { readonly isMeant: (ms: number) => boolean; tell(): void }

/**
 * Creates a clock that runs like the system's and can be moved forward; with `standsAt`, one that stands at that time
 * until it is moved.
 */
export function createMovableClock({ standsAt }: { readonly standsAt?: Date } = {}): MovableClock {
  const begin = systemClock.elapsed()
  const start = (standsAt ?? systemClock.now()).getTime()
  let moved = 0
  const elapsed = (): number => start + moved + (standsAt === undefined ? systemClock.elapsed() - begin : 0)
  const sleepers = new Set<Sleeper>()
  let watchers: Watcher[] = []
  return {
    now: () => new Date(elapsed()),
    elapsed,
    worked: systemClock.worked,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (ms <= 0 || signal?.aborted) {
          resolve(standsAt === undefined ? nextTurn() : undefined)
          return
        }
        const over = new AbortController()
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          over.abort()
          resolve()
        }
        const sleeper = { until: elapsed() + ms, wake }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake, { once: true })
        if (standsAt === undefined) void systemClock.sleep(ms, over.signal).then(wake)
        const seen = watchers.filter(({ isMeant }) => isMeant(ms))
        watchers = watchers.filter((watcher) => !seen.includes(watcher))
        for (const { tell } of seen) tell()
      }),
    giveWay: nextTurn,
    advance(ms) {
      moved += ms
      const due = [...sleepers].filter((sleeper) => sleeper.until <= elapsed()).sort((a, b) => a.until - b.until)
      for (const sleeper of due) sleeper.wake()
    },
    asleep(from = 0, to = Number.POSITIVE_INFINITY) {
      const isMeant = (ms: number): boolean => ms >= from && ms <= to
      return [...sleepers].some(({ until }) => isMeant(until - elapsed()))
        ? Promise.resolve()
        : new Promise((resolve) => {
            watchers.push({ isMeant, tell: resolve })
          })
    },
  }
}
