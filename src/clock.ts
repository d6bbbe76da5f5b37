/** Time as a dependency: no other code reads the wall clock or sets a timer. */
export type Clock = {
  now(): Date
  /** Milliseconds since some moment. Unlike `now` it never goes back, and cannot be set. */
  elapsed(): number
  /** Resolves after `ms`, or at once when `signal` aborts. Never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Resolves in a later turn of the event loop, so that other work has its turn during long work. */
  giveWay(): Promise<void>
}

/** The system clock, for production. */
export const systemClock: Clock = {
  now: () => new Date(),
  elapsed: () => performance.now(),
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
  giveWay: () =>
    new Promise((resolve) => {
      setImmediate(resolve)
    }),
}
