import { createHash, randomUUID } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import type pg from 'pg'
import type { Log } from '../log/log.ts'
import { packageFolder } from '../program/folders.ts'
import { withConnection } from './connection.ts'

/** A migration failed, or was changed after it had been applied. The database is as it was before that migration. */
export class MigrationError extends Error {
  override readonly name = 'MigrationError'
}

type Migration = { readonly name: string; readonly sql: string; readonly checksum: string }

// Any number that only Twincast uses: one program at a time migrates a database.
const advisoryLock = 7_468_113

const recordTable = `
  create table if not exists _prisma_migrations (
    id varchar(36) primary key,
    checksum varchar(64) not null,
    finished_at timestamptz,
    migration_name varchar(255) not null,
    logs text,
    rolled_back_at timestamptz,
    started_at timestamptz not null default now(),
    applied_steps_count integer not null default 0
  )`

async function readMigrations(): Promise<Migration[]> {
  const folder = new URL('prisma/migrations/', packageFolder)
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
export function migrate(url: string, log: Log, signal?: AbortSignal): Promise<void> {
  return withConnection(url, { name: 'twincast migrate', signal }, async (client) => {
    await lockMigrations(client)
    await client.query(recordTable)
    const applied = await readApplied(client)
    const migrations = await readMigrations()
    refuseOthers(migrations, applied)
    for (const migration of migrations) {
      if (applied.has(migration.name)) continue
      await client.query('begin')
      try {
        await apply(client, migration)
        await client.query('commit')
      } catch (error) {
        await client.query('rollback')
        throw error
      }
      log.info({ migration: migration.name }, 'migration applied')
    }
  })
}

/** The migrations that a database has, with their checksums, by name; none when no hub has used it. */
export async function readApplied(client: pg.ClientBase): Promise<ReadonlyMap<string, string>> {
  const { rows: tables } = await client.query("select from pg_class where oid = to_regclass('_prisma_migrations')")
  if (tables.length === 0) return new Map()
  const { rows } = await client.query<{ migration_name: string; checksum: string }>(
    `select migration_name, checksum from _prisma_migrations
     where finished_at is not null and rolled_back_at is null order by migration_name`,
  )
  return new Map(rows.map((row) => [row.migration_name, row.checksum]))
}

/** A MigrationError when this release does not know one of these migrations, or knows another one of its name. */
export async function refuseUnknownMigrations(applied: ReadonlyMap<string, string>): Promise<void> {
  refuseOthers(await readMigrations(), applied)
}

/**
 * Applies migrations to an empty database in the transaction of the caller: first those in `applied`, then `fill`, then
 * the others of this release.
 * @throws MigrationError
 */
export async function migrateAndFill(
  client: pg.ClientBase,
  applied: ReadonlyMap<string, string>,
  fill: () => Promise<void>,
): Promise<void> {
  await client.query(recordTable)
  const migrations = await readMigrations()
  refuseOthers(migrations, applied)
  for (const migration of migrations) if (applied.has(migration.name)) await apply(client, migration)
  await fill()
  for (const migration of migrations) if (!applied.has(migration.name)) await apply(client, migration)
}

/** One program at a time migrates a database: the lock is held as long as the connection. */
export async function lockMigrations(client: pg.ClientBase): Promise<void> {
  await client.query('select pg_advisory_lock($1)', [advisoryLock])
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

async function apply(client: pg.ClientBase, migration: Migration): Promise<void> {
  try {
    await client.query(migration.sql)
    await client.query(
      `insert into _prisma_migrations (id, checksum, migration_name, started_at, finished_at, applied_steps_count)
       values ($1, $2, $3, now(), clock_timestamp(), 1)`,
      [randomUUID(), migration.checksum, migration.name],
    )
  } catch (error) {
    throw new MigrationError(`Migration ${migration.name} failed: ${error instanceof Error ? error.message : error}`)
  }
}
