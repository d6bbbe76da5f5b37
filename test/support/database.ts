import { randomBytes } from 'node:crypto'
import pg from 'pg'
import { pino } from 'pino'
import { inject } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createDb, type Db } from '../../src/database/client.ts'
import { serversOf } from '../../src/database/servers.ts'
import { defaultLimits, type Limits, limitTable } from '../../src/limits/limits.ts'
import { administer, databaseUrl } from './database-server.ts'

/** A database of a test file's own. */
export type TestDatabase = {
  readonly url: string
  /** For looking into it past the program. */
  readonly pool: pg.Pool
  drop(): Promise<void>
}

/** A clone of the migrated template, which has no rows. */
export const createTestDatabase = (): Promise<TestDatabase> => create(inject('database').template)

/** A database without tables. */
export const createBareDatabase = (): Promise<TestDatabase> => create('template0')

async function create(template: string): Promise<TestDatabase> {
  const { url: server } = inject('database')
  const name = `twincast_test_${randomBytes(6).toString('hex')}`
  // Its files are copied. Otherwise each page of the template would be written to the log and read again, which takes three
  // times the processor time.
  await administer(server, `create database ${name} template ${template} strategy file_copy`)
  const url = databaseUrl(server, name)
  const pool = new pg.Pool({ connectionString: url, max: 4 })
  // Dropping the database ends connections that a test left open; that is no news. The pool listens to idle ones only.
  pool.on('error', () => {})
  pool.on('connect', (client) => client.on('error', () => {}))
  return {
    url,
    pool,
    async drop() {
      await pool.end()
      await administer(server, `drop database ${name} with (force)`)
    },
  }
}

/** The default limits, but reads are not paced when the machine is busy and they take long. */
export const testLimits: Limits = {
  ...defaultLimits,
  heavyWork: limitTable.heavyWork.max,
  longTurns: limitTable.longTurns.max,
}

/** The program's connections to a database, which say nothing of what befalls them. */
export const openTestDb = (url: string, limits: Partial<Limits> = {}, clock: Clock = systemClock): Db =>
  createDb(serversOf(url), { limits: { ...testLimits, ...limits }, log: pino({ level: 'silent' }), clock })
