import { sqltag as sql } from '@prisma/client/runtime/client'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDb, type Db } from '../../src/database/client.ts'
import { isOutage } from '../../src/database/outage.ts'
import { serversOf } from '../../src/database/servers.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { openDatabaseProxy, type TcpProxy, type Weather } from '../support/tcp-proxy.ts'

let database: TestDatabase
let proxy: TcpProxy & { readonly url: string }
let db: Db
let lines: string[]
let backs: number
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  proxy = await openDatabaseProxy(database.url)
  lines = []
  backs = 0
  db = createDb(serversOf(proxy.url), {
    limits: { ...defaultLimits, databaseSilence: 2_000 },
    log: pino({}, { write: (line) => lines.push(JSON.parse(line).msg) }),
    onBack: () => backs++,
  })
  await Promise.all([readWithAll(), db.transaction((tx) => tx.query(sql`select 1`))])
})
afterEach(async () => {
  await db.close()
  await proxy.close()
})

const readWithAll = () =>
  Promise.all([
    ...Array.from({ length: 3 }, () => db.query(sql`select 1 as one`)),
    ...Array.from({ length: 3 }, () => db.reads.query(sql`select 1 as one`)),
    ...Array.from({ length: 3 }, () => db.prisma.device.findMany()),
  ])
const works = () =>
  readWithAll().then(
    () => true,
    () => false,
  )
/** How pieces of work of every kind end that have been begun and cannot be answered. */
const endsOf = (pieces: readonly Promise<unknown>[]) =>
  Promise.allSettled(pieces).then((ends) => ends.map((end) => end.status === 'rejected' && isOutage(end.reason)))
const beginAll = (): Promise<unknown>[] => [
  db.query(sql`select 1`),
  db.query(sql`select 1`, 'a-named-one'),
  db.reads.query(sql`select 1`),
  db.prisma.device.findMany(),
  db.prisma.device.count(),
  db.transaction((tx) => tx.query(sql`select 1`)),
  db.transaction((tx) => tx.query(sql`select 1`), 600_000),
  db.boundedRead({ caller: 'test' }, 600_000, (reader) => reader.query(sql`select 1`)),
]

const sleeping = sql`select pg_sleep(600)`
const asleep = "from pg_stat_activity where wait_event = 'PgSleep' and datname = current_database()"
const sleepers = async () => (await database.pool.query(`select ${asleep}`)).rows.length
/** PostgreSQL does not notice that a connection has gone whose statement sleeps. */
const endSleepers = () => database.pool.query(`select pg_terminate_backend(pid, 10000) ${asleep}`)

const hangs = ['stall', 'drop'] as const

test.each(hangs)(
  'statements of every kind on connections that %s end as an outage, and later ones work',
  async (how) => {
    proxy.breakOpen(how)
    const pieces = beginAll()
    const ends = await endsOf(pieces)
    expect(ends).toContain(true)
    // One for which a connection was opened just then is answered.
    const answered = (await Promise.allSettled(pieces)).map(({ status }) => status === 'fulfilled')
    expect(ends.map((isOutage, index) => isOutage || answered[index])).toEqual(ends.map(() => true))
    await expect.poll(works).toBe(true)
    expect(lines).toContain('database connections do not respond; opening new ones')
    // The database did answer, on new connections.
    expect(lines).not.toContain('database unreachable, retrying')
  },
)

test.each(hangs)('connections that %s while nobody uses them are replaced before anybody does', async (how) => {
  proxy.breakOpen(how)
  await expect.poll(() => lines).toContain('database connections do not respond; opening new ones')
  expect(await works()).toBe(true)
})

test.each<Weather>(['stall', 'drop', 'refuse', 'reset'])(
  'a database that is away (%s) is noticed, told of once, and found when it is back',
  async (how) => {
    await proxy.become(how)
    const begun = endsOf(beginAll())
    await expect.poll(() => db.trouble()).toBe('The database does not answer.')
    const ends = await begun
    expect(ends).toEqual(ends.map(() => true))
    // From now on nobody waits.
    expect(await endsOf(beginAll())).toEqual(ends)
    expect(await works()).toBe(false)
    expect(lines.filter((line) => line === 'database unreachable, retrying')).toHaveLength(1)
    expect(backs).toBe(0)

    await proxy.become('forward')
    await expect.poll(() => backs).toBe(1)
    expect(db.trouble()).toBeUndefined()
    expect(await works()).toBe(true)
    expect(lines.filter((line) => line === 'database reachable again')).toHaveLength(1)
  },
)

/** Runs as many transactions at once as the pool has connections; answers how many were answered. */
async function useAll(hub: Db, connections: number): Promise<number> {
  let begun = 0
  let goOn = (): void => {}
  const allBegun = new Promise<void>((resolve) => {
    goOn = resolve
  })
  const transactions = Promise.allSettled(
    Array.from({ length: connections }, () =>
      hub.transaction(async (tx) => {
        await tx.query(sql`select 1`)
        begun++
        await allBegun
        return tx.query(sql`select 1`)
      }, 60_000),
    ),
  )
  try {
    await expect.poll(() => begun).toBe(connections)
  } finally {
    goOn()
  }
  return (await transactions).filter(({ status }) => status === 'fulfilled').length
}

