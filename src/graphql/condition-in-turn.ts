import { tooManyWaiting } from '../database/bounded-read.ts'
import { compileDeviceCondition } from '../query/device-condition.ts'
import type { DeviceCondition } from '../sql-fragment.ts'
import type { Context } from './context.ts'

/** Characters of a condition from which on compiling it can take a millisecond. */
export const longConditionLength = 256

/**
 * Compiles a condition that a client wrote. A long one waits for the caller's turn, because one request can have many of
 * them. QueryConditionError; LimitExceededError when too many works of the caller wait.
 */
export async function compileInTurn(
  { deps, caller, signal }: Pick<Context, 'caller' | 'signal'> & { readonly deps: Pick<Context['deps'], 'longTurns'> },
  text: string,
): Promise<DeviceCondition> {
  if (text.length < longConditionLength) return compileDeviceCondition(text)
  const condition = await deps.longTurns.take(caller, () => compileDeviceCondition(text), signal)
  // Nobody waits for the answer any more.
  if (condition === undefined) throw tooManyWaiting()
  return condition
}
