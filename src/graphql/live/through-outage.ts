import type { ExecutionResult } from 'graphql'
import { type BackOff, backOff } from '../../back-off.ts'
import { isTemporary } from '../../database/outage.ts'
import type { Context } from '../context.ts'

/** Milliseconds for which a subscription waits for an unavailable database. */
const patience = 60_000
const pauses: BackOff = { first: 200, longest: 3_000 }

/** The clock, and a signal that ends the wait. */
export type WaitsForDatabase = Pick<Context, 'signal'> & { readonly deps: Pick<Context['deps'], 'clock'> }

/**
 * Reads, and retries while the database is unavailable or busy, with growing pauses, for about a minute at most. Any
 * other error, and the signal, end it at once. For subscriptions, and for reads of what a mutation has changed.
 */
export async function readThroughOutage<T>(context: WaitsForDatabase, read: () => Promise<T>): Promise<T> {
  const waitAfter = waitOut(context)
  for (;;) {
    try {
      return await read()
    } catch (error) {
      if (!(await waitAfter(error))) throw error
    }
  }
}

/**
 * The same for an execution, or for the start of a subscription, whose errors are in its result. An outage that is too
 * long becomes an error, because clients could overlook a result with gaps. `first` has begun; `run` begins another.
 */
export async function executeThroughOutage<Result extends ExecutionResult | AsyncIterable<unknown>>(
  context: WaitsForDatabase,
  first: Promise<Result>,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  const waitAfter = waitOut(context)
  for (let result = await first; ; result = await run()) {
    const errors = 'errors' in result ? result.errors : undefined
    const outage = errors?.map(({ originalError }) => originalError).find(isTemporary)
    if (outage === undefined) return result
    if (!(await waitAfter(outage))) throw outage
  }
}

/**
 * Waits out one outage: resolves after each error to whether to try again. True comes after a pause with jitter, so
 * that waiting reads do not all retry at once.
 */
function waitOut({ deps, signal }: WaitsForDatabase): (error: unknown) => Promise<boolean> {
  let failures = 0
  let begin: number | undefined
  return async (error) => {
    if (!isTemporary(error)) return false
    const now = deps.clock.now().getTime()
    begin ??= now
    if (now - begin >= patience) return false
    await deps.clock.sleep(backOff(pauses, failures++), signal)
    return !signal.aborted
  }
}
