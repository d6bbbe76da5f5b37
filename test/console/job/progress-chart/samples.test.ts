import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addPoint,
  columnsOf,
  describeSamples,
  type Ended,
  type Point,
  pointOf,
  type Samples,
  samplesBefore,
  thin,
} from '../../../../src/console/pages/job/progress-chart/samples.ts'

const at = (time: number, succeeded = 0, failed = 0): Point => ({ time, succeeded, failed, running: 0, throughput: 0 })

const samplesOf = (times: readonly number[], limit?: number): Samples =>
  times.reduce<Samples>((samples, time, index) => addPoint(samples, at(time, index), limit), [])

const formats = {
  formatCount: (count: number) => String(count),
  formatRate: (rate: number) => rate.toFixed(1),
  formatDuration: (seconds: number) => `${seconds} s`,
}

describe('the samples of a job', () => {
  it('keeps its first and its last point and stays below its limit, whatever comes', () => {
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
          const samples = samplesOf(times, limit)
          expect(samples.length).toBeLessThanOrEqual(limit)
          expect(samples.at(-1)).toEqual(at(time, times.length - 1))
          expect(samples[0]?.time).toBe(times[0])
          const shown = samples.map((point) => point.time)
          expect(shown).toEqual([...new Set(shown)].sort((one, other) => one - other))
        },
      ),
    )
  })

  it('shows a steady job evenly, however long it takes', () => {
    const samples = samplesOf(
      Array.from({ length: 5_000 }, (_, index) => index),
      100,
    )
    const gaps = samples.slice(1).map((point, index) => point.time - (samples[index]?.time ?? 0))
    expect(samples.length).toBeGreaterThanOrEqual(40)
    expect(Math.max(...gaps)).toBeLessThanOrEqual(5_000 / 20)
  })

  it('does not turn around when the clock is set back', () => {
    expect(samplesOf([10, 20, 5]).map(({ time }) => time)).toEqual([10, 20])
  })

  it('takes its points from the counters', () => {
    const statistics = {
      deviceCount: 12,
      pendingCount: 1,
      runningCount: 2,
      succeededCount: 5,
      refusedCount: 2,
      failedCount: 4,
      cancelledCount: 0,
    }
    expect(pointOf(statistics, 5.5, 100)).toEqual({ time: 100, succeeded: 3, failed: 6, running: 2, throughput: 5.5 })
  })

  it('is thinned to a limit with both its ends', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500 }), fc.integer({ min: 2, max: 50 }), (length, limit) => {
        const samples = Array.from({ length }, (_, index) => at(index))
        const thinned = thin(samples, limit)
        expect(thinned.length).toBeLessThanOrEqual(limit)
        expect(thinned[0]).toEqual(samples[0])
        expect(thinned.at(-1)).toEqual(samples.at(-1))
      }),
    )
  })

  it('becomes columns for the chart', () => {
    expect(columnsOf([at(1, 2, 3), { ...at(2, 4, 5), running: null, throughput: null }])).toEqual({
      times: [1, 2],
      succeeded: [2, 4],
      failed: [3, 5],
      running: [0, null],
      throughput: [0, null],
    })
  })
})

describe('what nobody saw', () => {
  it('is no line from the start to the first that was seen', () => {
    const seen = at(200, 30, 2)
    const { times, succeeded, failed } = columnsOf([...samplesBefore(100, seen), seen])
    expect(times).toEqual([100, 200])
    expect(succeeded).toEqual([null, 30])
    expect(failed).toEqual([null, 2])
  })

  it('is a line when nothing had ended', () => {
    const seen = at(200)
    expect(columnsOf([...samplesBefore(100, seen), seen]).succeeded).toEqual([0, 0])
  })

  it('is filled by the ended device jobs that were read', () => {
    const ended: Ended = { result: 'SUCCEEDED', endTime: new Date(105_000).toISOString() }
    const seen = at(110, 1)
    expect(columnsOf([...samplesBefore(100, seen, [ended], 2), seen]).succeeded).toEqual([0, 1, 1])
  })
})

