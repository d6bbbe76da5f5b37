import { expect } from 'vitest'
import type { Tx } from '../../src/database/reader.ts'
import type { TestDeps } from './deps.ts'

/** Begins the waiter inside the transaction of the holder. It waits for a lock when the holder commits. */
export async function whileHeld<T>(
  { db, database }: TestDeps,
  holder: (tx: Tx) => Promise<unknown>,
  waiter: () => Promise<T>,
): Promise<T> {
  let waiting: Promise<T> | undefined
  await db.transaction(async (tx) => {
    await holder(tx)
    waiting = waiter()
    const isWaiting = async (): Promise<boolean> => {
      const { rowCount } = await database.pool.query(
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
      )
      return rowCount === 1
    }
    await expect.poll(isWaiting).toBe(true)
  })
  if (waiting === undefined) throw new Error('The holder did not run.')
  return waiting
}
