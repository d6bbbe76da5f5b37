/** One statement on a connection that stays; answers the column `pid`. */
export type Query = (text: string, values?: readonly unknown[]) => Promise<number[]>

// Any numbers will do, as long as they are Twincast's alone; migrate.ts has the one before.
const entrance = 7_468_114
const inside = 7_468_115

/**
 * Runs what a process does when it joins the others on its database, while no other does, and tells it whether all
 * others have gone. When that is done, this process is in for as long as its connection holds; when it failed, it is not.
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

/** Makes a process that has entered be in on another connection. */
export async function stay(query: Query): Promise<void> {
  await query('select pg_advisory_lock_shared($1)', [inside])
}

/** Makes a process be out before its connection is: who starts as soon as it has stopped does not meet it. */
export async function leave(query: Query): Promise<void> {
  await query('select pg_advisory_unlock_all()')
}
