import { PrismaPg } from '@prisma/adapter-pg'
import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import { type Clock, systemClock, type Turns } from '../clock.ts'
import { PrismaClient } from '../generated/prisma/client.ts'
import type { Limits } from '../limits/limits.ts'
import type { Log } from '../log/log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Tracing } from '../tracing.ts'
import { type BoundedRead, createBoundedRead, type OnBoundedSession } from './bounded-read.ts'
import { createBoundedSettings } from './bounded-settings.ts'
import { type BulkWrite, createBulkWrite } from './bulk-writes.ts'
import { createDocumentReads, type DocumentReads } from './document-reads.ts'
import { startHealthCheck } from './health-check.ts'
import { DatabaseUnavailableError, isOutage, isReadOnly } from './outage.ts'
import { Pool } from './pool.ts'
import { queryPrepared } from './prepared-query.ts'
import type { Reader, RunQuery, Tx } from './reader.ts'
import type { Servers } from './servers.ts'
import { readIn } from './socket.ts'

/** The database: SQL, and Prisma for single values by key. */
export type Db = Reader & {
  readonly prisma: PrismaClient
  /** For SQL reads of the protocol adapters. Uses the connections of `prisma`, separate from those of the scheduler. */
  readonly reads: Reader
  /** For reads that a client can make expensive; see bounded-read.ts. */
  readonly boundedRead: BoundedRead
  /** For reads of many documents for a client; see document-reads.ts. */
  readonly documentReads: DocumentReads
  /** For a request that writes much for a client; see bulk-writes.ts. */
  readonly bulkWrite: BulkWrite
  /** Each statement may take `longest` milliseconds; without it, the usual time. */
  transaction<T>(work: (tx: Tx) => Promise<T>, longest?: number): Promise<T>
  /**
   * A transaction of one statement, which PostgreSQL begins and commits with it. So it takes one round trip, and its
   * locks are never held while PostgreSQL waits for this process.
   */
  autocommit<T>(work: (tx: Tx) => Promise<T>): Promise<T>
  /** Why the database cannot be used, as a sentence; undefined while it answers. */
  trouble(): string | undefined
  /**
   * Before the end: a database that does not answer within `silence` milliseconds is given up, so that nothing waits
   * for it.
   */
  hurry(silence: number): void
  /** Before the end: closes all connections at once, whether they answer or not. Later statements are refused. */
  giveUp(): void
  close(): Promise<void>
}

/** What the database needs. */
export type DbOptions = {
  readonly limits: Limits
  readonly log: Log
  /** By which heavy work is paced. */
  readonly clock?: Pick<Clock, 'elapsed' | 'sleep'>
  /** The server is the embedded one: its processes are this hub's, on the same processors as its event loop. */
  readonly isEmbedded?: boolean
  readonly metrics?: Metrics | undefined
  readonly tracing?: Tracing | undefined
  /** Connections to the database became silent. Connections outside of `Db` are dead too, or may be. */
  readonly onSilent?: () => void
  /** The database answers again: work that waits for its next attempt may run at once. */
  readonly onBack?: () => void
}

/** Deadlock and serialisation failure: the transaction was rolled back and can be repeated as a whole. */
const retryable = new Set(['40001', '40P01'])
const attempts = 5

/** Milliseconds for which a long statement waits for a lock. */
const longLock = 30_000
/** Milliseconds after a statement's time limit within which the server must have reported it. */
const margin = 3_000
/**
 * `nice` value of the embedded server's processes for bounded reads. Where processors are few, the event loop and short
 * statements do not wait for them: 99 % of the short reads beside eight costly conditions took 12 to 16 ms instead of 28.
 */
const boundedNiceness = 10
/** Milliseconds for which connections may close gracefully. */
const farewellTime = 2_000

