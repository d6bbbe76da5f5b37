import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDevices } from '../../src/device/commands.ts'
import { InvalidInputError } from '../../src/errors.ts'
import type { JsonObject } from '../../src/json/json.ts'
import { everything } from '../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices } from '../support/rows.ts'
import { runStatement } from './run.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await givenDevices(deps, 'page', 25)
})
afterAll(() => deps.close())

const run = (text: string, size: number, continuation?: string) =>
  runStatement(deps, { caller: 'tester' }, text, { size, continuation })

/** All pages; `between` happens after each but the last. */
async function pagesOf(
  text: string,
  size: number,
  between: (page: number) => Promise<unknown> = async () => {},
): Promise<(readonly JsonObject[])[]> {
  const pages: (readonly JsonObject[])[] = []
  let continuation: string | undefined
  do {
    const page = await run(text, size, continuation)
    pages.push(page.items)
    continuation = page.continuation
    if (continuation !== undefined) await between(pages.length)
  } while (continuation !== undefined)
  return pages
}

const sizes = (pages: readonly (readonly unknown[])[]) => pages.map((page) => page.length)

describe('pages', () => {
  test.each<[string, number, number[]]>([
    ['SELECT deviceId FROM devices', 10, [10, 10, 5]],
    ['SELECT deviceId FROM devices', 25, [25]],
    ['SELECT * FROM devices', 24, [24, 1]],
    ['SELECT * FROM devices', 5000, [25]],
    ['SELECT TOP 7 * FROM devices', 3, [3, 3, 1]],
    ['SELECT TOP 6 deviceId FROM devices', 3, [3, 3]],
    ['SELECT TOP 3 deviceId FROM devices', 3, [3]],
    ['SELECT TOP 26 deviceId FROM devices', 20, [20, 5]],
    ['SELECT TOP 99999999999999999999 deviceId FROM devices', 20, [20, 5]],
    [`SELECT TOP ${'9'.repeat(300)} deviceId FROM devices`, 20, [20, 5]],
    ['SELECT deviceId, COUNT() AS n FROM devices GROUP BY deviceId', 10, [10, 10, 5]],
    ['SELECT TOP 4 deviceId FROM devices GROUP BY deviceId', 3, [3, 1]],
    ['SELECT COUNT() AS n FROM devices', 1, [1]],
    ['SELECT * FROM devices WHERE false', 1, [0]],
    ['SELECT * FROM devices.modules', 1, [0]],
  ])('%s, %i at a time: %j', async (text, size, expected) => {
    const pages = await pagesOf(text, size)
    expect(sizes(pages)).toEqual(expected)
    const rows = pages.flat().map((row) => JSON.stringify(row))
    expect(new Set(rows).size).toBe(rows.length)
  })

  test('have at most 1000 rows', async () => {
    const big = await createTestDeps()
    try {
      await givenDevices(big, 'big', 1001)
      const { items, continuation } = await runStatement(big, { caller: 'tester' }, 'SELECT deviceId FROM devices', {
        size: 2000,
      })
      expect(items).toHaveLength(1000)
      expect(continuation).toBeDefined()
    } finally {
      await big.close()
    }
  })

  test.each([0, -1, 1.5, Number.NaN])('of %d rows are refused', async (size) => {
    await expect(run('SELECT * FROM devices', size)).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['size'] })
  })
})

