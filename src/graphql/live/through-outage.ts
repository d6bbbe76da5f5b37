import type { ExecutionResult } from 'graphql'
import { type BackOff, backOff } from '../../back-off.ts'
import { isOutage } from '../../database/outage.ts'
import type { Context } from '../context.ts'

/** Milliseconds for which a subscription waits for a database that is away. */
const patience = 60_000
const pauses: BackOff = { first: 200, longest: 3_000 }

/** What waiting goes by: the clock, and the end of all who wait. */
export type WaitsForDatabase = Pick<Context, 'signal'> & { readonly deps: Pick<Context['deps'], 'clock'> }

/**
 * Reads, and while the database is away again, with pauses that grow, for about a minute at most. Every other error, and
 * the end of all who wait, ends it at once. For subscriptions, and for what a mutation has changed.
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
 * The same for an execution, or for the begin of a subscription, whose errors stand in its result: an outage that is too
 * long becomes an error, for a result with holes would be passed over. `first` has begun; `run` begins another.
 */
export async function executeThroughOutage<Result extends ExecutionResult | AsyncIterable<unknown>>(
  context: WaitsForDatabase,
  first: Promise<Result>,
  run: () => Result | Promise<Result>,
): Promise<Result> {
  const waitAfter = waitOut(context)
  for (let result = await first; ; result = await run()) {
    const errors = 'errors' in result ? result.errors : undefined
    const outage = errors?.map(({ originalError }) => originalError).find(isOutage)
    if (outage === undefined) return result
    if (!(await waitAfter(outage))) throw outage
  }
}

/**
 * Waits for one thing: answers after each error whether to try again. True comes after a pause, which is spread, so that
 * those who wait do not come back all at once.
 */
function waitOut({ deps, signal }: WaitsForDatabase): (error: unknown) => Promise<boolean> {
  let failures = 0
  let begin: number | undefined
  return async (error) => {
    if (!isOutage(error)) return false
    const now = deps.clock.now().getTime()
    begin ??= now
    if (now - begin >= patience) return false
    await deps.clock.sleep(backOff(pauses, failures++), signal)
    return !signal.aborted
  }
}