const sessionOptions = ({ databaseStatement, instanceLease }: Limits): string =>
  [
    // Facts are appended faster than autovacuum counts them. With the default of 4, made for rotating disks, PostgreSQL
    // then scans a job's outcomes for every batch instead of looking a thousand of them up: 53 µs instead of 19 µs per
    // device job.
    '-c random_page_cost=1.1',
    // Statements are short and many: compiling one for a large job would take longer than running it.
    '-c jit=off',
    `-c statement_timeout=${databaseStatement}`,
    // Shorter than the statement timeout, so that the error names the lock it waited for.
    `-c lock_timeout=${Math.ceil(databaseStatement * 0.8)}`,
    // A process that stalls within a transaction keeps its locks no longer than its lease, because other instances wait
    // for these locks before they clean up. A machine may be busy for five seconds.
    `-c idle_in_transaction_session_timeout=${Math.max(instanceLease, 5_000)}`,
    '-c timezone=UTC',
    // When a hub's machine disappears, the server must not keep its locks for the two hours of TCP's default.
    '-c tcp_keepalives_idle=15 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=3',
  ].join(' ')

/**
 * Writes and the scheduler look rows up by key. A plan that is made while a table is empty, and kept, would read the
 * whole table for each row instead, until autovacuum counts it: by then a statement may take longer than it may. Reads
 * keep sequential scans, so this cannot be a setting of the database user, as which all pools connect.
 */
const lookupsOnly = 'set enable_seqscan = off'

/**
 * Reads are planned for the values and the statistics of each execution, also when they are prepared: the best plan for
 * a status that most jobs have reads all jobs for one that few have.
 */
const planEachTime = 'set plan_cache_mode = force_custom_plan'

const codeOf = (error: unknown): string => (error instanceof pg.DatabaseError ? (error.code ?? '') : '')

