import { randomUUID } from 'node:crypto'
import { type Sql, sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import type { Clock } from '../clock.ts'
import { type InstanceRole, instanceRoles } from '../instance-roles.ts'
import { clockDifference, clockTolerance } from './clock-difference.ts'
import type { Reader } from './reader.ts'
import type { Servers } from './servers.ts'

/**
 * How long this run of a process counts as alive on its database. While it does, no other instance cleans up its work.
 */
export type Lease = {
  /** Identifies this run in the presence of devices. It changes after other instances declared this one dead. */
  readonly instanceId: string
  /** Whether no instance can have declared this run dead yet. It reads the clock only. */
  holds(): boolean
  /**
   * Whether the clock of this machine was that of the database when the lease was renewed last. Otherwise this instance
   * must decide nothing by the time: no job starts, and no call is sent.
   */
  isClockRight(): boolean
}

/** A lease that is renewed. */
export type KeptLease = Lease & {
  /**
   * From now on the others do not count on this instance for any role: it is about to stop. Resolves when it has read
   * once more who the others are, or when that failed.
   */
  retire(): Promise<void>
  /** Ends this run: other instances may clean up after it at once. */
  leave(): Promise<void>
  /** Milliseconds by which the clock of the database was at least ahead of this machine's; see `clockDifference`. */
  clockDifference(): number
  /** The other instances that were alive when the lease was renewed last. */
  others(): readonly OtherInstance[]
}

/** Another instance that is alive, and what it told of itself. */
export type OtherInstance = {
  readonly id: string
  readonly roles: readonly string[]
  readonly demand: Demand
  /** The number of the last hint that it has sent. */
  readonly hints: number
}

/** What an instance has recently been asked for, by name, in units that all instances understand. */
export type Demand = Readonly<Record<string, number>>

/** SQL: whether an instance is alive, by PostgreSQL's clock at the start of the statement. */
export const isAlive = (instanceId: Sql): Sql => sql`exists (
  select from instance where instance.id = ${instanceId} and lease_until > statement_timestamp()
)`

/** Whether an instance is alive, by PostgreSQL's clock. */
export async function isInstanceAlive(db: Reader, instanceId: string): Promise<boolean> {
  const rows = await db.query(sql`select where ${isAlive(sql`${instanceId}`)}`, 'is-instance-alive')
  return rows.length > 0
}

/** Whether an instance other than this one is alive, by PostgreSQL's clock. */
export async function isAnotherAlive(db: Reader, instanceId: string): Promise<boolean> {
  const rows = await db.query(
    sql`select from instance where id <> ${instanceId} and lease_until > statement_timestamp() limit 1`,
    'is-another-alive',
  )
  return rows.length > 0
}

/**
 * Notified about this lease and those of other instances. The functions must not throw; `clear` is repeated when it
 * rejects.
 */
export type LeaseListener = {
  /**
   * Cleans up after an instance that was declared dead: one caller at a time, and repeated until it succeeds. Workers
   * do so. While none of them is alive, the other instances do, and the next worker does it again.
   */
  readonly clear: (instanceId: string) => Promise<void>
  /** After each renewal: the other instances that are alive. */
  readonly seen: (others: readonly OtherInstance[]) => void
  /** The clock of this machine has been found to be wrong, or to be right again. */
  readonly clockJudged: (isRight: boolean, differenceInMs: number) => void
  /** The database was unreachable, or had declared this instance dead, and is back. */
  readonly returned: () => void
  /** The database cannot be reached, and there were other instances, which may have taken over by now. */
  readonly stranded: () => void
}

// Any number that only Twincast uses; start-lock.ts has the numbers before it.
const clearingBatch = 7_468_116

const joinStatement = `insert into instance (id, lease_until, roles)
  values ($1, statement_timestamp() + $2::float8 * interval '1 millisecond', $3)`

/** An expired lease can be renewed until another instance has declared it dead. */
const renewStatement = `with renewed as (
    update instance
    set lease_until = statement_timestamp() + $2::float8 * interval '1 millisecond', demand = $3, hints = $4
    where id = $1 and lease_until > '-infinity'
    returning id
  )
  select exists (select from renewed) as held,
         extract(epoch from clock_timestamp())::float8 * 1000 as time,
         coalesce(
           json_agg(json_build_object('id', id, 'roles', roles, 'demand', demand, 'hints', hints))
             filter (where lease_until > statement_timestamp()),
           '[]'
         ) as living,
         coalesce(array_agg(id) filter (where lease_until <= statement_timestamp()), '{}') as dead
  from instance where id <> $1`

type Renewal = {
  readonly held: boolean
  /** By the clock of the database, in milliseconds since 1970 UTC. */
  readonly time: number
  readonly living: OtherInstance[]
  readonly dead: string[]
}

/**
 * Takes over the row of a dead instance and declares it dead. The lock waits for writes of presence and marks of calls
 * that began while the lease held. They are complete and visible before the clean-up starts.
 */
const declareDead = `with dead as (
    select id from instance where id = $1 and lease_until <= statement_timestamp() for update
  )
  update instance set lease_until = '-infinity' from dead where instance.id = dead.id returning instance.id`

const retireStatement = "update instance set roles = '{}' where id = $1"
const leaveStatement = `update instance set lease_until = '-infinity' where id = $1`
/**
 * Only while the instance that cleaned up holds the row: if it dies now, the next one repeats what it took over. An
 * instance that was declared dead itself leaves the row to others.
 */
const forget = `with alive as (
    select from instance where id = $2 and lease_until > '-infinity' for key share
  )
  delete from instance where id = $1 and lease_until = '-infinity' and exists (select from alive)`

/**
 * Takes part among the instances on a database. A row says until when this instance is alive; it is renewed three times
 * in that time, on a connection of its own that no other work can delay. An instance that no longer finds its row joins
 * again with a new id. Rejects when the first attempt fails.
 */
export async function holdLease(
  {
    servers,
    clock,
    machineClock = clock,
    ms,
    roles = instanceRoles,
    demand = () => ({}),
    hints = () => 0,
    onError,
  }: {
    readonly servers: Servers
    readonly clock: Clock
    /** What is compared with the clock of the database. Default: `clock`. */
    readonly machineClock?: Pick<Clock, 'now'>
    readonly ms: number
    /** Default: all. */
    readonly roles?: readonly InstanceRole[]
    /** Told to the others at each renewal. Default: nothing. */
    readonly demand?: () => Demand
    /** The number of the last hint that was sent; told to the others as well. Default: none was. */
    readonly hints?: () => number
    readonly onError: (error: unknown) => void
  },
  { clear, seen, clockJudged, returned, stranded }: LeaseListener,
): Promise<KeptLease> {
  const interval = ms / 3
  const closing = new AbortController()
  let connection: pg.Client | undefined
  let instanceId = randomUUID()
  let renewedAt = Number.NEGATIVE_INFINITY
  let living: readonly OtherInstance[] = []
  let isStranded = false
  let difference = 0
  const isClockRight = (): boolean => Math.abs(difference) <= clockTolerance
  const clearing = new Map<string, Promise<void>>()
  const isWorker = roles.includes('worker')
  /** The dead after which this instance has cleaned up, and whose rows it leaves to a worker. */
  const cleared = new Set<string>()

  const drop = (client = connection): void => {
    if (client === connection) connection = undefined
    // The socket may be dead: do not wait for a graceful close.
    void client?.end().catch(() => {})
  }
  const open = async (): Promise<pg.Client> => {
    connection ??= await connect(servers.current.url, interval, drop)
    return connection
  }
  const join = async (): Promise<void> => {
    const id = randomUUID()
    const began = clock.elapsed()
    await (await open()).query(joinStatement, [id, ms, roles])
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
      // Only workers read the marks of the dead: one that starts now may have read them before this was declared dead.
      if (isWorker) await client.query(forget, [id, instanceId])
      else cleared.add(id)
    } finally {
      await client.query('select pg_advisory_unlock($1, hashtext($2))', claim)
    }
  }
  /** After a failure, the next renewal finds the instance dead again. */
  const clearUpAfter = (client: pg.Client, ids: readonly string[]): void => {
    for (const id of cleared) if (!ids.includes(id)) cleared.delete(id)
    if (!isWorker && living.some((other) => other.roles.includes('worker'))) return
    for (const id of ids) {
      if (clearing.has(id) || cleared.has(id)) continue
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
    const before = machineClock.now().getTime()
    const { rows } = await client.query<Renewal>(renewStatement, [instanceId, ms, demand(), hints()])
    const after = machineClock.now().getTime()
    const [row] = rows
    if (row === undefined) throw new Error('The database returned no list of live instances.')
    const wasClockRight = isClockRight()
    difference = clockDifference({ before, time: row.time, after })
    if (isClockRight() !== wasClockRight) clockJudged(!wasClockRight, difference)
    if (row.held) renewedAt = began
    else await join()
    living = row.living
    isStranded = false
    seen(living)
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
        // A restart of the database takes less time than this.
        if (!isStranded && living.length > 0 && clock.elapsed() - renewedAt >= 2 * ms) {
          isStranded = true
          stranded()
        }
      }
    }
  }

  try {
    await join()
    await renew() // and learn at once about other instances
  } catch (error) {
    drop()
    throw error
  }
  const kept = keepRenewing()
  return {
    get instanceId() {
      return instanceId
    },
    // Less 10 %: clocks may run at different speeds.
    holds: () => clock.elapsed() - renewedAt < ms * 0.9,
    isClockRight,
    clockDifference: () => difference,
    others: () => living,
    async retire() {
      try {
        await (await open()).query(retireStatement, [instanceId])
        await renew()
      } catch (error) {
        onError(error)
      }
    },
    async leave() {
      closing.abort()
      await kept
      await Promise.all(clearing.values())
      try {
        await (await open()).query(leaveStatement, [instanceId])
      } catch {
        // The lease expires anyway.
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
    // If a crash of the database loses a renewal, the holder renews again.
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

/**
 * The lease of a process that is alone on its database: it costs nothing and never ends. The database is on the same
 * machine, so they have one clock.
 */
export async function takeLeaseForGood(db: Reader): Promise<KeptLease> {
  const instanceId = randomUUID()
  await db.query(sql`insert into instance (id, lease_until) values (${instanceId}, 'infinity')`)
  return {
    instanceId,
    holds: () => true,
    isClockRight: () => true,
    clockDifference: () => 0,
    others: () => [],
    retire: async () => {},
    leave: async () => {},
  }
}

/** Cleans up after all other instances, whatever their rows say. For a process that knows that it is alone. */
export async function outlive(
  db: Reader,
  { instanceId }: Lease,
  clear: (instanceId: string) => Promise<void>,
): Promise<void> {
  const dead = await db.query<{ id: string }>(
    // Their work may not be over: their connections end a moment after the processes.
    sql`with others as (select id from instance where id <> ${instanceId} for update)
        update instance set lease_until = '-infinity' from others where instance.id = others.id returning instance.id`,
  )
  for (const { id } of dead) {
    await clear(id)
    await db.query(sql`delete from instance where id = ${id}`)
  }
}
