import { afterAll, beforeAll, expect, test } from 'vitest'
import { mostAtOnce, withoutLimits } from '../../../src/job/job-limits.ts'
import { perMinuteAt } from '../../../src/job/ramp.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
})
afterAll(() => deps.close())

/**
 * Uses all room at these times, in milliseconds from the first, as `mark_calls` does. Returns how many devices had their turn
 * at each of them.
 */
async function useRoom(maxPerMinute: number, times: readonly number[]): Promise<number[]> {
  const used: number[] = []
  let paidUntil: string | null = null
  for (const time of times) {
    const { rows }: { rows: { room: number; paid: string }[] } = await deps.database.pool.query(
      `select room, (rate_begin($1, paid, at) + room * rate_interval($1))::text as paid
       from (
         select paid, at, job_room($1, paid, null, 0, at) as room
         from (select $2::timestamptz as paid, timestamptz '2026-01-01' + $3 * interval '1 ms' as at) given
       ) found`,
      [maxPerMinute, paidUntil, time],
    )
    used.push(rows[0]?.room ?? 0)
    paidUntil = rows[0]?.paid ?? null
  }
  return used
}

test.each([1, 7, 11, 59, 60, 61, 119, 120, 601, 100_000])(
  'no minute has more than %d devices, however irregularly they are asked for',
  async (maxPerMinute) => {
    // Irregular steps, and a rest of two minutes in between, which must not be saved up.
    const times = [0]
    for (let step = 0; (times.at(-1) ?? 0) < 400_000; step++) {
      times.push((times.at(-1) ?? 0) + (step === 200 ? 120_000 : 1 + ((step * 7_919) % 1_700)))
    }
    const used = await useRoom(maxPerMinute, times)
    for (const [first, begin] of times.entries()) {
      let sum = 0
      for (let index = first; (times[index] ?? Number.POSITIVE_INFINITY) < begin + 60_000; index++) {
        sum += used[index] ?? 0
      }
      expect(sum).toBeLessThanOrEqual(maxPerMinute)
    }
    expect(Math.max(...used)).toBeLessThanOrEqual(mostAtOnce({ ...withoutLimits, maxPerMinute }) ?? 0)
  },
)

test.each([
  [1, 60_000],
  [60, 1_000],
  [600, 1_016],
  [100_000, 1_017],
])(
  'with %d per minute, three minutes have 98 %% of three times as many at least, if somebody asks every %d ms',
  async (maxPerMinute, ms) => {
    // The first has room at once.
    const times = Array.from({ length: 180_000 / ms + 1 }, (_, index) => index * (ms + 1))
    const used = await useRoom(maxPerMinute, times)
    expect(used.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(maxPerMinute * 3 * 0.98)
  },
)

test.each([120, 601, 100_000])(
  'a minute that begins after a rest, with a burst, has no more than %d devices',
  async (maxPerMinute) => {
    const used = await useRoom(
      maxPerMinute,
      Array.from({ length: 1_200 }, (_, index) => index * 50),
    )
    expect(used.reduce((sum, count) => sum + count, 0)).toBeLessThanOrEqual(maxPerMinute)
  },
)

test('the rate of a ramp is the same in the database as in the hub', async () => {
  const ramps = [
    { from: 10, factor: 2, afterSucceeded: 50, maxPerMinute: 600 },
    { from: 100, factor: 1.15, afterSucceeded: 1, maxPerMinute: 1_000_000 },
    { from: 1, factor: 1.01, afterSucceeded: 1, maxPerMinute: 1_000_000 },
    { from: 7, factor: 9.99, afterSucceeded: 3, maxPerMinute: 7 },
  ]
  for (const ramp of ramps) {
    const { rows } = await deps.database.pool.query<{ succeeded: number; rate: number }>(
      `select succeeded, ramped_rate($1, succeeded) as rate
       from unnest(array[2147483647, 1000000] || array(select generate_series(0, 1500))) as succeeded`,
      [JSON.stringify(ramp)],
    )
    expect(rows.map(({ rate }) => rate)).toEqual(rows.map(({ succeeded }) => perMinuteAt(ramp, succeeded)))
  }
})
