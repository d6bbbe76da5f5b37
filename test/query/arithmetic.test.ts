import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

// The edges of the range: where results overflow, vanish, or round to the last number that does not.
const powers = [-1074, -1073, -1023, -1022, -600, -540, -537, -512, -100, -60, -53, -1, 0, 1, 53, 511, 512, 970, 1022]
const edges = [
  ...[0, -0, Infinity, -Infinity, Number.MAX_VALUE, Number.MIN_VALUE, 1 - 2 ** -53, 1 + 2 ** -52, 2 ** -53 + 2 ** -100],
  ...[1023].concat(powers).map((power) => 2 ** power),
  ...[3, 0.1, 1e16, 123456.789],
].flatMap((edge) => [edge, -edge])
const double = fc.oneof(fc.constantFrom(...edges), fc.double({ noNaN: true }))

const functions = [
  ['double_add', (a: number, b: number) => a + b],
  ['double_multiply', (a: number, b: number) => a * b],
  ['double_divide', (a: number, b: number) => a / b],
  ['double_remainder', (a: number, b: number) => a % b],
] as const

const text = (value: number): string | null =>
  Number.isNaN(value) ? null : Object.is(value, -0) ? '-0' : String(value)

test.each(functions)('%s answers what JavaScript does, NULL for NaN, and never fails', async (name, calculate) => {
  const pairs = [
    ...edges.flatMap((a) => edges.map((b) => [a, b] as const)),
    ...fc.sample(fc.tuple(double, double), 5000),
  ]
  const { rows } = await database.pool.query<{ result: string | null }>(
    `select ${name}(a, b)::text as result from unnest($1::float8[], $2::float8[]) as pair (a, b)`,
    [pairs.map(([a]) => text(a)), pairs.map(([, b]) => text(b))],
  )
  const wrong = pairs.flatMap(([a, b], index) => {
    const result = rows[index]?.result ?? null
    const expected = text(calculate(a, b))
    const same =
      result === null || expected === null ? result === expected : Object.is(Number(result), Number(expected))
    // A hair above half the smallest double JavaScript still rounds up to that one; the scaled test sees a tie.
    const isTie = Math.abs(Number(expected)) === Number.MIN_VALUE && Number(result) === 0
    return same || isTie ? [] : [{ a, b, result, expected }]
  })
  expect(wrong).toEqual([])
})
