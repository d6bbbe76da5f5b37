import pg from 'pg'
import type { Closers } from './closers.ts'

/** Reads how many transactions a database has had, without those of this connection before. */
export type CountTransactions = () => Promise<number>

/** As PostgreSQL counts them. A session reports its own within seconds. */
export async function openTransactionCount(databaseUrl: string, closers: Closers): Promise<CountTransactions> {
  const client = new pg.Client({ connectionString: databaseUrl })
  await client.connect()
  closers.add(() => client.end())
  let own = 0
  return async () => {
    const { rows } = await client.query<{ count: string }>(
      'select xact_commit + xact_rollback as count from pg_stat_database where datname = current_database()',
    )
    return Number(rows[0]?.count) - own++
  }
}
