import type { Sql } from '@prisma/client/runtime/client'
import type pg from 'pg'
import { type Pacing, takeTurns } from '../fair-queue.ts'
import type { Limits } from '../limits/limits.ts'
import { type Asker, tooManyWaiting } from './bounded-read.ts'
import type { Reader } from './reader.ts'

/**
 * The documents of many rows that a client has named, such as the twins of a page. A statement is short, but PostgreSQL
 * prints megabytes for it. LimitExceededError when too many such reads of the client wait, and when the client
 * disconnects before its turn.
 */
export type DocumentReads = (asker: Asker) => Reader

/** Milliseconds from which on a read is heavy: it returns some megabytes. */
const heavyFrom = 20

/**
 * Turns for reads of documents: they leave a quarter of the `connections` to reads of single rows, one caller uses at
 * most half of them, and its heavy reads are paced.
 */
export function createDocumentReads(
  {
    reads,
    connections,
    clock,
  }: { readonly reads: Reader; readonly connections: number; readonly clock: Pacing['clock'] },
  { queriesWaiting, heavyWork }: Pick<Limits, 'queriesWaiting' | 'heavyWork'>,
): DocumentReads {
  const most = Math.max(Math.floor((connections * 3) / 4), 1)
  const turn = takeTurns(
    { most, each: Math.max(Math.floor(connections / 2), 1), waiting: queriesWaiting },
    { clock, heavy: { fromMs: heavyFrom, msPerSecond: heavyWork } },
  )
  return ({ caller, signal, turns }) => ({
    async query<Row extends pg.QueryResultRow>(text: Sql, name?: string): Promise<Row[]> {
      const found = await turn(caller, () => reads.query<Row>(text, name, turns), signal)
      if (found !== undefined) return found
      throw tooManyWaiting()
    },
  })
}
