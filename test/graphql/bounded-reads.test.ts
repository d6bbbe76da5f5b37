import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { LimitExceededError } from '../../src/errors.ts'
import { boundedReads } from '../../src/graphql/bounded-reads.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let clock: TestClock
let deps: TestDeps
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())

type Row = { readonly of: string; readonly number: number }

/** What was asked for, a call of `find` a list; each takes `cost` milliseconds. */
let asked: string[][]
let cost: number
beforeEach(() => {
  asked = []
  cost = 0
})
const makeRead = () =>
  boundedReads<undefined, Row>(
    'numbers',
    async (db, _scope, parents) => {
      clock.advance(cost)
      asked.push([...parents])
      return await db.query<Row>(
        sql`select "of", ${asked.length}::integer as number from unnest(${parents}::text[]) as given ("of")`,
      )
    },
    ({ of }) => of,
  )

test('what is asked in one turn is read at once, each parent once', async () => {
  const read = makeRead()
  const rows = await Promise.all(['a', 'b', 'a'].map((parent) => read(deps, everything, parent, undefined)))
  expect(rows).toEqual([[{ of: 'a', number: 1 }], [{ of: 'b', number: 1 }], [{ of: 'a', number: 1 }]])
  expect(asked).toEqual([['a', 'b']])
})

test('what was cheap is read again at once', async () => {
  const read = makeRead()
  cost = 19
  await read(deps, everything, 'a', undefined)
  expect(await read(deps, everything, 'a', undefined)).toEqual([{ of: 'a', number: 2 }])
})

test('an error that may be over at once is not kept, however long it took', async () => {
  let failures = 0
  const read = boundedReads<undefined, Row>(
    'numbers',
    async () => {
      clock.advance(10_000)
      if (failures++ === 0) throw new Error('Connection terminated')
      return [{ of: 'a', number: 1 }]
    },
    ({ of }) => of,
  )
  await expect(read(deps, everything, 'a', undefined)).rejects.toThrow('Connection terminated')
  expect(await read(deps, everything, 'a', undefined)).toEqual([{ of: 'a', number: 1 }])
})

test('what took long is not read again before ten times as long, whatever else is read', async () => {
  const read = makeRead()
  cost = 300
  await read(deps, everything, 'a', undefined)
  cost = 0
  clock.advance(2_000)
  await read(deps, everything, 'b', undefined)
  clock.advance(999)
  expect(await read(deps, everything, 'a', undefined)).toEqual([{ of: 'a', number: 1 }])
  clock.advance(1)
  expect(await read(deps, everything, 'a', undefined)).toEqual([{ of: 'a', number: 3 }])
})

test('what one database says is not answered for another', async () => {
  const read = makeRead()
  cost = 300
  await read(deps, everything, 'a', undefined)
  expect(await read({ ...deps, db: { ...deps.db } }, everything, 'a', undefined)).toEqual([{ of: 'a', number: 2 }])
})

test('what is read for one scope is not answered for another', async () => {
  const scopes: string[] = []
  const read = boundedReads<undefined, Row>(
    'numbers',
    async (_db, scope) => {
      clock.advance(300)
      scopes.push(scope.key)
      return [{ of: 'a', number: scopes.length }]
    },
    ({ of }) => of,
  )
  const north = scopeOf(["tags.site = 'north'"])
  for (const scope of [everything, north, scopeOf([]), scopeOf(["tags.site = 'north'"]), everything]) {
    await read(deps, scope, 'a', undefined)
  }
  expect(scopes).toEqual([everything.key, north.key, '[]'])
})

test('what takes more time than there is ends as a LimitExceededError, which is not tried again at once', async () => {
  let tries = 0
  const read = boundedReads(
    'numbers',
    (db) => {
      tries++
      clock.advance(10_000)
      return db.query(sql`select pg_sleep(30)`)
    },
    String,
  )
  const limits: number[] = []
  const hurried: typeof deps.db = {
    ...deps.db,
    boundedRead: (asker, ms, work) => {
      limits.push(ms)
      return deps.db.boundedRead(asker, ms / 200, work)
    },
  }
  const ask = () => read({ db: hurried, clock }, everything, 'a', undefined)
  const refusal = await ask().catch((error: unknown) => error)
  expect(refusal).toBeInstanceOf(LimitExceededError)
  expect(refusal).toMatchObject({
    message: 'Reading the numbers took too long. Try again later.',
    retryAfterSeconds: 100,
  })
  expect(limits).toEqual([10_000])
  clock.advance(99_999)
  await expect(ask()).rejects.toThrow(LimitExceededError)
  expect(tries).toBe(1)
  clock.advance(1)
  await expect(ask()).rejects.toThrow(LimitExceededError)
  expect(tries).toBe(2)
})
