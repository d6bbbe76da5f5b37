import type { Clock } from '../../src/clock.ts'

type Sleeper = { readonly until: number; wake(): void }

/** A clock that stands still until it is told to go on. */
export type TestClock = Clock & {
  /** Moves time on and wakes those whose sleep is over, the earliest first. */
  advance(ms: number): void
  /** Resolves when somebody sleeps on this clock. */
  asleep(): Promise<void>
}

export function createTestClock(start = new Date('2026-01-01T00:00:00Z')): TestClock {
  let now = start.getTime()
  const sleepers = new Set<Sleeper>()
  let watchers: (() => void)[] = []
  return {
    now: () => new Date(now),
    elapsed: () => now,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper)
          signal?.removeEventListener('abort', wake)
          resolve()
        }
        const sleeper = { until: now + ms, wake }
        if (ms <= 0 || signal?.aborted) {
          resolve()
          return
        }
        sleepers.add(sleeper)
        signal?.addEventListener('abort', wake, { once: true })
        for (const watcher of watchers) watcher()
        watchers = []
      }),
    giveWay: () =>
      new Promise((resolve) => {
        setImmediate(resolve)
      }),
    advance(ms) {
      now += ms
      const due = [...sleepers].filter((sleeper) => sleeper.until <= now).sort((a, b) => a.until - b.until)
      for (const sleeper of due) sleeper.wake()
    },
    asleep: () =>
      sleepers.size > 0
        ? Promise.resolve()
        : new Promise((resolve) => {
            watchers.push(resolve)
          }),
  }
}
