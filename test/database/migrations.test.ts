import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { MigrationError, migrate } from '../../src/database/migrate.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase

beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const silent = pino({ level: 'silent' })

/** `table.column` → type and nullability, as schema.prisma declares it. */
function declared(): Map<string, string> {
  const schema = readFileSync(resolve(import.meta.dirname, '../../prisma/schema.prisma'), 'utf8')
  const columns = new Map<string, string>()
  for (const [, body = ''] of schema.matchAll(/^model \w+ \{\n([\s\S]*?)^\}/gm)) {
    const table = /@@map\("(\w+)"\)/.exec(body)?.[1] ?? ''
    for (const line of body.split('\n')) {
      const [, name = '', type = '', mark = '', rest = ''] = /^ {2}(\w+)\s+(\w+)(\?|\[\])?(.*)$/.exec(line) ?? []
      if (name === '' || type in { Twin: 1, Device: 1 }) continue
      // Prisma has no lists that may be null.
      const isNullable = mark === '?' || rest.includes('/// Null in the database')
      const column = /@map\("(\w+)"\)/.exec(rest)?.[1] ?? name
      columns.set(
        `${table}.${column}`,
        `${columnType(type, rest)}${mark === '[]' ? '[]' : ''}${isNullable ? ' null' : ''}`,
      )
    }
  }
  return columns
}

function columnType(type: string, attributes: string): string {
  const native = /@db\.(\w+)(?:\((\d+)\))?/.exec(attributes)
  // Microseconds are what there is when nothing is said.
  if (native?.[1] === 'Timestamptz') return `timestamp${native[2] === '6' ? '' : `(${native[2]})`} with time zone`
  if (native?.[1] === 'Json') return 'json'
  if (native?.[1] === 'Uuid') return 'uuid'
  const types: Record<string, string> = {
    String: 'text',
    Int: 'integer',
    BigInt: 'bigint',
    Boolean: 'boolean',
    Json: 'jsonb',
    Bytes: 'bytea',
    Float: 'double precision',
  }
  return types[type] ?? type
}

test('the migrations make the tables that the Prisma schema declares', async () => {
  const { rows } = await database.pool.query<{ name: string; type: string }>(
    `select c.relname || '.' || a.attname as name,
            format_type(a.atttypid, a.atttypmod) || case when a.attnotnull then '' else ' null' end as type
     from pg_class c join pg_attribute a on a.attrelid = c.oid
     where c.relnamespace = 'public'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
       and c.relname <> '_prisma_migrations'
     order by 1`,
  )
  expect(Object.fromEntries(rows.map(({ name, type }) => [name, type]))).toEqual(
    Object.fromEntries([...declared()].sort(([a], [b]) => (a < b ? -1 : 1))),
  )
})

test('the indexes that the Prisma schema declares exist', async () => {
  const schema = readFileSync(resolve(import.meta.dirname, '../../prisma/schema.prisma'), 'utf8')
  const wanted = [...schema.matchAll(/@@index\([\s\S]*?map: "(\w+)"\)/g)].map(([, name]) => name)
  const { rows } = await database.pool.query<{ indexname: string }>('select indexname from pg_indexes')
  expect(wanted.length).toBeGreaterThan(0)
  expect(rows.map((row) => row.indexname)).toEqual(expect.arrayContaining(wanted))
})

test('migrating again changes nothing, also when two programs do it at once', async () => {
  await Promise.all([migrate(database.url, silent), migrate(database.url, silent)])
  const { rows } = await database.pool.query('select migration_name from _prisma_migrations')
  expect(new Set(rows.map((row) => row.migration_name)).size).toBe(rows.length)
})

const record = (name: string) =>
  database.pool.query(
    `insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ($1, 'x', $1, now())`,
    [name],
  )
const forget = (name: string) => database.pool.query('delete from _prisma_migrations where migration_name = $1', [name])

test('a database that a newer release has used is refused before anything changes, with what to do', async () => {
  await record('99990101000000_future')
  // Were it applied, it would fail: its tables are there.
  await forget('20261122000000_initial')
  await expect(migrate(database.url, silent)).rejects.toThrow(
    /newer release of Twincast used this database: it has the migration 99990101000000_future, .* Start the newer release, or restore a backup/,
  )
  await record('99990101000001_more')
  await expect(migrate(database.url, silent)).rejects.toThrow('migrations 99990101000000_future, 99990101000001_more')
  await forget('99990101000000_future')
  await forget('99990101000001_more')
})

test('a migration that was changed after it had been applied is refused by name', async () => {
  await database.pool.query(`update _prisma_migrations set checksum = 'other' where migration_name like '%functions'`)
  await expect(migrate(database.url, silent)).rejects.toThrow(MigrationError)
})