export function createDb(
  servers: Servers,
  {
    limits,
    log,
    clock = systemClock,
    isEmbedded = false,
    metrics,
    tracing,
    onSilent = () => {},
    onBack = () => {},
  }: DbOptions,
): Db {
  const settings = {
    servers,
    options: sessionOptions(limits),
    wait: limits.databaseWait,
    patience: limits.databaseStatement + margin,
    isUnresponsive: () => healthCheck.isUnresponsive(),
  }
  // Half of the connections for reads are those of bounded reads, so that these keep their settings.
  const boundedConnections = Math.max(Math.floor(limits.databaseReadConnections / 2), 1)
  const plainConnections = limits.databaseReadConnections - boundedConnections
  // Many reads through GraphQL must not take the connections of the scheduler.
  const pool = new Pool({
    ...settings,
    prologue: lookupsOnly,
    name: 'twincast',
    connections: limits.databaseConnections,
    onFull: () => giveWayTo(pool),
  })
  const reads = new Pool({
    ...settings,
    prologue: planEachTime,
    name: 'twincast reads',
    connections: plainConnections,
    onFull: () => giveWayTo(reads),
  })
  const boundedReads = new Pool({
    ...settings,
    prologue: planEachTime,
    name: 'twincast bounded reads',
    connections: boundedConnections,
    onFull: () => giveWayTo(boundedReads),
    ...(isEmbedded && { niceness: boundedNiceness }),
  })
  const pools = [pool, reads, boundedReads]
  const giveWayTo = (needy: Pool): void => {
    // A failure is reported by the other pool itself.
    for (const other of pools) if (other !== needy) void other.giveWay().catch(() => {})
  }
  let closing: Promise<void> | undefined
  let isGivenUp = false
  const report = (error: Error): void => {
    // The health check has already reported connections that were closed because nothing answered.
    if (closing === undefined && !isGivenUp && !(error instanceof DatabaseUnavailableError))
      log.warn({ err: error }, 'database connection lost')
  }
  for (const each of pools) each.on('error', report)
  const healthCheck = startHealthCheck(
    { servers, silence: limits.databaseSilence, log },
    {
      silent() {
        for (const each of pools) each.break()
        onSilent()
      },
      back: onBack,
    },
  )
  const trouble = (): string | undefined =>
    isGivenUp ? 'The connection to the database was abandoned because the hub is stopping.' : healthCheck.trouble()
  const prisma = new PrismaClient({ adapter: new PrismaPg(reads) })

  const poolNames = { writes: pool, reads, bounded_reads: boundedReads }
  const readPools = (value: (of: Pool) => number) => () =>
    Object.entries(poolNames).map(([name, of]) => ({ labels: { pool: name }, value: value(of) }))
  metrics?.read('twincast_database_available', () => [{ labels: {}, value: trouble() === undefined ? 1 : 0 }])
  metrics?.read(
    'twincast_database_connections',
    readPools(({ totalCount }) => totalCount),
  )
  metrics?.read(
    'twincast_database_connections_idle',
    readPools(({ idleCount }) => idleCount),
  )
  metrics?.read(
    'twincast_database_connections_limit',
    readPools(({ options }) => options.max),
  )
  metrics?.read(
    'twincast_database_waiting',
    readPools(({ waitingCount }) => waitingCount),
  )

  const execute = <Row extends pg.QueryResultRow>(
    client: pg.ClientBase,
    { text, values }: Sql,
    name: string | undefined,
    longest: number | undefined,
  ): Promise<Row[]> => {
    // Undefined means the pool's setting.
    const timeout = longest === undefined ? undefined : longest + margin
    if (name !== undefined) return queryPrepared(client, { name, text, values }, timeout)
    // The types of pg lack this option.
    const patience = timeout === undefined ? {} : { query_timeout: timeout }
    return client.query<Row>({ text, values, ...patience }).then(({ rows }) => rows)
  }

  const run = async <Row extends pg.QueryResultRow>(
    on: pg.Pool | pg.ClientBase,
    sql: Sql,
    name: string | undefined,
    { longest, turns }: { readonly longest?: number | undefined; readonly turns?: Turns | undefined } = {},
  ): Promise<Row[]> => {
    const queryOn = (client: pg.ClientBase) => {
      const read = () => execute<Row>(client, sql, name, longest)
      return turns === undefined ? read() : readIn(client.connection.stream, turns, read)
    }
    const query = () => (on instanceof pg.Pool ? onAnyConnection(on, queryOn) : queryOn(on))
    if (metrics === undefined && tracing === undefined) return query()
    const begun = systemClock.elapsed()
    const attributes = { 'db.system.name': 'postgresql' }
    const rows = await (tracing === undefined
      ? query()
      : tracing.inChild(`statement ${seriesOf(name)}`, { kind: 'client', attributes }, query))
    const seconds = (systemClock.elapsed() - begun) / 1000
    metrics?.observe('twincast_database_statement_seconds', { statement: seriesOf(name) }, seconds)
    return rows
  }

  /**
   * Runs work on a connection of its own. After a failure, `restore` makes the connection usable again; when that fails
   * too, or the connection does not answer, it is closed.
   */
  const onConnection = async <T>(
    from: pg.Pool,
    work: (client: pg.PoolClient) => Promise<T>,
    restore: (client: pg.PoolClient) => Promise<unknown>,
  ): Promise<T> => {
    const client = await from.connect()
    let broken: Error | undefined
    try {
      return await work(client)
    } catch (error) {
      if (isReadOnly(error)) healthCheck.look()
      // A connection that does not answer cannot roll back; closing it does. One to a standby must not be kept.
      if (isOutage(error) || isReadOnly(error)) broken = toError(error)
      else {
        await restore(client).catch((restoreError: Error) => {
          broken = restoreError
        })
      }
      throw error
    } finally {
      client.release(broken)
    }
  }

  const attempt = <T>(begin: string, work: (db: Reader) => Promise<T>, longest?: number): Promise<T> =>
    onConnection(
      pool,
      async (client) => {
        await client.query(begin)
        const result = await work({ query: (sql, name) => run(client, sql, name, { longest }) })
        await client.query('commit')
        return result
      },
      (client) => client.query('rollback'),
    )

  const boundedSettings = createBoundedSettings()
  const onBoundedSession: OnBoundedSession = (ms, signal, work) =>
    onConnection(
      boundedReads,
      async (client) => {
        const name = await boundedSettings.prepare(client, ms)
        const result = await work({
          name,
          query: (sql, prepared, turns) => run(client, sql, prepared, { longest: ms, turns }),
        })
        if (signal?.aborted) await boundedSettings.restore(client)
        return result
      },
      boundedSettings.restore,
    )

  // Sockets of a closed pool may still break when PostgreSQL stops: `closing` is set before that starts.
  const close = async (): Promise<void> => {
    await prisma.$disconnect()
    // A graceful close of a connection needs an answer.
    const farewell = trouble() === undefined ? farewellTime : 0
    await Promise.all([...pools.map((each) => each.close(farewell)), healthCheck.close()])
  }

  const plainReads: Reader = { query: (sql, name, turns) => run(reads, sql, name, { turns }) }

  return {
    prisma,
    reads: plainReads,
    query: (sql, name) => run(pool, sql, name),
    boundedRead: createBoundedRead(
      { reads: plainReads, connections: boundedConnections, clock, metrics },
      limits,
      onBoundedSession,
    ),
    documentReads: createDocumentReads({ reads: plainReads, connections: plainConnections, clock }, limits),
    bulkWrite: createBulkWrite(limits, clock),
    transaction(work, longest) {
      const begin =
        longest === undefined
          ? 'begin'
          : `begin; set local statement_timeout = ${Math.ceil(longest)}; set local lock_timeout = ${longLock}; set local enable_seqscan = on`
      const repeat = () => repeated(() => attempt(begin, (db) => work(db as Tx), longest))
      return tracing === undefined ? repeat() : tracing.inChild('transaction', {}, repeat)
    },
    autocommit(work) {
      const repeat = () =>
        repeated(() => {
          let isOver = false
          const query: RunQuery = async (sql, name) => {
            if (isOver) throw new Error('A second statement would be in another transaction.')
            isOver = true
            try {
              return await run(pool, sql, name)
            } catch (error) {
              if (isReadOnly(error)) healthCheck.look()
              throw error
            }
          }
          const db: Reader = { query }
          return work(db as Tx)
        })
      return tracing === undefined ? repeat() : tracing.inChild('transaction', {}, repeat)
    },
    trouble,
    hurry: healthCheck.hurry,
    giveUp() {
      isGivenUp = true
      for (const each of pools) each.giveUp()
      void healthCheck.close()
    },
    close() {
      closing ??= close()
      return closing
    },
  }
}