test.each(hangs)(
  'of healthy connections, the one that %s is given up with its statement, and another takes its place',
  async (how) => {
    // The time of the statement ends it, long before the health check could.
    const limits = { ...defaultLimits, databaseStatement: 3_000, databaseSilence: 60_000, instanceLease: 60_000 }
    const { databaseConnections } = limits
    const log = pino({}, { write: (line) => lines.push(JSON.parse(line).msg) })
    await db.close()
    db = createDb(serversOf(proxy.url), { limits, log })
    expect(await useAll(db, databaseConnections)).toBe(databaseConnections)
    proxy.breakNext(how, 'as hung')
    let ends: readonly boolean[] | undefined
    void endsOf([db.query(sql`select 1 as hung`)]).then((found) => {
      ends = found
    })
    expect(await db.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
    await expect.poll(() => ends).toEqual([true])
    expect(await useAll(db, databaseConnections)).toBe(databaseConnections)
    expect(lines).toEqual([])
    expect(db.trouble()).toBeUndefined()
  },
)

test.each(hangs)('connections that %s do not keep the hub from its end', async (how) => {
  const ends = endsOf([
    db.transaction((tx) => tx.query(sleeping), 600_000),
    db.reads.query(sleeping),
    db.prisma.$queryRaw(sleeping),
  ])
  await expect.poll(sleepers).toBe(3)
  proxy.breakOpen(how)
  await db.close()
  expect(await ends).toEqual([true, true, true])
  await endSleepers()
})

test('a database that is read-only cannot be used until it can be written', async () => {
  const { rows } = await database.pool.query('select current_database() as name')
  /** Sessions take the setting when they begin, as they do when a standby takes over. */
  const become = async (setting: 'on' | 'off') => {
    await database.pool.query(`alter database "${rows[0]?.name}" set default_transaction_read_only = ${setting}`)
    await database.pool.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where application_name = 'twincast health check' and datname = current_database()`,
    )
  }
  await become('on')
  await expect.poll(() => db.trouble()).toMatch(/^The database is read-only: /)
  await become('off')
  await expect.poll(() => db.trouble()).toBeUndefined()
  expect(lines).toContain('database can be written again')
})

test('a statement that takes too long is cancelled by the server, and its connection is good for the next', async () => {
  const brief = createDb(serversOf(database.url), {
    limits: { ...defaultLimits, databaseStatement: 200 },
    log: pino({ level: 'silent' }),
  })
  const slow = sql`select pg_sleep(600)`
  await expect(brief.query(slow)).rejects.toMatchObject({ code: '57014' })
  await expect(brief.reads.query(slow)).rejects.toMatchObject({ code: '57014' })
  await expect(brief.transaction((tx) => tx.query(slow))).rejects.toMatchObject({ code: '57014' })
  await expect(brief.transaction((tx) => tx.query(slow), 300)).rejects.toMatchObject({ code: '57014' })
  const longer = brief.transaction((tx) => tx.query(sql`select 1 as one from pg_sleep(0.5)`), 60_000)
  expect(await longer).toEqual([{ one: 1 }])
  await brief.close()
})

test.each(hangs)('a database that hangs (%s) is closed sooner when it was given up than politely', async (how) => {
  const polite = createDb(serversOf(proxy.url), { limits: defaultLimits, log: pino({ level: 'silent' }) })
  const ends = endsOf([polite.query(sleeping), db.query(sleeping), db.reads.query(sleeping)])
  await expect.poll(sleepers).toBe(3)
  proxy.breakOpen(how)
  const closed: string[] = []
  const closings = [polite.close().then(() => closed.push('politely'))]
  db.giveUp()
  closings.push(db.close().then(() => closed.push('given up')))
  await Promise.all(closings)
  expect(closed).toEqual(['given up', 'politely'])
  expect(await ends).toEqual([true, true, true])
  await endSleepers()
})

test('when a database is given up that answers, all ends: what is under way, what waits for a connection, what comes', async () => {
  const most = defaultLimits.databaseConnections + defaultLimits.databaseReadConnections
  const bounded = (caller: string) => db.boundedRead({ caller }, 600_000, (reader) => reader.query(sleeping))
  const begun = endsOf(
    Array.from({ length: most + 1 }, (_, n) => [db.query(sleeping), db.reads.query(sleeping), bounded(`${n}`)]).flat(),
  )
  await expect.poll(sleepers).toBe(most)
  db.giveUp()
  expect(db.trouble()).toBe('The connection to the database was abandoned because the hub is stopping.')
  const ends = [...(await begun), ...(await endsOf([db.query(sql`select 1`), db.reads.query(sql`select 1`)]))]
  expect(new Set(ends)).toEqual(new Set([true]))
  await endSleepers()
})
