import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addPoint,
  columnsOf,
  describePoints,
  gapsIn,
  hasChart,
  type Point,
  type Points,
  pointLimit,
  pointOf,
  pointsOf,
  ratesOf,
  thin,
} from '../../../../src/console/pages/job/progress-chart/points.ts'

const at = (time: number, succeeded = 0, failed = 0): Point => ({
  time,
  succeeded,
  failed,
  running: 0,
  isAfterGap: false,
})
const afterGap = (time: number, succeeded = 0): Point => ({ ...at(time, succeeded), isAfterGap: true })

const pointsAt = (times: readonly number[], limit?: number): Points =>
  times.reduce<Points>((points, time, index) => addPoint(points, at(time, index), limit), [])

const statistics = {
  deviceCount: 12,
  pendingCount: 1,
  runningCount: 2,
  succeededCount: 5,
  refusedCount: 2,
  failedCount: 4,
  cancelledCount: 0,
}

const formats = {
  formatCount: (count: number) => String(count),
  formatRate: (rate: number) => rate.toFixed(1),
  formatDuration: (seconds: number) => `${seconds} s`,
}

describe('the points of a job', () => {
  it('keep the first and the last and stay below their limit, whatever comes', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 500 }),
        fc.integer({ min: 4, max: 60 }),
        (steps, limit) => {
          let time = 1_000
          const times = steps.map((step) => {
            time += step
            return time
          })
          const points = pointsAt(times, limit)
          expect(points.length).toBeLessThanOrEqual(limit)
          expect(points.at(-1)).toEqual(at(time, times.length - 1))
          expect(points[0]?.time).toBe(times[0])
          const shown = points.map((point) => point.time)
          expect(shown).toEqual([...new Set(shown)].sort((one, other) => one - other))
        },
      ),
    )
  })

  it('are spread evenly over a job, however long it takes and however often it changes', () => {
    for (const pause of [0.1, 1]) {
      const times = Array.from({ length: 20_000 }, (_, index) => index * pause)
      const points = pointsAt(times)
      const gaps = points.slice(1).map((point, index) => point.time - (points[index]?.time ?? 0))
      expect(points.length).toBeGreaterThanOrEqual(pointLimit / 3)
      expect(points.length).toBeLessThanOrEqual(pointLimit)
      expect(Math.max(...gaps)).toBeLessThanOrEqual((20_000 * pause) / 40)
    }
  })

  it('do not turn around when the clock is set back', () => {
    expect(pointsAt([10, 10.1, 5]).map(({ time }) => time)).toEqual([10, 10.1])
  })

  it('stay level until shortly before a change, because every change is reported', () => {
    const points = [at(100), at(110, 7)].reduce<Points>((known, point) => addPoint(known, point), [])
    expect(points).toEqual([at(100), at(109.8), at(110, 7)])
  })

  it('come from the counters', () => {
    expect(pointOf(statistics, 100)).toEqual({ time: 100, succeeded: 3, failed: 6, running: 2, isAfterGap: false })
  })

  it('are thinned to a limit with both ends and every gap between them', () => {
    fc.assert(
      fc.property(
        fc.array(fc.boolean(), { minLength: 1, maxLength: 500 }),
        fc.integer({ min: 2, max: 50 }),
        (gaps, limit) => {
          const points = gaps.map((isGap, index) => (isGap && index > 0 ? afterGap(index) : at(index)))
          const thinned = thin(points, limit)
          expect(thinned.length).toBeLessThanOrEqual(limit)
          expect(thinned[0]).toEqual(points[0])
          expect(thinned.at(-1)?.time).toEqual(points.at(-1)?.time)
          for (const { from, to } of gapsIn(points)) {
            expect(gapsIn(thinned).some((gap) => gap.from <= from && to <= gap.to)).toBe(true)
          }
        },
      ),
    )
  })
})

describe('the samples of the hub', () => {
  const samplesAt = (seconds: readonly number[]) =>
    seconds.map((second) => ({ time: new Date(second * 1000).toISOString(), deviceJobStatistics: statistics }))
  const gapsAt = (seconds: readonly number[]) => gapsIn(pointsOf(samplesAt(seconds)))
  const every = (step: number, count: number) => Array.from({ length: count }, (_, index) => index * step)

  it('become points without a gap when they are as often as the hub takes them', () => {
    expect(pointsOf(samplesAt([1]))).toEqual([pointOf(statistics, 1)])
    expect(gapsAt(every(1, 200))).toEqual([])
    expect(gapsAt(every(4, 101))).toEqual([])
    expect(gapsAt([...every(4096, 150), 4096 * 149 + 10])).toEqual([])
  })

  it('have a gap where the hub took none', () => {
    expect(gapsAt([0, 1, 2, 62, 63])).toEqual([{ from: 2, to: 62 }])
    expect(gapsAt([...every(4, 60), 360, 364])).toEqual([{ from: 236, to: 360 }])
  })
})

