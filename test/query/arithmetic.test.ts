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
/** Of every power of two alike, and whole numbers: what `fc.double` seldom has two of at a time. */
const scaled = fc
  .tuple(fc.double({ min: 1, max: 2, maxExcluded: true, noNaN: true }), fc.integer({ min: -1074, max: 1023 }))
  .map(([fraction, power]) => fraction * 2 ** power)
const whole = fc.oneof(fc.integer({ min: -1000, max: 1000 }), fc.maxSafeInteger())
const double = fc.oneof(fc.constantFrom(...edges), fc.double({ noNaN: true }), scaled, whole)

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

test('operands that lie as far apart as can be are divided as others are, and not bit by bit', async () => {
  // Long division would take 2,098 steps for each of them, minutes in all; the statement may take seconds.
  const { rows } = await database.pool.query<{ different: string }>(
    `select count(distinct double_remainder($1::float8 - n, $2::float8)) as different from generate_series(1, 100000) n`,
    [text(Number.MAX_VALUE), text(3 * Number.MIN_VALUE)],
  )
  expect(rows).toEqual([{ different: '1' }])
})
