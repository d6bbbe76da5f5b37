import { sqltag as sql } from '@prisma/client/runtime/client'
import pg from 'pg'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { boundedFragment } from '../../src/database/bounded-fragment.ts'
import { type BoundedRead, limitTime, readInTime, readPage } from '../../src/database/bounded-read.ts'
import { askIfReadOnly } from '../../src/database/servers.ts'
import { LimitExceededError, OutOfTimeError } from '../../src/errors.ts'
import { defaultLimits } from '../../src/limits/limits.ts'
import { createTestClock } from '../support/clock.ts'
import { openTestDb } from '../support/database.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
})
afterAll(() => deps.close())

const asker = { caller: 'a' }
const sleep = (seconds: number) => sql`select pg_sleep(${seconds})`
/** Waits until it is let go by `locked`. */
const wait = sql`select 1 as one from pg_advisory_xact_lock_shared(4711)`

/** Keeps statements that `wait` while the work goes on. */
const locked = <T>(work: () => Promise<T>): Promise<T> =>
  deps.db.transaction(async (tx) => {
    await tx.query(sql`select pg_advisory_xact_lock(4711)`)
    return await work()
  })

/** How many statements of bounded reads PostgreSQL works on. */
async function underWay(): Promise<number> {
  const { rows } = await deps.database.pool.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and state = 'active' and application_name like 'twincast read %'`,
  )
  return rows.length
}

/** How many other statements of the same pool it works on. */
async function othersUnderWay(): Promise<number> {
  const { rows } = await deps.database.pool.query(
    `select 1 from pg_stat_activity
     where datname = current_database() and state = 'active' and application_name = 'twincast reads'`,
  )
  return rows.length
}

test('a read that is quick enough is answered', async () => {
  expect(await deps.db.boundedRead(asker, 10_000, (db) => db.query(sql`select 1 as one`))).toEqual([{ one: 1 }])
})

test('a read that is not is given up, and the connection is as good as before', async () => {
  const pidOf = () =>
    deps.db.boundedRead(asker, 10_000, (db) =>
      db.query<{ pid: number }>(sql`select pg_backend_pid() as pid, current_setting('statement_timeout') as timeout`),
    )
  const before = await pidOf()
  expect(before).toMatchObject([{ timeout: '10s' }])
  expect(await deps.db.boundedRead(asker, 20, (db) => db.query(sleep(60)))).toBeUndefined()
  expect(await pidOf()).toEqual(before)
})

test('other reads do not have its settings', async () => {
  await deps.db.boundedRead(asker, 20, (db) => db.query(sql`select 1`))
  for (let connection = 0; connection < 8; connection++) {
    const settings = await deps.db.reads.query(
      sql`select current_setting('statement_timeout') as timeout, current_setting('application_name') as name,
            current_setting('default_transaction_read_only') as only`,
    )
    expect(settings).toEqual([{ timeout: '12s', name: 'twincast reads', only: 'off' }])
  }
})

test('a read with the time limit of the one before is one round trip', async () => {
  const read = (ms: number) => deps.db.boundedRead(asker, ms, (db) => db.query(sql`select 7 as seven`))
  await read(10_000)
  const query = vi.spyOn(pg.Client.prototype, 'query')
  const sent = () =>
    query.mock.calls
      .splice(0)
      .map(([statement]) => String(Reflect.get(Object(statement), 'text') ?? statement))
      .filter((text) => text !== askIfReadOnly) // the health check
  try {
    expect(await read(10_000)).toEqual([{ seven: 7 }])
    expect(sent()).toEqual(['select 7 as seven'])
    expect(await read(9_000.5)).toEqual([{ seven: 7 }])
    expect(sent()).toEqual(['set statement_timeout = 9001', 'select 7 as seven'])
  } finally {
    query.mockRestore()
  }
})

test('each read has its own time limit, whatever the one before on the connection had', async () => {
  for (const ms of [60_000, 20_000, 60_000]) {
    const settings = await deps.db.boundedRead(asker, ms, (db) =>
      db.query(sql`select setting::integer as ms from pg_settings where name = 'statement_timeout'`),
    )
    expect(settings).toEqual([{ ms }])
  }
})

test('reads that are given up leave room for others', async () => {
  const reads = Array.from({ length: 20 }, () => deps.db.boundedRead(asker, 20, (db) => db.query(sleep(60))))
  expect(new Set(await Promise.all(reads))).toEqual(new Set([undefined]))
  expect(await deps.db.reads.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
})

test('however many one caller asks at once, another caller and other reads find a connection', async () => {
  const clock = createTestClock()
  const db = openTestDb(deps.database.url, {}, clock)
  const one = sql`select 1 as one`
  try {
    const answers = await locked(async () => {
      const reads = Array.from({ length: 50 }, () => db.boundedRead(asker, 60_000, (reader) => reader.query(wait)))
      await expect.poll(underWay).toBe(1)
      clock.advance(2_000)
      await expect.poll(underWay).toBe(2)
      expect(await db.boundedRead({ caller: 'b' }, 10_000, (reader) => reader.query(one))).toEqual([{ one: 1 }])
      expect(await db.reads.query(one)).toEqual([{ one: 1 }])
      expect(await underWay()).toBe(2)
      return reads
    })
    expect(await Promise.all(answers)).toEqual(Array.from({ length: 50 }, () => [{ one: 1 }]))
  } finally {
    await db.close()
  }
})

test('all callers together use at most half of the read connections', async () => {
  const answers = await locked(async () => {
    const callers = ['a', 'b', 'c', 'd', 'e']
    const bounded = callers.flatMap((caller) =>
      [1, 2, 3].map(() => deps.db.boundedRead({ caller }, 60_000, (db) => db.query(wait))),
    )
    const half = defaultLimits.databaseReadConnections / 2
    await expect.poll(underWay).toBe(half)
    const others = Array.from({ length: half }, () => deps.db.reads.query(wait))
    await expect.poll(othersUnderWay).toBe(half)
    expect(await underWay()).toBe(half)
    return [...bounded, ...others]
  })
  expect(await Promise.all(answers)).toEqual(answers.map(() => [{ one: 1 }]))
})

test('when a caller has gone PostgreSQL stops its statement, nothing more is read, and the turn is free', async () => {
  const gone = new AbortController()
  const clock = createTestClock()
  const db = openTestDb(deps.database.url, {}, clock)
  let went = 0
  const read = () =>
    db.boundedRead({ caller: 'a', signal: gone.signal }, 60_000, async (reader) => {
      await reader.query(sleep(60)).catch(() => {})
      went++
      return await reader.query(sleep(60))
    })
  try {
    const reads = [read(), read(), read()]
    await expect.poll(underWay).toBe(1)
    clock.advance(2_000)
    await expect.poll(underWay).toBe(2)
    gone.abort()
    expect(await Promise.all(reads)).toEqual([undefined, undefined, undefined])
    expect(went).toBe(2)
    expect(await underWay()).toBe(0)
    expect(await db.boundedRead(asker, 10_000, (reader) => reader.query(sql`select 1 as one`))).toEqual([{ one: 1 }])
  } finally {
    await db.close()
  }
})

test('a read whose caller hangs up as it ends does not end the next one on the connection', async () => {
  const brief = openTestDb(deps.database.url, { databaseReadConnections: 2 })
  try {
    for (let round = 0; round < 30; round++) {
      const gone = new AbortController()
      const read = brief.boundedRead({ caller: 'a', signal: gone.signal }, 60_000, async (db) => {
        const rows = db.query(sql`select 1 as one from pg_sleep(${(round % 3) / 1000})`)
        if (round % 2 === 0) gone.abort()
        return await rows.finally(() => gone.abort())
      })
      const next = brief.boundedRead({ caller: 'b' }, 60_000, (db) =>
        db.query(sql`select 2 as two from pg_sleep(0.005)`),
      )
      await read
      expect(await next).toEqual([{ two: 2 }])
    }
  } finally {
    await brief.close()
  }
})

test('a failed read leaves nothing under way on its connection', async () => {
  const brief = openTestDb(deps.database.url, { databaseReadConnections: 2 })
  try {
    const pid = () => brief.boundedRead(asker, 10_000, (db) => db.query(sql`select pg_backend_pid() as pid`))
    const before = await pid()
    const failing = brief.boundedRead(asker, 10_000, (db) =>
      Promise.all([db.query(sql`select 1 / 0`), db.query(sql`select pg_sleep(0.05)`)]),
    )
    await expect(failing).rejects.toMatchObject({ code: '22012' })
    const { rows } = await deps.database.pool.query(
      `select state from pg_stat_activity where datname = current_database() and state = 'active' and query like '%pg_sleep(0.05)%'
         and pid <> pg_backend_pid()`,
    )
    expect(rows).toEqual([])
    expect(await pid()).toEqual(before)
  } finally {
    await brief.close()
  }
})

test('a client that waits for the answer learns whether it took too long, or whether too much of it waits', async () => {
  const db = openTestDb(deps.database.url, { queriesWaiting: 1 })
  try {
    const read = (queryMs: number) =>
      readInTime({ db, limits: { ...defaultLimits, queryMs } }, asker, (reader) => reader.query(wait))
    const { reads, refusals } = await locked(async () => {
      await expect(read(20)).rejects.toThrow(OutOfTimeError)
      const refusals: unknown[] = []
      const reads = [1, 2, 3].map(() => read(60_000).catch((error: unknown) => refusals.push(error)))
      await expect.poll(() => refusals).toEqual([expect.any(LimitExceededError)])
      return { reads, refusals }
    })
    await Promise.all(reads)
    expect(refusals).toHaveLength(1)
    expect(refusals[0]).not.toBeInstanceOf(OutOfTimeError)
  } finally {
    await db.close()
  }
})

test.each([
  { queryMs: 10_000, pageMs: 100, query: 10_000, page: 100 },
  { queryMs: 50, pageMs: 100, query: 50, page: 50 },
])(
  'a page has $page ms and another read $query ms, when queries have $queryMs ms and pages $pageMs ms',
  async (given) => {
    const times: number[] = []
    const boundedRead: BoundedRead = async (_asker, ms) => {
      times.push(ms)
      return undefined
    }
    const limited = { db: { boundedRead }, limits: { ...defaultLimits, queryMs: given.queryMs, pageMs: given.pageMs } }
    for (const read of [readPage, readInTime]) {
      await expect(read(limited, asker, async () => [])).rejects.toThrow(LimitExceededError)
    }
    expect(times).toEqual([given.page, given.query])
  },
)

test('it can only read', async () => {
  const write = sql`update hub set request_key = ''`
  await expect(deps.db.boundedRead(asker, 10_000, (db) => db.query(write))).rejects.toMatchObject({ code: '25006' })
})

test('another failure is none of time', async () => {
  await expect(deps.db.boundedRead(asker, 10_000, (db) => db.query(sql`select 1 / 0`))).rejects.toMatchObject({
    code: '22012',
  })
})

test('a condition cannot be put into a statement for any other reader', async () => {
  const condition = { strings: ['true'], values: [] }
  // @ts-expect-error: without a limit of time.
  boundedFragment(deps.db, condition)
  // @ts-expect-error: as little as this.
  boundedFragment(deps.db.reads, condition)
  await deps.db.transaction(async (tx) => {
    // @ts-expect-error: and no transaction before `limitTime`.
    boundedFragment(tx, condition)
    expect(boundedFragment(await limitTime(tx, 1_000), condition).sql).toBe('true')
  })
})

test('heavy reads of a caller wait for its budget, and those of others do not', async () => {
  const clock = createTestClock()
  const db = openTestDb(deps.database.url, { heavyWork: 500 }, clock)
  const done: string[] = []
  const read = (name: string, ms: number) =>
    db.boundedRead({ caller: name.slice(0, 1) }, 10_000, async (reader) => {
      await reader.query(sql`select 1`)
      clock.advance(ms)
      done.push(name)
    })
  try {
    await read('a1', 1_000)
    const waiting = read('a2', 1)
    await read('b1', 1)
    await read('b2', 1)
    expect(done).toEqual(['a1', 'b1', 'b2'])
    clock.advance(1_000)
    await waiting
    expect(done).toEqual(['a1', 'b1', 'b2', 'a2'])
  } finally {
    await db.close()
  }
})
