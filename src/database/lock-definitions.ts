import { sqltag as sql } from '@prisma/client/runtime/client'
import type { Tx } from './reader.ts'

/**
 * Until the transaction ends, no other one saves or deletes device groups or job templates, or creates job schedules. They name
 * each other, and are changed by people, so one lock for all of them costs nothing and lets checks hold until the commit. A
 * schedule is paused, resumed and deleted without it: that changes nothing that others name.
 */
export async function lockDefinitions(tx: Tx): Promise<void> {
  await tx.query(sql`select pg_advisory_xact_lock(hashtext('twincast definitions'))`)
}
