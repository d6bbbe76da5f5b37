import { PrismaPg } from '@prisma/adapter-pg'
import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import type { Deps } from '../deps.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import { defaultLimits, type Limits } from '../limits.ts'
import { type BoundedRead, createBoundedRead } from './bounded-read.ts'

/**
 * Runs one statement. A fragment of Prisma's `sql` tag carries its values apart from its text. With a `name` the
 * statement is prepared once a connection: for the few hot ones, whose text never varies.
 */
export type RunQuery = <Row extends pg.QueryResultRow>(sql: Sql, name?: string) => Promise<Row[]>

/** May read: the database, or a transaction in it. */
export type Reader = { readonly query: RunQuery }

declare const transaction: unique symbol

/** A transaction, and the only thing that store writes take: whoever has only a `Db` cannot write. */
export type Tx = Reader & { readonly [transaction]: true }

/** The database: Prisma for reads that are a selection of a graph, SQL for the rest. */
export type Db = Reader & {
  readonly prisma: PrismaClient
  /** For what doors read by SQL: on the connections of `prisma`, away from those of the scheduler. */
  readonly reads: Reader
  /** For what may take long because a client chose so; see bounded-read.ts. */
  readonly boundedRead: BoundedRead
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** Deadlock and serialisation failure: the transaction was undone and may be tried again as a whole. */
const RETRYABLE = new Set(['40001', '40P01'])
const ATTEMPTS = 5

const SESSION = [
  // Facts are appended faster than autovacuum counts them, and with the default of 4, made for turning disks, PostgreSQL
  // then scans a job's outcomes for every batch rather than looking a thousand up: 53 against 19 µs a device job.
  '-c random_page_cost=1.1',
  // Statements here are short and many: what would be compiled for a large job would take longer than its run.
  '-c jit=off',
  '-c statement_timeout=120000',
  '-c lock_timeout=30000',
  '-c idle_in_transaction_session_timeout=60000',
  '-c timezone=UTC',
].join(' ')

const codeOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code ?? '') : '')

/** `onError` hears of connections that break while nobody uses them; the pool replaces those by itself. */
export function createDb(
  url: string,
  onError: (error: Error) => void,
  limits: Pick<Limits, 'queriesWaiting'> = defaultLimits,
): Db {
  const settings = { connectionString: url, options: SESSION, connectionTimeoutMillis: 10_000 }
  // Two pools: many reads at the GraphQL door must not keep the scheduler from its connections.
  const pool = new pg.Pool({ ...settings, max: 8, application_name: 'twincast' })
  const reads = new pg.Pool({ ...settings, max: 8, application_name: 'twincast reads' })
  let closing = false
  const hear = (error: Error): void => {
    if (!closing) onError(error)
  }
  pool.on('error', hear)
  reads.on('error', hear)
  const prisma = new PrismaClient({ adapter: new PrismaPg(reads) })

  const run = async <Row extends pg.QueryResultRow>(
    client: pg.Pool | pg.PoolClient,
    sql: Sql,
    name: string | undefined,
  ): Promise<Row[]> => {
    const statement = { text: sql.text, values: sql.values }
    const result = await client.query<Row>(name === undefined ? statement : { ...statement, name })
    return result.rows
  }

  const attempt = async <T>(from: pg.Pool, begin: string, work: (db: Reader) => Promise<T>): Promise<T> => {
    const client = await from.connect()
    let broken: Error | undefined
    // The pool hears of those that idle only: what nobody heard would end the process.
    const hearBroken = (error: Error): void => {
      broken = error
    }
    client.on('error', hearBroken)
    try {
      await client.query(begin)
      const result = await work({ query: (sql, name) => run(client, sql, name) })
      await client.query('commit')
      return result
    } catch (error) {
      await client.query('rollback').catch((rollbackError: Error) => {
        broken = rollbackError
      })
      throw error
    } finally {
      client.off('error', hearBroken)
      client.release(broken)
    }
  }

  return {
    prisma,
    reads: { query: (sql, name) => run(reads, sql, name) },
    query: (sql, name) => run(pool, sql, name),
    boundedRead: createBoundedRead(reads, limits, (begin, work) => attempt(reads, begin, work)),
    async transaction(work) {
      for (let count = 1; ; count++) {
        try {
          return await attempt(pool, 'begin', (db) => work(db as Tx))
        } catch (error) {
          if (!RETRYABLE.has(codeOf(error)) || count >= ATTEMPTS) throw error
        }
      }
    },
    async close() {
      closing = true // sockets of a pool that has ended may still break when PostgreSQL stops
      await prisma.$disconnect()
      await Promise.all([pool.end(), reads.end()])
    },
  }
}

/**
 * One transaction, and what to do once it is certain. `afterCommit` work is for hints (events): when the process dies
 * in between it is not done, and nothing may depend on it. A transaction that PostgreSQL gave up to resolve a deadlock
 * runs again from the start.
 */
export async function inTransaction<T>(
  deps: Pick<Deps, 'db'>,
  work: (tx: Tx, afterCommit: (tell: () => void) => void) => Promise<T>,
): Promise<T> {
  let queue: (() => void)[] = []
  const result = await deps.db.transaction((tx) => {
    queue = []
    return work(tx, (tell) => queue.push(tell))
  })
  for (const tell of queue) tell()
  return result
}

/** Work within a transaction that is undone when it fails, and leaves the transaction as good as before. */
export async function undoneOnFailure<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  await tx.query(sql`savepoint before_work`)
  try {
    return await work()
  } catch (error) {
    // Should that fail too, the transaction is lost anyway.
    await tx.query(sql`rollback to savepoint before_work`).catch(() => undefined)
    throw error
  }
}

/** What the database's clock says. Nothing is decided by it; it tells whether this machine's may be trusted. */
export async function databaseTime(db: Reader): Promise<Date> {
  const [row] = await db.query<{ now: Date }>(sql`select clock_timestamp() as now`)
  if (row === undefined) throw new Error('The database does not know the time.')
  return row.now
}
