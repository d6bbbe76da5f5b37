import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Bucket, fullBucket, longestDebt, spendFrom, takeFrom, unitsIn } from '../../src/throttle/bucket.ts'

const perMinute = { amount: 20, seconds: 60 }
const perSecond = { amount: 10, seconds: 1 }

/** What each of some takings, at its time and of its cost, is answered. */
function waits(bucket: Bucket, takings: readonly (readonly [at: number, cost: number])[]): number[] {
  let present = bucket
  return takings.map(([at, cost]) => {
    const { bucket: after, waitMs } = takeFrom(present, cost, at)
    present = after
    return waitMs
  })
}

describe('taking', () => {
  // biome-ignore format: a table, a row a line
  test.each<[string, readonly (readonly [number, number])[], number[]]>([
    ['lets a whole bucket through at once', [[0, 10], [0, 1]], [0, 100]],
    ['takes nothing when there is too little', [[0, 8], [0, 3], [0, 2]], [0, 100, 0]],
    ['lets through what the rate gave meanwhile', [[0, 10], [99, 1], [100, 1], [300, 2]], [0, 1, 0, 0]],
    ['saves no more than a bucket', [[60_000, 10], [60_000, 1]], [0, 100]],
    ['lets what is larger than a bucket through when it is full', [[0, 1], [0, 25], [100, 25]], [0, 100, 0]],
    ['has that paid for afterwards', [[0, 25], [1_500, 1], [1_600, 1]], [0, 100, 0]],
    ['goes on when the clock was set back', [[0, 10], [-5_000, 1], [-4_900, 1]], [0, 100, 0]],
  ])('%s', (_, takings, expected) => {
    expect(waits(fullBucket(perSecond, 0), takings)).toEqual(expected)
  })

  test('by the minute it is no different', () => {
    const takings: [number, number][] = [
      [0, 20],
      [0, 1],
      [2_999, 1],
      [3_000, 1],
    ]
    expect(waits(fullBucket(perMinute, 0), takings)).toEqual([0, 3_000, 1, 0])
  })

  test('never lets more through than the rate and one bucket, and a wait is long enough', () => {
    const steps = fc.array(fc.tuple(fc.nat(2_000), fc.integer({ min: 1, max: 7 })), { maxLength: 60 })
    fc.assert(
      fc.property(fc.integer({ min: 7, max: 997 }), fc.constantFrom(1, 60), steps, (amount, seconds, takings) => {
        let bucket = fullBucket({ amount, seconds }, 0)
        let now = 0
        let taken = 0
        for (const [pause, cost] of takings) {
          now += pause
          const first = takeFrom(bucket, cost, now)
          now += first.waitMs
          bucket = first.waitMs === 0 ? first.bucket : takeFrom(first.bucket, cost, now).bucket
          taken += cost
          expect(taken).toBeLessThanOrEqual(amount + (now * amount) / (seconds * 1000))
          expect(bucket.level).toBeGreaterThanOrEqual(0)
        }
      }),
    )
  })
})

describe('spending', () => {
  test('each gets a later time, until the debt is paid', () => {
    let bucket = fullBucket(perSecond, 0)
    const due = Array.from({ length: 12 }, () => {
      const { bucket: after, waitMs } = spendFrom(bucket, 1, 0)
      bucket = after
      return waitMs
    })
    expect(due).toEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100, 200])
    expect(spendFrom(bucket, 1, 200).waitMs).toBe(100)
  })

  test('nobody waits for longer than the longest debt', () => {
    const { bucket } = spendFrom(fullBucket(perSecond, 0), 1_000_000, 0)
    expect(spendFrom(bucket, 1, 0).waitMs).toBe(longestDebt)
  })

  test('what is given back is there again', () => {
    const { bucket } = spendFrom(fullBucket(perSecond, 0), 8, 0)
    expect(unitsIn(bucket, 0)).toBe(2)
    expect(unitsIn(spendFrom(bucket, -5, 0).bucket, 0)).toBe(7)
  })
})

test('only whole units count, and none of a bucket in debt', () => {
  const { bucket } = spendFrom(fullBucket(perSecond, 0), 12, 0)
  expect([0, 200, 299, 300, 590].map((now) => unitsIn(bucket, now))).toEqual([0, 0, 0, 1, 3])
})
