import { randomUUID } from 'node:crypto'
import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import type { Clock } from '../clock.ts'
import type { Reader } from './reader.ts'

/** Until when this run of a process counts as alive on its database, so that what it was doing is safe from others. */
export type Lease = {
  /** Names this run in the presence of devices. It changes when others took it for dead. */
  readonly instanceId: string
  /** Whether nobody can have taken it for dead yet. It asks nothing but the time. */
  holds(): boolean
}

/** A lease that is kept up. */
export type KeptLease = Lease & {
  /** Says that this run is over: others may clear up after it at once. */
  leave(): Promise<void>
}

/** Whether an instance is alive, in a statement. PostgreSQL's clock decides, and the moment the statement began. */
export const isAlive = (instanceId: Sql): Sql => sql`exists (
  select from instance where instance.id = ${instanceId} and lease_until > statement_timestamp()
)`

/** What has happened to the lease, or to somebody else's. They may not throw; `clear` is repeated when it rejects. */
export type LeaseListener = {
  /** Clears up after an instance that is dead for good: for one caller at a time, and as often as it takes. */
  readonly clear: (instanceId: string) => Promise<void>
  /** The database could not be reached for a while or took this instance for dead, which is over. */
  readonly returned: () => void
  /** The database cannot be reached, and there were others, who may have taken over by now. */
  readonly stranded: () => void
}

// Any number will do, as long as it is Twincast's alone; entrance.ts has those before.
const clearingBatch = 7_468_116

const joinStatement = `insert into instance (id, lease_until)
  values ($1, statement_timestamp() + $2::float8 * interval '1 millisecond')`

/** One whose lease is over may go on as long as nobody has declared it dead. */
const renewStatement = `with renewed as (
    update instance set lease_until = statement_timestamp() + $2::float8 * interval '1 millisecond'
    where id = $1 and lease_until > '-infinity'
    returning id
  )
  select exists (select from renewed) as held,
         coalesce(array_agg(id) filter (where lease_until > statement_timestamp()), '{}') as living,
         coalesce(array_agg(id) filter (where lease_until <= statement_timestamp()), '{}') as dead
  from instance where id <> $1`

/**
 * Takes the row of a dead instance for itself and declares it dead. The lock waits for writes of presence and marks of
 * calls that began while the lease held; they are over, and can be seen, before anybody clears up.
 */
const declareDead = `with dead as (
    select id from instance where id = $1 and lease_until <= statement_timestamp() for update
  )
  update instance set lease_until = '-infinity' from dead where instance.id = dead.id returning instance.id`

const leaveStatement = `update instance set lease_until = '-infinity' where id = $1`
/**
 * Only while whoever cleared up is in its place: should it die now, what it took over is looked for again after it. One that
 * is taken for dead itself leaves the row to others.
 */
const forget = `with alive as (
    select from instance where id = $2 and lease_until > '-infinity' for key share
  )
  delete from instance where id = $1 and lease_until = '-infinity' and exists (select from alive)`

/**
 * Takes part among the instances on a database: a row that says until when this one is alive, written anew three times in
 * that time on a connection of its own, so that no other work can hold it up. Who does not find its row any more joins
 * again by another name. Rejects when the first try fails.
 */
