import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import type net from 'node:net'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import { systemClock as clock } from '../clock.ts'
import type { Log } from '../log/log.ts'
import { openSocket } from './socket.ts'

/** A migration failed, or was changed after it had been applied. The database is as it was before that migration. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

type Migration = { readonly name: string; readonly sql: string; readonly checksum: string }

// Any number that only Twincast uses: one program at a time migrates a database.
const advisoryLock = 7_468_113

/** Milliseconds to connect, and to close gracefully. A migration has no time limit: a signal ends the wait for it. */
const connectTime = 10_000
const farewellTime = 2_000

async function readMigrations(): Promise<Migration[]> {
  // The same path from src/ and from dist/, which are both next to prisma/.
  const folder = new URL('../../prisma/migrations/', import.meta.url)
  const names = (await readdir(folder, { withFileTypes: true })).filter((entry) => entry.isDirectory())
  return Promise.all(
    names
      .map((entry) => entry.name)
      .sort()
      .map(async (name) => {
        const sql = await readFile(fileURLToPath(new URL(`${name}/migration.sql`, folder)), 'utf8')
        return { name, sql, checksum: createHash('sha256').update(sql).digest('hex') }
      }),
  )
}

/**
 * Applies the missing migrations of prisma/migrations, each in its own transaction, and records them in Prisma's own
 * table (its columns and checksums), so that `prisma migrate deploy` and `status` agree. Prisma's own command needs an
 * engine that has to be downloaded; this needs nothing.
 */
export async function migrate(url: string, log: Log, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  const sockets = new Set<net.Socket>()
  const breakOff = (): void => {
    for (const socket of sockets) socket.destroy()
  }
  const client = new pg.Client({
    connectionString: url,
    application_name: 'twincast migrate',
    connectionTimeoutMillis: connectTime,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    stream: () => openSocket(sockets),
  })
  client.on('error', () => {}) // the statement under way reports it
  signal?.addEventListener('abort', breakOff, { once: true })
  try {
    await client.connect()
    await client.query('select pg_advisory_lock($1)', [advisoryLock])
    await client.query(`
      create table if not exists _prisma_migrations (
        id varchar(36) primary key,
        checksum varchar(64) not null,
        finished_at timestamptz,
        migration_name varchar(255) not null,
        logs text,
        rolled_back_at timestamptz,
        started_at timestamptz not null default now(),
        applied_steps_count integer not null default 0
      )`)
    const { rows } = await client.query<{ migration_name: string; checksum: string }>(
      'select migration_name, checksum from _prisma_migrations where finished_at is not null and rolled_back_at is null',
    )
    const applied = new Map(rows.map((row) => [row.migration_name, row.checksum]))
    const migrations = await readMigrations()
    refuseOthers(migrations, applied)
    for (const migration of migrations) {
      if (!applied.has(migration.name)) await apply(client, migration, log)
    }
  } finally {
    signal?.removeEventListener('abort', breakOff)
    // Releases the advisory lock. A connection that does not answer cannot close gracefully.
    const ended = new AbortController()
    await Promise.race([client.end().catch(() => {}), clock.sleep(farewellTime, ended.signal)])
    ended.abort()
    breakOff()
  }
}

/**
 * Throws, before anything has changed, when this release does not know the state of the database: its reads and writes
 * would be wrong, or fail later.
 */
function refuseOthers(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): void {
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]))
  const unknown = [...applied.keys()].filter((name) => !known.has(name))
  if (unknown.length > 0) {
    throw new MigrationError(
      `A newer release of Twincast used this database: it has ${unknown.length === 1 ? 'the migration' : 'the migrations'} ` +
        `${unknown.join(', ')}, unknown to this release. Start the newer release, or restore a backup of the ` +
        'database from before the upgrade.',
    )
  }
  for (const [name, checksum] of applied) {
    if (known.get(name) === checksum) continue
    throw new MigrationError(
      `Migration ${name} differs from the one that was applied to this database by another build of ` +
        'Twincast. Start the build that applied it.',
    )
  }
}

async function apply(client: pg.Client, migration: Migration, log: Log): Promise<void> {
  await client.query('begin')
  try {
    await client.query(migration.sql)
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       values ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name],
    )
    await client.query('commit')
    log.info({ migration: migration.name }, 'migration applied')
  } catch (error) {
    await client.query('rollback')
    throw new MigrationError(`Migration ${migration.name} failed: ${error instanceof Error ? error.message : error}`)
  }
}
