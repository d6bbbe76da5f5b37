/** One statement on a permanent connection; returns the column `pid`. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<number[]>

// Any numbers that only Twincast uses; migrate.ts has the number before them.
const entrance = 7_468_114
const inside = 7_468_115

/**
 * Runs the work that a process does when it joins its database, while no other process does the same. `alone` is true
 * when there is no other process. Once the work is done, this process is a member as long as its connection holds; if
 * it failed, it is not a member.
 */
export async function enter<T>(query: Query, work: (alone: boolean) => Promise<T>): Promise<T> {
  await query('select pg_advisory_lock($1)', [entrance])
  try {
    const others = await query(
      `select pid from pg_locks join pg_database on pg_database.oid = database
       where locktype = 'advisory' and objid = $1::bigint and datname = current_database()`,
      [inside],
    )
    const result = await work(others.length === 0)
    await stay(query)
    return result
  } finally {
    await query('select pg_advisory_unlock($1)', [entrance])
  }
}

/** Makes a process that has entered a member on another connection, too. */
export async function stay(query: Query): Promise<void> {
  await query('select pg_advisory_lock_shared($1)', [inside])
}

/**
 * Ends the membership before the connection ends, so that a process that starts right afterwards does not see this one.
 */
export async function leave(query: Query): Promise<void> {
  await query('select pg_advisory_unlock_all()')
}