describe('the chart', () => {
  it('has columns of equal length', () => {
    expect(columnsOf([at(1, 2, 3), at(2, 4, 5)])).toEqual({
      times: [1, 2],
      succeeded: [2, 4],
      failed: [3, 5],
      running: [0, 0],
      rates: [null, 4],
    })
  })

  it('has no lines in a gap', () => {
    const { times, succeeded, rates } = columnsOf([at(1, 2), at(2, 4), afterGap(10, 9), at(11, 10)])
    expect(times).toEqual([1, 2, 6, 10, 11])
    expect(succeeded).toEqual([2, 4, null, 9, 10])
    expect(rates).toEqual([null, 2, null, null, 1])
  })

  it('ends its lines at the last event while the hub cannot be reached', () => {
    const points = [at(1, 2), at(2, 4)]
    const { times, succeeded } = columnsOf(points, 30)
    expect(times).toEqual([1, 2, 30])
    expect(succeeded).toEqual([2, 4, null])
    expect(gapsIn(points, 30)).toEqual([{ from: 2, to: 30 }])
    expect(gapsIn(points, 1.5)).toEqual([])
  })

  it('has the rate of the last ten seconds, or of the time since the point before if that is longer', () => {
    const points = Array.from({ length: 41 }, (_, second) => at(second, Math.min(second, 20) * 3))
    const rates = ratesOf(points)
    expect([1, 5, 20, 25, 30, 35].map((second) => rates[second])).toEqual([3, 3, 3, 1.5, 0, 0])
    expect(ratesOf([at(0), at(100, 50), at(200, 70)])).toEqual([null, 0.5, 0.2])
  })

  it('has no rate of less than a second, in which a batch of devices would be a peak', () => {
    expect(ratesOf([at(0), at(0, 5), at(0.2, 9), at(1, 9)])).toEqual([null, null, null, 9])
    expect(ratesOf([at(0), afterGap(60, 5), at(60.2, 9)])).toEqual([null, null, null])
  })

  it('never shows more at once than the points have', () => {
    fc.assert(
      fc.property(fc.array(fc.nat({ max: 40 }), { minLength: 2, maxLength: 60 }), (steps) => {
        const points = steps.map((_, time) =>
          at(
            time,
            steps.slice(0, time + 1).reduce((sum, step) => sum + step, 0),
          ),
        )
        expect(Math.max(...ratesOf(points).map((rate) => rate ?? 0))).toBeLessThanOrEqual(Math.max(...steps.slice(1)))
      }),
    )
  })
})

describe('the progress in words', () => {
  it('has the span, the counts and the highest rate', () => {
    const points = [at(100), at(130, 300, 15), at(160, 330, 15)]
    expect(describePoints(points, [], formats)).toBe(
      '330 devices succeeded and 15 failed or refused in 60 s. Peak rate: 10.5 devices/s.',
    )
  })

  it('has neither a span of 0 s nor a peak for a job that took less than a chart can show', () => {
    expect(describePoints([at(100), at(100.4, 250)], [], formats)).toBe(
      '250 devices succeeded and 0 failed or refused in less than a second.',
    )
  })

  it('says for how long nothing is known', () => {
    const points = [at(100), at(160, 6)]
    expect(describePoints(points, gapsIn(points, 190), formats)).toBe(
      '6 devices succeeded and 0 failed or refused in 60 s. Peak rate: 0.1 devices/s. No data for 30 s.',
    )
  })

  it('distinguishes one device from several', () => {
    expect(describePoints([at(100), at(102, 1)], [], formats)).toBe(
      '1 device succeeded and 0 failed or refused in 2 s.',
    )
  })

  it('says so when nothing is known yet', () => {
    expect(describePoints([], [], formats)).toBe('No progress recorded yet.')
  })
})

it('draws a chart of an open job from its first point on, and of one that has ended when it took five seconds', () => {
  const [first, short, long] = [pointsAt([0]), pointsAt([0, 4.9]), pointsAt([0, 5])]
  expect([first, short, long].map((points) => hasChart(points, true))).toEqual([true, true, true])
  expect([first, short, long].map((points) => hasChart(points, false))).toEqual([false, false, true])
  expect(hasChart([], true)).toBe(false)
})
