import type { Readable, Writable } from 'node:stream'
import pg from 'pg'
import { from as copyFrom, to as copyTo } from 'pg-copy-streams'

/** A table with the columns that are stored. */
export type Table = { readonly name: string; readonly columns: readonly string[] }

/** What a table contains: the number of its rows, and a number that depends on all of them and not on their order. */
export type Seal = { readonly rows: number; readonly digest: string }

/** A sequence behind a column; its next number is `value`, or the one after it when `isCalled`. */
export type Sequence = { readonly name: string; readonly value: string; readonly isCalled: boolean }

/** Of the session: values are written as text in one form, whatever the settings of the server are. */
const oneForm = `set datestyle = 'ISO, MDY'; set timezone = 'UTC'; set intervalstyle = 'postgres';
  set extra_float_digits = 1; set bytea_output = 'hex'; set client_encoding = 'UTF8';
  set statement_timeout = 0; set lock_timeout = 0; set idle_in_transaction_session_timeout = 0`

/** One snapshot of the whole database for all statements of `work`, which cannot change anything. */
export async function inSnapshot<T>(client: pg.ClientBase, work: () => Promise<T>): Promise<T> {
  await client.query(oneForm)
  await client.query('begin isolation level repeatable read read only')
  const result = await work()
  await client.query('commit')
  return result
}

/** A transaction that writes much. When the work fails or the process dies, the database is as it was. */
export async function inOneTransaction(client: pg.ClientBase, work: () => Promise<void>): Promise<void> {
  await client.query(oneForm)
  await client.query('begin')
  try {
    await work()
    await client.query('commit')
  } catch (error) {
    await client.query('rollback').catch(() => {}) // a broken connection undoes it, too
    throw error
  }
}

/**
 * The tables of the hub. A table comes after those that its foreign keys name, otherwise by name. So `job_event` comes
 * before `webhook`: while the history is restored, its trigger finds no webhook that is to be notified of old pauses.
 */
export async function listTables(client: pg.ClientBase): Promise<readonly Table[]> {
  const { rows } = await client.query<{ name: string; columns: string[]; needs: string[] }>(
    `select c.relname as name,
            (select array_agg(attname::text order by attnum) from pg_attribute
             where attrelid = c.oid and attnum > 0 and not attisdropped and attgenerated = '') as columns,
            array(select t.relname::text from pg_constraint f join pg_class t on t.oid = f.confrelid
                  where f.conrelid = c.oid and f.contype = 'f' and t.oid <> c.oid) as needs
     from pg_class c
     where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relname <> '_prisma_migrations'
     order by c.relname`,
  )
  const ordered: Table[] = []
  const isPlaced = (name: string): boolean => ordered.some((table) => table.name === name)
  while (ordered.length < rows.length) {
    const next = rows.find(({ name, needs }) => !isPlaced(name) && needs.every(isPlaced))
    if (next === undefined) throw new Error('Foreign keys of the tables form a circle.')
    ordered.push({ name: next.name, columns: next.columns })
  }
  return ordered
}

/** Whether the database has nothing of any program. */
export async function isEmpty(client: pg.ClientBase): Promise<boolean> {
  const { rows } = await client.query(
    `select from pg_class where relnamespace = current_schema()::regnamespace and relkind in ('r', 'p', 'v', 'm', 'S')
     limit 1`,
  )
  return rows.length === 0
}

/** Removes what migrations have put into the tables. */
export async function emptyTables(client: pg.ClientBase, tables: readonly Table[]): Promise<void> {
  await client.query(`truncate ${tables.map(({ name }) => quoted(name)).join(', ')}`)
}

/** The rows of a table in the text format of COPY. */
export const copyOut = (client: pg.ClientBase, table: Table): Readable =>
  client.query(copyTo(`copy ${listed(table)} to stdout`))

/** Takes the rows of a table in the text format of COPY. */
export const copyIn = (client: pg.ClientBase, table: Table): Writable =>
  client.query(copyFrom(`copy ${listed(table)} from stdin`))

/** Reads the whole table. */
export async function sealOf(client: pg.ClientBase, { name }: Table): Promise<Seal> {
  const { rows } = await client.query<{ rows: string; digest: string }>(
    `select count(*) as rows, coalesce(sum(
       ('x' || encode(substr(sha256(convert_to(t::text, 'UTF8')), 1, 8), 'hex'))::bit(64)::bigint::numeric
     ), 0)::text as digest from ${quoted(name)} t`,
  )
  return { rows: Number(rows[0]?.rows), digest: rows[0]?.digest ?? '' }
}

/** The sequences of the hub, by name. */
export async function readSequences(client: pg.ClientBase): Promise<readonly Sequence[]> {
  const { rows } = await client.query<{ name: string }>(
    `select relname as name from pg_class
     where relnamespace = current_schema()::regnamespace and relkind = 'S' order by relname`,
  )
  const sequences: Sequence[] = []
  for (const { name } of rows) {
    const state = await client.query<{ value: string; is_called: boolean }>(
      `select last_value as value, is_called from ${quoted(name)}`,
    )
    const [row] = state.rows
    if (row !== undefined) sequences.push({ name, value: row.value, isCalled: row.is_called })
  }
  return sequences
}

export async function setSequence(client: pg.ClientBase, { name, value, isCalled }: Sequence): Promise<void> {
  await client.query('select setval($1::regclass, $2, $3)', [quoted(name), value, isCalled])
}

/** Counts rows for the planner, which otherwise knows nothing of tables that were just filled. */
export async function analyze(client: pg.ClientBase): Promise<void> {
  await client.query('analyze')
}

/** The version of the server, such as `18.4`. */
export async function serverVersion(client: pg.ClientBase): Promise<string> {
  const { rows } = await client.query<{ server_version: string }>('show server_version')
  return rows[0]?.server_version ?? ''
}

const quoted = (name: string): string => pg.escapeIdentifier(name)
const listed = ({ name, columns }: Table): string => `${quoted(name)} (${columns.map(quoted).join(', ')})`