export async function holdLease(
  {
    url,
    clock,
    ms,
    onError,
  }: {
    readonly url: string
    readonly clock: Clock
    readonly ms: number
    readonly onError: (error: unknown) => void
  },
  { clear, returned, stranded }: LeaseListener,
): Promise<KeptLease> {
  const interval = ms / 3
  const closing = new AbortController()
  let connection: pg.Client | undefined
  let instanceId = randomUUID()
  let renewedAt = Number.NEGATIVE_INFINITY
  let living: readonly string[] = []
  let isStranded = false
  const clearing = new Map<string, Promise<void>>()

  const drop = (client = connection): void => {
    if (client === connection) connection = undefined
    // The socket may be dead: nobody waits for a farewell.
    void client?.end().catch(() => {})
  }
  const open = async (): Promise<pg.Client> => {
    connection ??= await connect(url, interval, drop)
    return connection
  }
  const join = async (): Promise<void> => {
    const id = randomUUID()
    const began = clock.elapsed()
    await (await open()).query(joinStatement, [id, ms])
    instanceId = id
    renewedAt = began
  }
  const clearUp = async (client: pg.Client, id: string): Promise<void> => {
    const claim = [clearingBatch, id]
    const { rows } = await client.query('select pg_try_advisory_lock($1, hashtext($2)) as claimed', claim)
    if (rows[0]?.claimed !== true) return
    try {
      const { rowCount } = await client.query(declareDead, [id])
      if (rowCount === 0) return
      await clear(id)
      await client.query(forget, [id, instanceId])
    } finally {
      await client.query('select pg_advisory_unlock($1, hashtext($2))', claim)
    }
  }
  /** What fails is found dead again at the next renewal. */
  const clearUpAfter = (client: pg.Client, ids: readonly string[]): void => {
    for (const id of ids) {
      if (clearing.has(id)) continue
      const done = clearUp(client, id)
        .catch(onError)
        .then(() => void clearing.delete(id))
      clearing.set(id, done)
    }
  }
  const renew = async (): Promise<void> => {
    const wasAway = connection === undefined
    const began = clock.elapsed()
    const client = await open()
    const { rows } = await client.query<{ held: boolean; living: string[]; dead: string[] }>(renewStatement, [
      instanceId,
      ms,
    ])
    const [row] = rows
    if (row === undefined) throw new Error('The database did not say who is alive.')
    if (row.held) renewedAt = began
    else await join()
    living = row.living
    isStranded = false
    if (wasAway || !row.held) returned()
    clearUpAfter(client, row.dead)
  }
  const keepRenewing = async (): Promise<void> => {
    let pause = interval
    for (;;) {
      await clock.sleep(pause, closing.signal)
      if (closing.signal.aborted) return
      try {
        await renew()
        pause = interval
      } catch (error) {
        if (closing.signal.aborted) return
        onError(error)
        drop()
        pause = interval / 4
        // A restart of the database is over by then.
        if (!isStranded && living.length > 0 && clock.elapsed() - renewedAt >= 2 * ms) {
          isStranded = true
          stranded()
        }
      }
    }
  }

  try {
    await join()
    await renew() // and learn at once who else is there
  } catch (error) {
    drop()
    throw error
  }
  const kept = keepRenewing()
  return {
    get instanceId() {
      return instanceId
    },
    // Less a tenth: clocks need not run equally fast.
    holds: () => clock.elapsed() - renewedAt < ms * 0.9,
    async leave() {
      closing.abort()
      await kept
      await Promise.all(clearing.values())
      try {
        await (await open()).query(leaveStatement, [instanceId])
      } catch {
        // Its lease is going to be over anyway.
      }
      drop()
    },
  }
}

async function connect(url: string, patience: number, broke: (client: pg.Client) => void): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: 'twincast lease',
    connectionTimeoutMillis: patience,
    query_timeout: patience,
    // What a crash of the database loses of a lease, its holder writes again.
    options: `-c synchronous_commit=off -c statement_timeout=${Math.ceil(patience)}`,
  })
  client.on('error', () => broke(client))
  try {
    await client.connect()
  } catch (error) {
    broke(client)
    throw error
  }
  return client
}

/** The lease of a process that has its database for itself: it costs nothing, and never ends. */
export async function takeLeaseForGood(db: Reader): Promise<KeptLease> {
  const instanceId = randomUUID()
  await db.query(sql`insert into instance (id, lease_until) values (${instanceId}, 'infinity')`)
  return { instanceId, holds: () => true, leave: async () => {} }
}

/** Clears up after all others: for a process that knows itself to be alone, whatever their rows say. */
export async function outlive(
  db: Reader,
  { instanceId }: Lease,
  clear: (instanceId: string) => Promise<void>,
): Promise<void> {
  const dead = await db.query<{ id: string }>(
    // What they began may not be over: their connections end a moment after them.
    sql`with others as (select id from instance where id <> ${instanceId} for update)
        update instance set lease_until = '-infinity' from others where instance.id = others.id returning instance.id`,
  )
  for (const { id } of dead) {
    await clear(id)
    await db.query(sql`delete from instance where id = ${id}`)
  }
}
