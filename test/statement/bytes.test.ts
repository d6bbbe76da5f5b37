import { afterAll, beforeAll, expect, test } from 'vitest'
import type { JsonObject } from '../../src/json/json.ts'
import { answer, dispatch, start } from '../graphql/facts.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob } from '../support/rows.ts'
import { runStatement } from './run.ts'

// A page of 64 KB, and rows of more than 10 KB each.

const pageBytes = 64 * 1024
const ids = Array.from({ length: 20 }, (_, index) => `pump-${String(index + 1).padStart(4, '0')}`)
let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps(undefined, {}, { pageBytes })
  await givenDevices(deps, 'pump', 20)
  await givenMethodJob(deps, 'pump', {}, { jobId: 'read' })
  await start(deps, 'read')
  const targets = ids.map((deviceId) => ({ jobId: 'read', deviceId }))
  await dispatch(deps, ...targets)
  const payload = JSON.stringify({ text: 'p'.repeat(10_000) })
  await answer(deps, ...targets.map((target) => ({ ...target, response: { status: 200, payload } })))
  await deps.database.pool.query(`
    update twin set
      tags = jsonb_build_object('note', device_id || repeat('n', 10000)),
      reported = jsonb_build_object('large', repeat('r', 100000))
    where device_id <> 'pump-0020'`)
  await deps.database.pool.query(`update twin set reported = '{}' where device_id <= 'pump-0010'`)
})
afterAll(() => deps.close())

const run = (text: string, size: number, continuation?: string) =>
  runStatement(deps, { caller: 'test' }, text, { size, continuation })

/** All pages, of which each has as many bytes as it may have at most. */
async function pagesOf(text: string, size: number): Promise<(readonly JsonObject[])[]> {
  const pages: (readonly JsonObject[])[] = []
  let continuation: string | undefined
  do {
    const page = await run(text, size, continuation)
    expect(JSON.stringify(page.items).length).toBeLessThan(pageBytes + 1000)
    pages.push(page.items)
    continuation = page.continuation
  } while (continuation !== undefined)
  return pages
}

const early = "WHERE deviceId <= 'pump-0010'"

test.each([
  ['whole twins', `SELECT * FROM devices ${early}`, 10],
  ['selected members', 'SELECT deviceId, tags.note FROM devices', 20],
  ['groups', 'SELECT tags.note, COUNT() AS n FROM devices GROUP BY tags.note', 20],
  ['device jobs', 'SELECT * FROM devices.jobs', 20],
  [
    'members of device jobs',
    'SELECT deviceId, outcome.deviceMethodResponse.payload.text AS t, outcome FROM devices.jobs',
    20,
  ],
])('a page of %s ends early, and the next goes on behind it', async (_, text, count) => {
  const pages = await pagesOf(text, 100)
  expect(pages.length).toBeGreaterThan(1)
  const rows = pages.flat().map((row) => JSON.stringify(row))
  expect(rows).toHaveLength(count)
  expect(new Set(rows).size).toBe(count)
})

test('TOP counts the rows that came, not those that were asked for', async () => {
  const pages = await pagesOf(`SELECT TOP 8 * FROM devices ${early}`, 100)
  expect(pages.length).toBeGreaterThan(1)
  expect(pages.flat()).toHaveLength(8)
})

test.each([
  ['a twin', "SELECT * FROM devices WHERE deviceId = 'pump-0011'"],
  ['a selected member', "SELECT properties.reported FROM devices WHERE deviceId = 'pump-0011'"],
  [
    'a member that is selected under many keys',
    `SELECT ${Array.from({ length: 9 }, (_, n) => `tags AS a${n}`)} FROM devices`,
  ],
  ['all rows together', 'SELECT MAX(properties.reported.large) FROM devices'],
])('%s that is larger than a page is refused', async (_, text) => {
  await expect(run(text, 100)).rejects.toMatchObject({
    code: 'LIMIT_EXCEEDED',
    limit: 'pageBytes',
    maximum: pageBytes,
    message: expect.stringContaining('Select fewer or smaller members'),
  })
})

test('a row that is larger than a page ends the page before it', async () => {
  const { items, continuation } = await run(
    "SELECT deviceId, properties.reported FROM devices WHERE deviceId >= 'pump-0009'",
    100,
  )
  expect(items.map(({ deviceId }) => deviceId)).toEqual(['pump-0009', 'pump-0010'])
  expect(continuation).toBeDefined()
})