describe('what was before the page was opened', () => {
  const moment = (seconds: number): string => new Date(seconds * 1000).toISOString()
  const done = (seconds: number, result = 'SUCCEEDED'): Ended => ({ result, endTime: moment(seconds) })

  it('is the start alone when nothing is known of the devices', () => {
    expect(samplesBefore(100, at(200, 30, 2))).toEqual([
      { time: 100, succeeded: 0, failed: 0, running: null, throughput: null },
    ])
  })

  it('is nothing when the job was seen to start', () => {
    expect(samplesBefore(100, at(100))).toEqual([])
    expect(samplesBefore(101, at(100))).toEqual([])
  })

  it('follows the times at which devices ended', () => {
    const before = samplesBefore(100, at(110, 2, 1), [done(101), done(105, 'FAILED'), done(109)], 10)
    expect(before.map(({ time, succeeded, failed }) => [time, succeeded, failed])).toEqual([
      [100, 0, 0],
      [101, 1, 0],
      [102, 1, 0],
      [103, 1, 0],
      [104, 1, 0],
      [105, 1, 1],
      [106, 1, 1],
      [107, 1, 1],
      [108, 1, 1],
      [109, 2, 1],
    ])
    expect(before.every(({ running }) => running === null)).toBe(true)
  })

  it('has the throughput of the last ten seconds', () => {
    const ended = Array.from({ length: 20 }, (_, index) => done(100.5 + index / 2))
    const before = samplesBefore(100, at(140, 20), ended, 40)
    expect(before.find(({ time }) => time === 105)?.throughput).toBe(2)
    expect(before.find(({ time }) => time === 110)?.throughput).toBe(2)
    expect(before.find(({ time }) => time === 115)?.throughput).toBe(1)
    expect(before.find(({ time }) => time === 125)?.throughput).toBe(0)
  })

  it('leaves out what ended after the first point, and is the start alone when some are missing', () => {
    const ended = [done(101), done(102), done(103)]
    expect(samplesBefore(100, at(102.5, 2), ended, 5).at(-1)?.succeeded).toBe(2)
    expect(samplesBefore(100, at(110, 4), ended)).toHaveLength(1)
  })

  it('never shows more than had ended at the first point', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 40 }), (offsets) => {
        const ended = offsets.toSorted((one, other) => one - other).map((offset) => done(100 + offset))
        const seen = at(150, ended.filter(({ endTime }) => endTime !== null && endTime <= moment(150)).length)
        const counts = samplesBefore(100, seen, ended).map(({ succeeded }) => succeeded)
        expect(counts).toEqual(counts.toSorted((one, other) => one - other))
        expect(Math.max(0, ...counts)).toBeLessThanOrEqual(seen.succeeded)
      }),
    )
  })
})

describe('the chart in formats', () => {
  it('has the span, the counts and the highest throughput', () => {
    const samples = [at(100), { ...at(130, 20, 1), throughput: 12.5 }, { ...at(160, 30, 2), throughput: 1 }]
    expect(describeSamples(samples, formats)).toBe(
      '30 devices succeeded and 2 failed or refused in 60 s. Peak rate: 12.5 devices/s.',
    )
  })

  it('has no span of 0 s', () => {
    expect(describeSamples([at(100), at(100.4, 2)], formats)).toBe(
      '2 devices succeeded and 0 failed or refused in less than a second.',
    )
  })

  it('says where the chart begins when it was seen in part, and makes no more of what was seen', () => {
    const seen = { ...at(260, 4_800, 50), throughput: 3 }
    expect(describeSamples([...samplesBefore(100, seen), seen], formats)).toBe(
      '4800 devices succeeded and 50 failed or refused in 160 s. The chart starts when this page was opened. Peak rate since then: 3.0 devices/s.',
    )
  })

  it('knows one from many', () => {
    expect(describeSamples([at(100), at(102, 1)], formats)).toBe('1 device succeeded and 0 failed or refused in 2 s.')
  })

  it('says so when there is nothing to tell', () => {
    expect(describeSamples([], formats)).toBe('No progress recorded yet.')
    expect(describeSamples([at(1)], formats)).toBe('No progress recorded yet.')
  })
})
