import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDeps, type TestDeps } from '../support/deps.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
})
afterAll(() => deps.close())

const sleep = (seconds: number) => sql`select pg_sleep(${seconds})`

test('a read that is quick enough is answered', async () => {
  expect(await deps.db.boundedRead(10_000, (db) => db.query(sql`select 1 as one`))).toEqual([{ one: 1 }])
})

test('a read that is not is given up, and the connection is as good as before', async () => {
  expect(await deps.db.boundedRead(20, (db) => db.query(sleep(60)))).toBeUndefined()
  for (let connection = 0; connection < 8; connection++) {
    const timeouts = await deps.db.reads.query(sql`select current_setting('statement_timeout') as timeout`)
    expect(timeouts).toEqual([{ timeout: '2min' }])
  }
})

test('reads that are given up leave room for others', async () => {
  const reads = Array.from({ length: 20 }, () => deps.db.boundedRead(20, (db) => db.query(sleep(60))))
  expect(new Set(await Promise.all(reads))).toEqual(new Set([undefined]))
  expect(await deps.db.reads.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
})

test('however many come at once, other reads find a connection, and who would have to wait long is turned away', async () => {
  const lock = sql`select 1 as one from pg_advisory_xact_lock(4711)`
  const answers: (readonly unknown[] | undefined)[] = []
  const ask = async () => answers.push(await deps.db.boundedRead(60_000, (db) => db.query(lock)))
  const asked = await deps.db.transaction(async (tx) => {
    await tx.query(lock)
    const reads = Array.from({ length: 50 }, ask)
    expect(await deps.db.reads.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
    expect(answers).toEqual(Array.from({ length: 30 }, () => undefined))
    return reads
  })
  await Promise.all(asked)
  expect(answers.slice(30)).toEqual(Array.from({ length: 20 }, () => [{ one: 1 }]))
})

test('it can only read', async () => {
  const write = sql`update hub set request_key = ''`
  await expect(deps.db.boundedRead(10_000, (db) => db.query(write))).rejects.toMatchObject({ code: '25006' })
})

test('another failure is none of time', async () => {
  await expect(deps.db.boundedRead(10_000, (db) => db.query(sql`select 1 / 0`))).rejects.toMatchObject({
    code: '22012',
  })
})
