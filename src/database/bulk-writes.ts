import { LimitExceededError } from '../errors.ts'
import { type Pacing, takeTurns } from '../fair-queue.ts'
import type { Limits } from '../limits/limits.ts'
import type { Asker } from './bounded-read.ts'

/**
 * Gives a bulk write of a client a turn. LimitExceededError, without any change, when too many bulk writes of the
 * client wait, and when the client disconnects before its turn.
 */
export type BulkWrite = <T>(asker: Asker, work: () => Promise<T>) => Promise<T>

/** Milliseconds from which on a bulk write is heavy: most create a hundred devices, which takes less. */
const heavyFrom = 200

/**
 * Turns for the bulk writes of clients, which use one connection for writes each. All of them together use at most half
 * of these connections, and one caller at most a quarter, so that the scheduler always has the others. Heavy ones of a
 * caller are paced.
 */
export function createBulkWrite(
  {
    databaseConnections,
    queriesWaiting,
    heavyWork,
  }: Pick<Limits, 'databaseConnections' | 'queriesWaiting' | 'heavyWork'>,
  clock: Pacing['clock'],
): BulkWrite {
  const most = Math.max(Math.floor(databaseConnections / 2), 1)
  const turn = takeTurns(
    { most, each: Math.max(Math.floor(most / 2), 1), waiting: queriesWaiting },
    { clock, heavy: { fromMs: heavyFrom, msPerSecond: heavyWork } },
  )
  return async ({ caller, signal }, work) => {
    const done = await turn(caller, async () => ({ result: await work() }), signal)
    if (done !== undefined) return done.result
    throw new LimitExceededError('Too many of your bulk writes are waiting. Send fewer of them at a time.', 1)
  }
}
