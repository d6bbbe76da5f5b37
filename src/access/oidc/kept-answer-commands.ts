import type { Clock } from '../../clock.ts'

/** What an issuer publishes, as far as it has answered. */
export type KeptAnswer<Value> = {
  /** The present one; undefined when there was never any. */
  current(): Promise<Value | undefined>
  /** The one after a look for a new one, which happens at most every 30 seconds. */
  renewed(): Promise<Value | undefined>
  /** Seconds since it was last confirmed; undefined without one. */
  age(): number | undefined
  close(): void
}

/** Milliseconds after which an answer that is in use is fetched again. */
export const refreshInterval = 600_000
/** Milliseconds between two looks for a new answer. */
export const lookPause = 30_000
/** Milliseconds after a failure in which no further attempt is made while there is no answer. */
export const failurePause = 3_000

/**
 * Keeps what `read` resolves with for as long as the issuer is unreachable, and fetches it again in the background
 * while it is in use. `read` gets the present value, to return it when nothing has changed.
 */
export function keepAnswer<Value>(
  { clock }: { readonly clock: Clock },
  {
    read,
    onError,
  }: {
    readonly read: (closed: AbortSignal, before: Value | undefined) => Promise<Value>
    readonly onError: (error: unknown) => void
  },
): KeptAnswer<Value> {
  let known: { readonly value: Value } | undefined
  let confirmedAt = 0
  let triedAt: number | undefined
  let flight: Promise<void> | undefined
  const closed = new AbortController()

  const refresh = (): Promise<void> => {
    triedAt = clock.elapsed()
    flight ??= read(closed.signal, known?.value)
      .then((value) => {
        known = { value }
        confirmedAt = clock.elapsed()
      })
      .catch((error: unknown) => {
        if (!closed.signal.aborted) onError(error)
      })
      .finally(() => {
        flight = undefined
      })
    return flight
  }
  const isPast = (pause: number): boolean => triedAt === undefined || clock.elapsed() - triedAt >= pause
  return {
    async current() {
      if (known === undefined) {
        if (flight !== undefined || isPast(failurePause)) await refresh()
      } else if (clock.elapsed() - confirmedAt >= refreshInterval && isPast(lookPause)) void refresh()
      return known?.value
    },
    async renewed() {
      if (flight !== undefined || isPast(lookPause)) await refresh()
      return known?.value
    },
    age: () => (known === undefined ? undefined : (clock.elapsed() - confirmedAt) / 1_000),
    close: () => closed.abort(),
  }
}
