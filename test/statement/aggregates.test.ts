import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Json, JsonObject } from '../../src/json/json.ts'
import type { Path } from '../../src/query/ast.ts'
import { condition, path, testDevice } from '../query/arbitraries.ts'
import { evaluate, selects } from '../query/evaluator.ts'
import { documentOf, insertDevices } from '../query/fleet.ts'
import { print } from '../query/print.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { runStatement } from './run.ts'

/** Set QUERY_TEST_SEED to the number a failure printed to run it again. */
const seed = Number(process.env.QUERY_TEST_SEED ?? Date.now() % 2 ** 31)
const devices = fc
  .sample(testDevice, { seed, numRuns: 60 })
  .map((device, index) => ({ ...device, id: `${device.id}${index}` }))
const documents = devices.map(documentOf)

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await insertDevices(deps.database.pool, devices)
})
afterAll(() => deps.close())

async function rowsOf(text: string, size = 1000): Promise<JsonObject[]> {
  const rows: JsonObject[] = []
  let continuation: string | undefined
  do {
    const page = await runStatement(deps, { caller: 'tester' }, text, { size, continuation })
    rows.push(...page.items)
    continuation = page.continuation
  } while (continuation !== undefined)
  return rows
}

/** JSON with the members of every object in order: equal values, equal text. */
const canonical = (value: Json | undefined): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === 'object' && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  ) ?? 'undefined'

// Numbers as integers of 10^-400, in which every double is exact as it is printed.

const exactly = (value: number): bigint => {
  const [, sign = '', whole = '', decimals = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:e([+-]?\d+))?$/.exec(String(value)) ?? []
  return BigInt(`${sign}${whole}${decimals}`) * 10n ** BigInt(400 + Number(exponent) - decimals.length)
}

const sumOf = (numbers: readonly number[]): bigint => numbers.reduce((sum, value) => sum + exactly(value), 0n)

/** JSON has no Infinity: such a result is left out. */
const finite = (value: number): number | undefined => (Number.isFinite(value) ? value : undefined)

const least = <T>(values: readonly T[], before: (a: T, b: T) => boolean): T | undefined =>
  values.length === 0 ? undefined : values.reduce((best, value) => (before(value, best) ? value : best))

/** What the aggregates give of these values, in plain terms. */
const aggregated = (values: readonly (Json | undefined)[]): Record<string, Json | undefined> => {
  const numbers = values.filter((value) => typeof value === 'number')
  const texts = values.filter((value) => typeof value === 'string')
  const precedes = (a: string, b: string): boolean => Buffer.compare(Buffer.from(a), Buffer.from(b)) < 0
  return {
    rows: values.length,
    n: values.filter((value) => value !== undefined).length,
    sum: finite(Number(`${sumOf(numbers)}e-400`)),
    low: least(numbers, (a, b) => a < b) ?? least(texts, precedes),
    high: least(texts, (a, b) => precedes(b, a)) ?? least(numbers, (a, b) => a > b),
  }
}

const meanOf = (values: readonly (Json | undefined)[]): number | undefined => {
  const numbers = values.filter((value) => typeof value === 'number')
  if (numbers.length === 0) return undefined
  return Number(`${(sumOf(numbers) * 10n ** 30n) / BigInt(numbers.length)}e-430`)
}

const defined = (row: Record<string, Json | undefined>): Record<string, Json | undefined> =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined))

const isClose = (a: Json | undefined, b: number | undefined): boolean =>
  typeof a === 'number' && b !== undefined ? Math.abs(a - b) <= Math.abs(b) * 1e-14 : a === b

const list = (on: Path): string => {
  const argument = print(on)
  return `COUNT() AS rows, COUNT(${argument}) AS n, SUM(${argument}) AS sum, MIN(${argument}) AS low, MAX(${argument}) AS high, AVG(${argument}) AS mean`
}

/** Compares a row that has a mean with what it should be. */
const expectRow = (row: JsonObject | undefined, values: readonly (Json | undefined)[], context: string): void => {
  const { mean, ...others } = row ?? {}
  expect(others, context).toEqual(defined(aggregated(values)))
  expect(isClose(mean, meanOf(values)), `${context}: mean ${mean}, not ${meanOf(values)}`).toBe(true)
}

const valueAt = (on: Path, document: JsonObject): Json | undefined => evaluate(on, document)

test(`a projection shows what the twin document holds at the path (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(path, async (on) => {
      const rows = await rowsOf(`SELECT deviceId AS id, ${print(on)} AS v FROM devices`, 25)
      const expected = new Map(documents.map((document) => [document.deviceId, canonical(valueAt(on, document))]))
      expect(new Map(rows.map((row) => [row.id, canonical(row.v)])), print(on)).toEqual(
        new Map([...expected].sort(([a], [b]) => (String(a) < String(b) ? -1 : 1))),
      )
    }),
    { seed, numRuns: 300 },
  )
})

test(`aggregates are those of the selected documents (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(path, condition, async (on, where) => {
      const text = `SELECT ${list(on)} FROM devices WHERE ${print(where)}`
      const selected = documents.filter((document) => selects({ kind: 'where', expression: where }, document))
      const rows = await rowsOf(text)
      expect(rows).toHaveLength(1)
      expectRow(
        rows[0],
        selected.map((document) => valueAt(on, document)),
        `seed ${seed}\n${text}`,
      )
    }),
    { seed, numRuns: 400 },
  )
})

test(`groups are of the devices with the same value, and those without one (seed ${seed})`, async () => {
  await fc.assert(
    fc.asyncProperty(path, path, fc.constantFrom(3, 1000), async (by, on, size) => {
      const text = `SELECT ${print(by)} AS [[group]], ${list(on)} FROM devices GROUP BY ${print(by)}`
      const groups = new Map<string, JsonObject[]>()
      for (const document of documents) {
        const key = canonical(valueAt(by, document))
        groups.set(key, [...(groups.get(key) ?? []), document])
      }
      const rows = new Map((await rowsOf(text, size)).map((row) => [canonical(row.group), row]))
      expect([...rows.keys()].sort(), `seed ${seed}\n${text}`).toEqual([...groups.keys()].sort())
      for (const [key, members] of groups) {
        const { group: _, ...row } = rows.get(key) ?? {}
        expectRow(
          row,
          members.map((document) => valueAt(on, document)),
          `seed ${seed}\n${text}\n${key}`,
        )
      }
    }),
    { seed, numRuns: 200 },
  )
})

test('sums neither overflow nor lose small numbers between large ones', async () => {
  const insert = (id: string, n: number) =>
    insertDevices(
      deps.database.pool,
      devices.slice(0, 1).map((device) => ({ ...device, id, tags: { sum: n } })),
    )
  await insert('sum-1', 1e308)
  await insert('sum-2', 1e308)
  await insert('sum-3', 0.1)
  await insert('sum-4', 0.2)
  const sum = async (where: string) =>
    rowsOf(`SELECT SUM(tags.sum) AS s, AVG(tags.sum) AS a FROM devices WHERE ${where}`)
  expect(await sum("deviceId IN ['sum-1', 'sum-2']")).toEqual([{ a: 1e308 }])
  expect(await sum("deviceId IN ['sum-3', 'sum-4']")).toEqual([{ s: 0.3, a: 0.15 }])
})
