import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { etaOf, type JobInTime, noOutcomes, throughputOf } from '../../src/job/progress.ts'

const at = (seconds: number): Date => new Date(Date.UTC(2026, 0, 1) + seconds * 1000)

/** 100 devices, 40 of them done, started at 0, with an hour of time. */
const running: JobInTime = {
  status: 'running',
  startedTime: at(0),
  endTime: null,
  deadline: at(3600),
  maxPerMinute: null,
  ramp: null,
  deviceCount: 100,
  pendingCount: 50,
  runningCount: 10,
  succeededCount: 30,
  refusedCount: 0,
  skippedCount: 0,
  failedCount: 10,
}
const recent = (count: number, since: Date | null = null, isCapped = false) => ({ count, since, isCapped })

test('a continuous job has no estimated end, because devices may join', () => {
  expect(etaOf({ ...running, targets: 'continuous' }, 4, undefined, at(60))).toBeNull()
})

describe('the throughput', () => {
  test('is that of the last ten seconds', () => {
    expect(throughputOf(running, recent(40), at(60))).toBe(4)
  })

  test('is that since the start when the job is younger than ten seconds', () => {
    expect(throughputOf(running, recent(40), at(5))).toBe(8)
  })

  test('is that since the first of the outcomes when there are more than are read', () => {
    expect(throughputOf(running, recent(5000, at(59), true), at(60))).toBe(5000)
  })

  test('is a number also in the moment in which everything happens at once', () => {
    expect(throughputOf(running, recent(40), at(0))).toBe(400)
    expect(throughputOf(running, recent(5000, at(60), true), at(60))).toBe(50_000)
  })

  test('is 0 before the start, and when nothing has ended lately', () => {
    expect(throughputOf({ ...running, status: 'queued', startedTime: null }, noOutcomes, at(60))).toBe(0)
    expect(throughputOf(running, noOutcomes, at(60))).toBe(0)
  })

  test('of a job that has ended is the mean of its time, without devices that were spared', () => {
    const ended: JobInTime = { ...running, status: 'cancelled', endTime: at(20), pendingCount: 0, runningCount: 0 }
    expect(throughputOf(ended, recent(40), at(1000))).toBe(2)
  })
})

describe('the estimated end', () => {
  test('considers that a ramp makes the job faster', () => {
    // 30 succeeded: 10 more at 30 per minute, then 50 at 60.
    const ramped = { ...running, maxPerMinute: 60, ramp: { from: 30, factor: 2, afterSucceeded: 40 } }
    expect(etaOf(ramped, 0.5, undefined, at(60))).toEqual(at(60 + 20 + 50))
    expect(etaOf(ramped, 0.25, undefined, at(60))).toEqual(at(60 + 40 + 100))
    // Faster than the rate that is reached, which it may not be: 10 at 30 per minute, and 40 that wait at 60.
    expect(etaOf(ramped, 10, undefined, at(60))).toEqual(at(60 + 20 + 40))
    // Devices that refused have not succeeded.
    expect(etaOf({ ...ramped, refusedCount: 30 }, 0.5, undefined, at(60))).toEqual(at(60 + 80 + 20))
    // Devices that were skipped show nothing about the others.
    expect(etaOf({ ...ramped, skippedCount: 30 }, 0.5, undefined, at(60))).toEqual(at(60 + 80 + 20))
  })

  test('is when the rest is done at this pace', () => {
    expect(etaOf(running, 2, undefined, at(60))).toEqual(at(90))
  })

  test('is the deadline when that comes first, or when nothing moves', () => {
    // At a rate that has just been set, 50 pending devices take five minutes.
    expect(etaOf({ ...running, maxPerMinute: 10 }, 2, undefined, at(60))).toEqual(at(360))
    expect(etaOf(running, 0.001, undefined, at(60))).toEqual(at(3600))
    expect(etaOf(running, 0, undefined, at(60))).toEqual(at(3600))
  })

  const waiting = (count: number, until = 300, isCapped = false) => ({ count, until: at(until), isCapped })

  test('is the end of the wait when all that is pending waits for devices to connect', () => {
    expect(etaOf(running, 2, waiting(50), at(60))).toEqual(at(300))
    expect(etaOf(running, 2, waiting(49), at(60))).toEqual(at(90))
    expect(etaOf(running, 2, waiting(50, 3601), at(60))).toEqual(at(3600))
  })

  test('is when the calls under way are answered, when that takes longer than the wait', () => {
    expect(etaOf(running, 2, waiting(50, 61), at(60))).toEqual(at(65))
    expect(etaOf(running, 0, waiting(50, 61), at(60))).toEqual(at(3600))
  })

  test('is the end of the wait when more wait than are counted, and nothing moves', () => {
    expect(etaOf({ ...running, runningCount: 0 }, 0, waiting(49, 300, true), at(60))).toEqual(at(300))
    expect(etaOf({ ...running, runningCount: 0 }, 2, waiting(49, 300, true), at(60))).toEqual(at(85))
  })

  test.each(['scheduled', 'queued', 'completed', 'failed', 'cancelled'] as const)(
    'is not there when the job is %s',
    (status) => {
      expect(etaOf({ ...running, status }, 2, undefined, at(60))).toBeNull()
    },
  )

  test('never lies behind the deadline, and never before now while there is time', () => {
    fc.assert(
      fc.property(
        fc.nat(1_000_000),
        fc.double({ min: 0, max: 1e6, noNaN: true }),
        fc.option(fc.nat(1_000_000), { nil: undefined }),
        fc.nat(3600),
        (pendingCount, throughput, count, seconds) => {
          const until = at(seconds - 1) // the hub has not come to it yet
          const away = count === undefined ? undefined : { count, until, isCapped: false }
          const eta = etaOf({ ...running, pendingCount, runningCount: 0 }, throughput, away, at(seconds))
          expect(eta?.getTime()).toBeGreaterThanOrEqual(at(seconds).getTime())
          expect(eta?.getTime()).toBeLessThanOrEqual(running.deadline.getTime())
        },
      ),
    )
  })
})
