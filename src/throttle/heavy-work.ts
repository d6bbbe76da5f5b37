/**
 * What is heavy, and how much of it a caller may do: pieces of work from `fromMs` on, for `msPerSecond` milliseconds
 * per second, and what was not used of it in the last `memory` milliseconds (default: one second) at once. No rest is
 * longer than `longestRest` milliseconds (default: two seconds): long work must not block a caller for minutes.
 */
export type HeavyBudget = {
  readonly fromMs: number
  readonly msPerSecond: number
  readonly memory?: number
  readonly longestRest?: number
}

/** The recent heavy work of callers. Times are milliseconds since some moment, which never go back. */
export type HeavyWork = {
  /** Counts a piece of work that took `ms`, at its end. */
  count(caller: string | null, ms: number, now: number): void
  /** Whether the caller has used half of what it may do at once: then its work runs one at a time. */
  isBusy(caller: string | null, now: number): boolean
  /** Milliseconds for which the caller's next work has to wait. */
  restOf(caller: string | null, now: number): number
}

/** Only callers with recent heavy work are known, so they are few. */
export function createHeavyWork({ fromMs, msPerSecond, memory = 1_000, longestRest = 2_000 }: HeavyBudget): HeavyWork {
  /** When the work of each is paid for, at the rate of the budget. */
  const paidTimes = new Map<string | null, number>()
  const paidTime = (caller: string | null, now: number): number =>
    Math.max(paidTimes.get(caller) ?? Number.NEGATIVE_INFINITY, now - memory)
  return {
    count(caller, ms, now) {
      if (ms < fromMs) return
      for (const [other, time] of paidTimes) if (time <= now - memory) paidTimes.delete(other)
      paidTimes.set(caller, Math.min(paidTime(caller, now) + (ms * 1000) / msPerSecond, now + longestRest))
    },
    isBusy: (caller, now) => paidTime(caller, now) > now - memory / 2,
    restOf: (caller, now) => Math.max(paidTime(caller, now) - now, 0),
  }
}
