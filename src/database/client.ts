import { PrismaPg } from '@prisma/adapter-pg'
import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import { PrismaClient } from '../generated/prisma/client.ts'
import type { Limits } from '../limits/limits.ts'
import type { Log } from '../log/log.ts'
import { type BoundedRead, createBoundedRead } from './bounded-read.ts'
import { DatabaseAwayError, isOutage } from './outage.ts'
import { Pool } from './pool.ts'
import { startPulse } from './pulse.ts'
import type { Reader, Tx } from './reader.ts'

/** The database: Prisma for reads that are a selection of a graph, SQL for the rest. */
export type Db = Reader & {
  readonly prisma: PrismaClient
  /** For what doors read by SQL: on the connections of `prisma`, away from those of the scheduler. */
  readonly reads: Reader
  /** For what may take long because a client chose so; see bounded-read.ts. */
  readonly boundedRead: BoundedRead
  /** A statement of it may take `longest` milliseconds, or as long as any other. */
  transaction<T>(work: (tx: Tx) => Promise<T>, longest?: number): Promise<T>
  /** Why the database cannot be used, in a sentence; undefined while it answers. */
  trouble(): string | undefined
  /** Before the end: a database that does not answer within so many milliseconds is given up, and nothing waits for it. */
  hurry(silence: number): void
  /** Before the end: breaks all connections at once, whether they answer or not. What is asked from now on is refused. */
  giveUp(): void
  close(): Promise<void>
}

/** What the database is used with. */
export type DbOptions = {
  readonly limits: Limits
  readonly log: Log
  /** Connections to the database have gone silent: those of others than `Db` are dead, too, or may be. */
  readonly onSilent?: () => void
  /** The database answers again after it did not: what waits for its next look may look at once. */
  readonly onBack?: () => void
}

/** Deadlock and serialisation failure: the transaction was undone and may be tried again as a whole. */
const retryable = new Set(['40001', '40P01'])
const attempts = 5

/** Milliseconds for which a statement that may take long waits for a lock. */
const longLock = 30_000
/** Milliseconds after the end of its time in which the server's word of that must have come. */
const margin = 3_000
/** Milliseconds that connections have to end politely. */
const farewellTime = 2_000

const sessionOptions = ({ databaseStatement, instanceLease }: Limits): string =>
  [
    // Facts are appended faster than autovacuum counts them, and with the default of 4, made for turning disks, PostgreSQL
    // then scans a job's outcomes for every batch rather than looking a thousand up: 53 against 19 µs a device job.
    '-c random_page_cost=1.1',
    // Statements here are short and many: what would be compiled for a large job would take longer than its run.
    '-c jit=off',
    `-c statement_timeout=${databaseStatement}`,
    // Before the time of the statement is over, so that the error says what it waited for.
    `-c lock_timeout=${Math.ceil(databaseStatement * 0.8)}`,
    // Who stands still in the midst of a transaction keeps its locks no longer than others take it for alive: they wait for
    // these before they clear up after it. A machine may be busy for five seconds.
    `-c idle_in_transaction_session_timeout=${Math.max(instanceLease, 5_000)}`,
    '-c timezone=UTC',
    // Of a hub that has gone with its machine the server shall not keep the locks for the two hours of TCP.
    '-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3',
  ].join(' ')

const codeOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code ?? '') : '')

