import type { Sql } from '@prisma/client/runtime/client'
import type pg from 'pg'
import type { Turns } from '../clock.ts'

/**
 * Runs one statement. A fragment of Prisma's `sql` tag carries its values apart from its text. With a `name`, the
 * statement is prepared once per connection: for the few frequent ones whose text never varies, or of which only a
 * limited number get names (`createStatementNames`). A long result is read in `turns`.
 */
export type RunQuery = <Row extends pg.QueryResultRow>(sql: Sql, name?: string, turns?: Turns) => Promise<Row[]>

/** Can read: the database, or a transaction in it. */
export type Reader = { readonly query: RunQuery }

declare const transaction: unique symbol

/** A transaction. Store writes take nothing else, so code that has only a `Db` cannot write. */
export type Tx = Reader & { readonly [transaction]: true }
