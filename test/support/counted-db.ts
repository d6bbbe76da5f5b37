import type { Db } from '../../src/database/client.ts'
import type { RunQuery } from '../../src/database/reader.ts'

/** A database that counts what is asked of it. */
export type CountedDb = Db & {
  /** Statements so far, those of transactions included, and the rows that they answered. */
  readonly asked: { statements: number; rows: number }
}

export function countedDb(db: Db): CountedDb {
  const asked = { statements: 0, rows: 0 }
  const counted =
    (query: RunQuery): RunQuery =>
    async (sql, name) => {
      asked.statements++
      const rows = await query<never>(sql, name)
      asked.rows += rows.length
      return rows
    }
  return {
    ...db,
    asked,
    query: counted(db.query),
    autocommit: (work) => db.autocommit((tx) => work({ ...tx, query: counted(tx.query) })),
    transaction: (work, longest) => db.transaction((tx) => work({ ...tx, query: counted(tx.query) }), longest),
  }
}