export function createDb(url: string, { limits, log, onSilent = () => {}, onBack = () => {} }: DbOptions): Db {
  const settings = {
    url,
    options: sessionOptions(limits),
    wait: limits.databaseWait,
    patience: limits.databaseStatement + margin,
    isMute: () => pulse.isMute(),
  }
  // Two pools: many reads at the GraphQL door must not keep the scheduler from its connections.
  const pool = new Pool({
    ...settings,
    name: 'twincast',
    connections: limits.databaseConnections,
    onFull: () => giveWay(reads),
  })
  const reads = new Pool({
    ...settings,
    name: 'twincast reads',
    connections: limits.databaseReadConnections,
    onFull: () => giveWay(pool),
  })
  const giveWay = (other: Pool): void => void other.giveWay().catch(() => {}) // it has its own troubles
  let closing: Promise<void> | undefined
  let isGivenUp = false
  const hear = (error: Error): void => {
    // Of those that were broken because nothing answered, the pulse has told.
    if (closing === undefined && !isGivenUp && !(error instanceof DatabaseAwayError))
      log.warn({ err: error }, 'a connection to the database broke')
  }
  pool.on('error', hear)
  reads.on('error', hear)
  const pulse = startPulse(
    { url, silence: limits.databaseSilence, log },
    {
      silent() {
        pool.break()
        reads.break()
        onSilent()
      },
      back: onBack,
    },
  )
  const trouble = (): string | undefined => (isGivenUp ? 'The database was given up.' : pulse.trouble())
  const prisma = new PrismaClient({ adapter: new PrismaPg(reads) })

  const run = async <Row extends pg.QueryResultRow>(
    client: pg.Pool | pg.PoolClient,
    sql: Sql,
    name: string | undefined,
    longest?: number,
  ): Promise<Row[]> => {
    const statement = { text: sql.text, values: sql.values, ...(name === undefined ? {} : { name }) }
    // Types of pg do not know it. Undefined is the pool's.
    const patience = longest === undefined ? {} : { query_timeout: longest + margin }
    const result = await client.query<Row>({ ...statement, ...patience })
    return result.rows
  }

  const attempt = async <T>(
    from: pg.Pool,
    begin: string,
    work: (db: Reader) => Promise<T>,
    longest?: number,
  ): Promise<T> => {
    const client = await from.connect()
    let broken: Error | undefined
    // The pool hears of those that idle only: what nobody heard would end the process.
    const hearBroken = (error: Error): void => {
      broken = error
    }
    client.on('error', hearBroken)
    try {
      await client.query(begin)
      const result = await work({ query: (sql, name) => run(client, sql, name, longest) })
      await client.query('commit')
      return result
    } catch (error) {
      // Over a connection that does not answer nothing can be undone; its end does that.
      if (isOutage(error)) broken ??= toError(error)
      else {
        await client.query('rollback').catch((rollbackError: Error) => {
          broken = rollbackError
        })
      }
      throw error
    } finally {
      client.off('error', hearBroken)
      client.release(broken)
    }
  }

  // Sockets of a pool that has ended may still break when PostgreSQL stops: `closing` is there before it begins to.
  const close = async (): Promise<void> => {
    await prisma.$disconnect()
    // To end a connection politely takes an answer.
    const farewell = trouble() === undefined ? farewellTime : 0
    await Promise.all([pool.close(farewell), reads.close(farewell), pulse.close()])
  }

  return {
    prisma,
    reads: { query: (sql, name) => run(reads, sql, name) },
    query: (sql, name) => run(pool, sql, name),
    boundedRead: createBoundedRead(
      { connections: reads.options.max, query: (sql, name) => run(reads, sql, name) },
      limits,
      (begin, work, ms) => attempt(reads, begin, work, ms),
    ),
    async transaction(work, longest) {
      const begin =
        longest === undefined
          ? 'begin'
          : `begin; set local statement_timeout = ${Math.ceil(longest)}; set local lock_timeout = ${longLock}`
      for (let count = 1; ; count++) {
        try {
          return await attempt(pool, begin, (db) => work(db as Tx), longest)
        } catch (error) {
          if (!retryable.has(codeOf(error)) || count >= attempts) throw error
        }
      }
    },
    trouble,
    hurry: pulse.hurry,
    giveUp() {
      isGivenUp = true
      pool.giveUp()
      reads.giveUp()
      void pulse.close()
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/**
 * One transaction, and what to do once it is certain. `afterCommit` work is for hints (events): when the process dies
 * in between it is not done, and nothing may depend on it. A transaction that PostgreSQL gave up to resolve a deadlock
 * runs again from the start. Its statements may take `longest` milliseconds each, or as long as any other.
 */
export async function inTransaction<T>(
  { db }: { readonly db: Db },
  work: (tx: Tx, afterCommit: (tell: () => void) => void) => Promise<T>,
  longest?: number,
): Promise<T> {
  let queue: (() => void)[] = []
  const result = await db.transaction((tx) => {
    queue = []
    return work(tx, (tell) => queue.push(tell))
  }, longest)
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
