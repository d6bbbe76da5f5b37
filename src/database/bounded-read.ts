import { randomUUID } from 'node:crypto'
import { sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import type { Turns } from '../clock.ts'
import { LimitExceededError, OutOfTimeError } from '../errors.ts'
import { type Pacing, takeTurns } from '../fair-queue.ts'
import type { Limits } from '../limits/limits.ts'
import type { Metrics } from '../metrics/metrics.ts'
import type { Reader, Tx } from './reader.ts'

declare const bounded: unique symbol

/**
 * A reader whose statements have a time limit. Every read that a client can make expensive takes this type. Only with
 * it can a client's condition be put into a statement (database/bounded-fragment.ts).
 */
export type BoundedReader = Reader & { readonly [bounded]: true }

/**
 * The origin of a read. Turns are distributed per `caller`; once `signal` aborts, the result is no longer needed. A long
 * result is read in the given turns of the event loop.
 */
export type Asker = { readonly caller: string; readonly signal?: AbortSignal; readonly turns?: Turns }

/** Reads within a time limit; see `createBoundedRead`. */
export type BoundedRead = <T>(
  asker: Asker,
  ms: number,
  work: (db: BoundedReader) => Promise<T>,
) => Promise<T | undefined>

/** The same, for one asker. */
export type BoundedReads = {
  boundedRead<T>(ms: number, work: (db: BoundedReader) => Promise<T>): Promise<T | undefined>
}

export const readsFor = (db: { readonly boundedRead: BoundedRead }, asker: Asker): BoundedReads => ({
  boundedRead: (ms, work) => db.boundedRead(asker, ms, work),
})

type TimedReads<Limit extends keyof Limits> = {
  readonly db: { readonly boundedRead: BoundedRead }
  readonly limits: Pick<Limits, Limit>
}

/**
 * Reads for a client. Throws OutOfTimeError when the read took too long, and LimitExceededError when too many reads of
 * the client wait already.
 */
export const readInTime = <T>(
  { db, limits: { queryMs } }: TimedReads<'queryMs'>,
  asker: Asker,
  work: (db: BoundedReader) => Promise<T>,
): Promise<T> => readWithin(queryMs, db, asker, work)

/** The same, for a page of a list: an operator may allow it less time than other reads. */
export const readPage = <T>(
  { db, limits: { queryMs, pageMs } }: TimedReads<'queryMs' | 'pageMs'>,
  asker: Asker,
  work: (db: BoundedReader) => Promise<T>,
): Promise<T> => readWithin(Math.min(queryMs, pageMs), db, asker, work)

async function readWithin<T>(
  ms: number,
  db: { readonly boundedRead: BoundedRead },
  asker: Asker,
  work: (db: BoundedReader) => Promise<T>,
): Promise<T> {
  let begun = false
  const found = await db.boundedRead(asker, ms, (reader) => {
    begun = true
    return work(reader)
  })
  if (found !== undefined) return found
  if (begun) throw new OutOfTimeError(ms / 1000)
  throw tooManyWaiting()
}

/** The refusal of a read when too many reads of its client wait already. */
export const tooManyWaiting = (): LimitExceededError =>
  new LimitExceededError('Too many of your queries are waiting. Send fewer queries at a time.', 1)

/** SQLSTATE of a statement that reached its timeout or was cancelled. */
const cancelled = '57014'

/** Whether a statement reached its time limit. */
export const isOutOfTime = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === cancelled

/** Limits each following statement of a transaction to `ms` milliseconds, including those with a client's condition. */
export async function limitTime(tx: Tx, ms: number): Promise<Tx & BoundedReader> {
  await tx.query(sql`select set_config('statement_timeout', ${String(Math.ceil(ms))}, true)`)
  return tx as Tx & BoundedReader
}

/** The same, until the signal aborts: then the work fails, and the transaction with it. */
export async function limitTimeUntil<T>(
  db: Reader,
  tx: Tx,
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
  work: (tx: Tx & BoundedReader) => Promise<T>,
): Promise<T> {
  const name = `twincast selection ${randomUUID()}`
  await tx.query(sql`select set_config('application_name', ${name}, true)`)
  const bounded = await limitTime(tx, ms)
  signal.throwIfAborted()
  return await untilAborted(db, name, signal, () => work(bounded))
}

/**
 * Runs the work and cancels its statement when the signal aborts. Another connection finds the statement by its
 * `application_name`, which also works behind a pooler that has process ids of its own.
 */
async function untilAborted<T>(
  db: Reader,
  name: string,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  let ended = false
  let canceling: Promise<void> | undefined
  const cancelUntilEnded = async (): Promise<void> => {
    // Repeated, because a statement that is still on its way to PostgreSQL is not cancelled.
    while (!ended) {
      await db.query(sql`select pg_cancel_backend(pid) from pg_stat_activity where application_name = ${name}`)
      if (!ended) await db.query(sql`select pg_sleep(0.02)`)
    }
  }
  const cancel = (): void => {
    canceling = cancelUntilEnded().catch(() => {}) // the statement soon reaches its time limit
  }
  signal?.addEventListener('abort', cancel, { once: true })
  try {
    return await work()
  } finally {
    ended = true
    signal?.removeEventListener('abort', cancel)
    // A late cancellation would hit the next statement on this connection.
    await canceling
  }
}

class Abandoned extends Error {}

/** A connection for bounded reads: its statements, and the `application_name` that no other connection has. */
export type BoundedSession = Reader & { readonly name: string }

/**
 * Runs work on a connection that only reads and limits each statement to `ms` milliseconds. After work that failed, and
 * after `signal` aborted, the connection is checked before anybody else gets it.
 */
export type OnBoundedSession = <T>(
  ms: number,
  signal: AbortSignal | undefined,
  work: (session: BoundedSession) => Promise<T>,
) => Promise<T>

/** Milliseconds from which on a read is heavy. Most take one or two. */
const heavyFrom = 20
/** Milliseconds for which the first read of a caller runs alone: as long as the longest rest of a caller. */
const firstAlone = 2_000

/**
 * Runs statements that may be expensive, each for at most `ms` milliseconds of PostgreSQL's time. They can only read.
 * Together they use `connections`. One caller uses at most half of them; its first read runs alone for two seconds, and its
 * heavy ones are paced. Undefined when the time limit was reached, when too many reads wait already, and when the asker has
 * disconnected: its statement is then cancelled, through `reads`.
 */
export function createBoundedRead(
  {
    reads,
    connections,
    clock,
    metrics,
  }: {
    readonly reads: Reader
    readonly connections: number
    readonly clock: Pacing['clock']
    readonly metrics?: Metrics | undefined
  },
  limits: Pick<Limits, 'queriesWaiting' | 'heavyWork'>,
  onSession: OnBoundedSession,
): BoundedRead {
  const each = Math.max(Math.floor(connections / 2), 1)
  const turn = takeTurns(
    { most: connections, each, waiting: limits.queriesWaiting, firstAlone },
    { clock, heavy: { fromMs: heavyFrom, msPerSecond: limits.heavyWork } },
  )
  metrics?.read('twincast_queue_length', () => [{ labels: { queue: 'bounded_reads' }, value: turn.waiting() }])

  return async ({ caller, signal, turns }, ms, work) => {
    const read = () =>
      onSession(ms, signal, (session) => {
        const reader: Reader = {
          query: (text, prepared) =>
            signal?.aborted ? Promise.reject(new Abandoned()) : session.query(text, prepared, turns),
        }
        return untilAborted(reads, session.name, signal, () => work(reader as BoundedReader))
      })
    try {
      return await turn(caller, read, signal)
    } catch (error) {
      if (isOutOfTime(error) || error instanceof Abandoned) return undefined
      throw error
    }
  }
}