describe('rows that come and go between two pages', () => {
  test('make no device appear twice or not at all', async () => {
    const before = await givenDevices(deps, 'steady', 20)
    const pages = await pagesOf(
      "SELECT deviceId FROM devices WHERE STARTSWITH(deviceId, 'steady')",
      7,
      async (page) => {
        // One before the place, one right behind it, and the last row of the page goes.
        await createDevices(deps, everything, [
          { deviceId: `steady-0000-${page}` },
          { deviceId: `steady-00${page * 7}a` },
        ])
        await deps.database.pool.query('delete from device where id = $1', [
          `steady-00${String(page * 7).padStart(2, '0')}`,
        ])
      },
    )
    const seen = pages.flat().map((row) => row.deviceId)
    expect(seen.filter((id) => before.includes(String(id)))).toEqual(before)
    expect(new Set(seen).size).toBe(seen.length)
  })

  test('make no group appear twice or not at all', async () => {
    const tagged = (deviceId: string, rank: unknown) => ({ deviceId, twin: { tags: { rank } } })
    const long = 'x'.repeat(3000)
    const ranks = [1, 2, 30, 'a', 'b', `${long}1`, `${long}2`, true, { deep: 1 }]
    await createDevices(
      deps,
      everything,
      ranks.map((rank, index) => tagged(`rank-${index}`, rank)),
    )
    const text = "SELECT tags.rank, COUNT() AS n FROM devices WHERE STARTSWITH(deviceId, 'rank') GROUP BY tags.rank"
    const pages = await pagesOf(text, 2, (page) =>
      createDevices(deps, everything, [tagged(`rank-more-${page}`, 2), tagged(`rank-new-${page}`, page - 10)]),
    )
    const seen = pages.flat().map((row) => JSON.stringify(row.rank))
    expect(seen).toEqual(expect.arrayContaining(ranks.map((rank) => JSON.stringify(rank))))
    expect(new Set(seen).size).toBe(seen.length)
  })
})

describe('a continuation token', () => {
  const text = 'SELECT deviceId FROM devices'
  const tokenOf = async (statement: string, size: number): Promise<string> => {
    const { continuation } = await run(statement, size)
    if (continuation === undefined) throw new Error('there is no second page')
    return continuation
  }

  test('fits a header, whatever the rows hold', async () => {
    const wide = 'SELECT COUNT() AS n FROM devices GROUP BY tags.wide'
    await createDevices(deps, everything, [
      { deviceId: 'wide-1', twin: { tags: { wide: '\u{10ffff}'.repeat(900) } } },
      { deviceId: 'wide-2', twin: { tags: { wide: 'z'.repeat(3000) } } },
    ])
    const first = await tokenOf(wide, 1)
    const second = (await run(wide, 1, first)).continuation ?? ''
    for (const token of [first, second]) expect(token).toMatch(/^[\w-]{1,1000}$/)
  })

  test.each<[string, (token: string) => [string, number, string]]>([
    ['of another statement', (token) => ['SELECT status FROM devices', 5, token]],
    ['of the same statement in other words', (token) => [`${text} `, 5, token]],
    ['of another page size', (token) => [text, 6, token]],
    ['that is empty', () => [text, 5, '']],
    ['that is no token', () => [text, 5, 'page 2']],
    ['that is cut off', (token) => [text, 5, token.slice(0, -5)]],
    ['that is not ASCII', () => [text, 5, '\u{1f600}']],
  ])('%s is refused', async (_, change) => {
    const [statement, size, token] = change(await tokenOf(text, 5))
    const error: unknown = await run(statement, size, token).catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(InvalidInputError)
    expect(error).toMatchObject({ path: ['continuation'] })
  })

  test.each<[string, (values: unknown[]) => unknown]>([
    ['no list', () => ({})],
    ['a key too many', (values) => [...values, 'more']],
    ['a key missing', ([owner, left]) => [owner, left]],
    ['a key that is no text', ([owner, left]) => [owner, left, 1]],
    ['a key that PostgreSQL cannot hold', ([owner, left]) => [owner, left, 'a\0']],
    ['half a surrogate pair', ([owner, left]) => [owner, left, 'a\ud800']],
    ['less than no rows left', ([owner, , key]) => [owner, '-1', key]],
    ['no rows left', ([owner, , key]) => [owner, '0', key]],
    ['rows left that are no number', ([owner, , key]) => [owner, 'all', key]],
  ])('with %s is refused', async (_, forge) => {
    const values: unknown = JSON.parse(Buffer.from(await tokenOf(text, 5), 'base64url').toString())
    if (!Array.isArray(values)) throw new Error('the token is no list')
    const token = Buffer.from(JSON.stringify(forge(values))).toString('base64url')
    await expect(run(text, 5, token)).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['continuation'] })
  })
})