/** Runs a statement on a connection that nobody else uses meanwhile. After a failure the connection is closed. */
async function onAnyConnection<T>(from: pg.Pool, query: (client: pg.ClientBase) => Promise<T>): Promise<T> {
  const client = await from.connect()
  let broken: Error | undefined
  try {
    return await query(client)
  } catch (error) {
    broken = toError(error)
    throw error
  } finally {
    client.release(broken)
  }
}

/** Generated names have numbers: `select-jobs-3`. */
const seriesOf = (name: string | undefined): string => name?.replace(/-\d+$/, '') ?? 'other'

/** Repeats a transaction that PostgreSQL rolled back because of others. */
async function repeated<T>(transaction: () => Promise<T>): Promise<T> {
  for (let count = 1; ; count++) {
    try {
      return await transaction()
    } catch (error) {
      if (!retryable.has(codeOf(error)) || count >= attempts) throw error
    }
  }
}

const toError = (error: unknown): Error => (error instanceof Error ? error : new Error(String(error)))

/**
 * One transaction, and work to do after its commit. `afterCommit` work is for hints (events): it is lost when the
 * process dies in between, so nothing may depend on it. A transaction that PostgreSQL aborted to resolve a deadlock
 * runs again from the start. Each statement may take `longest` milliseconds; without it, the usual time.
 */
export async function inTransaction<T>(
  { db }: { readonly db: Db },
  work: (tx: Tx, afterCommit: (hint: () => void) => void) => Promise<T>,
  longest?: number,
): Promise<T> {
  let queue: (() => void)[] = []
  const result = await db.transaction((tx) => {
    queue = []
    return work(tx, (hint) => queue.push(hint))
  }, longest)
  for (const hint of queue) hint()
  return result
}

/** Work within a transaction that is rolled back when it fails and leaves the transaction usable. */
export async function undoneOnFailure<T>(tx: Tx, work: () => Promise<T>): Promise<T> {
  await tx.query(sql`savepoint before_work`)
  try {
    return await work()
  } catch (error) {
    // If that fails too, the transaction is lost anyway.
    await tx.query(sql`rollback to savepoint before_work`).catch(() => undefined)
    throw error
  }
}
