import { pino } from 'pino'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createDb } from '../../src/database/client.ts'
import type { Deps } from '../../src/deps.ts'
import { createEvents } from '../../src/events.ts'
import { createSessions } from '../../src/sessions.ts'
import { createTestDatabase, type TestDatabase } from './database.ts'

/** Real dependencies on a database of their own. */
export type TestDeps = Deps & { readonly database: TestDatabase; close(): Promise<void> }

export async function createTestDeps(clock: Clock = systemClock): Promise<TestDeps> {
  const database = await createTestDatabase()
  const db = createDb(database.url, (error) => {
    throw error
  })
  return {
    db,
    events: createEvents(clock),
    sessions: createSessions(),
    clock,
    log: pino({ level: 'silent' }),
    database,
    async close() {
      await db.close()
      await database.drop()
    },
  }
}
