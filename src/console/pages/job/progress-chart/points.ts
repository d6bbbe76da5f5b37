import { doneIn, type Statistics } from '../../../ui/statistics.ts'

/** The progress of a job at one moment. `time` is in seconds since 1970, by the clock of the hub. */
export type Point = {
  readonly time: number
  readonly succeeded: number
  /** Failed or refused. */
  readonly failed: number
  readonly running: number
  /** Whether nothing is known of the time since the point before. */
  readonly isAfterGap: boolean
}

/** The progress of a job over time, the oldest point first. */
export type Points = readonly Point[]

/** A point of the counters at a moment. */
export function pointOf(statistics: Statistics, time: number): Point {
  const { refusedCount, failedCount, runningCount } = statistics
  return {
    time,
    succeeded: doneIn(statistics),
    failed: failedCount + refusedCount,
    running: runningCount,
    isAfterGap: false,
  }
}

/** The hub takes a sample per second, or 100 to 200 while the job runs. It takes none while it is stopped. */
const longestInterval = 5
const fewestIntervals = 40

/** The points of the samples that the hub has kept. Where samples are missing, there is a gap. */
export function pointsOf(
  samples: readonly { readonly time: string; readonly deviceJobStatistics: Statistics }[],
): Points {
  const points = samples.map(({ time, deviceJobStatistics }) =>
    pointOf(deviceJobStatistics, new Date(time).getTime() / 1000),
  )
  const longest = Math.max(longestInterval, spanOf(points) / fewestIntervals)
  return points.map((point, index) => {
    const before = points[index - 1]
    return before !== undefined && point.time - before.time > longest ? { ...point, isAfterGap: true } : point
  })
}

/** The seconds from the first to the last point. */
export function spanOf(points: Points): number {
  return (points.at(-1)?.time ?? 0) - (points[0]?.time ?? 0)
}

/**
 * The maximum number of points: fewer than the chart has columns of pixels, also on a phone. So the work of drawing it
 * does not grow with the job.
 */
export const pointLimit = 240

/** Seconds within which the hub reports a change. */
const reportTime = 0.2

/**
 * The points with one more, of the counters that the hub has just reported. It reports every change, so the counters were
 * the same until shortly before. The number of points is limited in two ways: a point that is too close to the last but
 * one, relative to the whole duration, replaces the last one; and when there are too many points, every second one is
 * removed.
 */
export function addPoint(points: Points, point: Point, limit = pointLimit): Points {
  const [first] = points
  const last = points.at(-1)
  if (first === undefined || last === undefined) return [point]
  // Times never decrease, even when the clock is set back.
  if (point.time < last.time) return addPoint(points, { ...point, time: last.time }, limit)
  const closest = (point.time - first.time) / limit
  if (point.time - last.time > Math.max(2 * reportTime, closest)) {
    const unchanged = { ...last, time: point.time - reportTime, isAfterGap: false }
    return bounded([...points, unchanged, point], limit)
  }
  const beforeLast = points.at(-2)
  if (point.time === last.time || (beforeLast !== undefined && last.time - beforeLast.time < closest)) {
    return [...points.slice(0, -1), { ...point, isAfterGap: last.isAfterGap }]
  }
  return bounded([...points, point], limit)
}

function bounded(points: Points, limit: number): Points {
  return points.length > limit ? thin(points, Math.ceil(limit / 2)) : points
}

/** At most `count` points (2 or more), evenly chosen, including the first and the last. */
export function thin(points: Points, count: number): Points {
  if (points.length <= count) return points
  const indexes = Array.from({ length: count }, (_, index) => Math.round((index * (points.length - 1)) / (count - 1)))
  return indexes.flatMap((at, index) => {
    const point = points[at]
    if (point === undefined) return []
    const skipped = points.slice((indexes[index - 1] ?? at) + 1, at)
    return skipped.some(({ isAfterGap }) => isAfterGap) ? [{ ...point, isAfterGap: true }] : [point]
  })
}

/** A time of which nothing is known, in seconds since 1970. */
export type Gap = { readonly from: number; readonly to: number }

/** The gaps between the points and, while the hub cannot be reached, after them until `until`. */
export function gapsIn(points: Points, until?: number): readonly Gap[] {
  const gaps = points.flatMap((point, index) => {
    const before = points[index - 1]
    return point.isAfterGap && before !== undefined ? [{ from: before.time, to: point.time }] : []
  })
  const last = points.at(-1)
  return last !== undefined && until !== undefined && until > last.time
    ? [...gaps, { from: last.time, to: until }]
    : gaps
}

/** The seconds over which the rate is measured, or since the point before if that is longer. */
const windowInSeconds = 10
/** In less time, a batch of devices would be a peak. */
const shortestWindow = 1

/** Device jobs that ended per second before each point; null where that is unknown. */
export function ratesOf(points: Points): readonly (number | null)[] {
  let from = 0
  return points.map((point, index) => {
    if (index === 0 || point.isAfterGap) {
      from = index
      return null
    }
    for (let next = points[from + 1]; next && from + 1 < index && next.time <= point.time - windowInSeconds; ) {
      from++
      next = points[from + 1]
    }
    const start = points[from]
    if (start === undefined || point.time - start.time < shortestWindow) return null
    return (point.succeeded + point.failed - start.succeeded - start.failed) / (point.time - start.time)
  })
}

type Column = readonly (number | null)[]

/** The points as columns of equal length for the chart. A row without values interrupts the lines in each gap. */
export type Columns = {
  readonly times: readonly number[]
  readonly succeeded: Column
  readonly failed: Column
  readonly running: Column
  readonly rates: Column
}

/** The columns of the points, which reach until `until` if that is given. */
export function columnsOf(points: Points, until?: number): Columns {
  const rates = ratesOf(points)
  const empty = (time: number) => ({ time, succeeded: null, failed: null, running: null, rate: null })
  const rows = points.flatMap((point, index) => {
    const row = { ...point, rate: rates[index] ?? null }
    const before = points[index - 1]
    return point.isAfterGap && before !== undefined ? [empty((before.time + point.time) / 2), row] : [row]
  })
  const all = until === undefined ? rows : [...rows, empty(until)]
  return {
    times: all.map(({ time }) => time),
    succeeded: all.map(({ succeeded }) => succeeded),
    failed: all.map(({ failed }) => failed),
    running: all.map(({ running }) => running),
    rates: all.map(({ rate }) => rate),
  }
}

type Formats = {
  readonly formatCount: (count: number) => string
  readonly formatRate: (rate: number) => string
  readonly formatDuration: (seconds: number) => string
}

/** The points and gaps in words. */
export function describePoints(
  points: Points,
  gaps: readonly Gap[],
  { formatCount, formatRate, formatDuration }: Formats,
): string {
  const last = points.at(-1)
  if (last === undefined) return 'No progress recorded yet.'
  const fastest = Math.max(0, ...ratesOf(points).map((rate) => rate ?? 0))
  const seconds = spanOf(points)
  const span = seconds < 1 ? 'less than a second' : formatDuration(seconds)
  const devices = last.succeeded === 1 ? 'device' : 'devices'
  const unknown = gaps.reduce((sum, { from, to }) => sum + to - from, 0)
  const sentences = [
    `${formatCount(last.succeeded)} ${devices} succeeded and ${formatCount(last.failed)} failed or refused in ${span}.`,
    // Shorter than the window, a peak says nothing.
    ...(fastest === 0 || seconds < shortestCharted ? [] : [`Peak rate: ${formatRate(fastest)} devices/s.`]),
    ...(unknown < 1 ? [] : [`No data for ${formatDuration(unknown)}.`]),
  ]
  return sentences.join(' ')
}

/** Seconds from which on a job that has ended has a chart, and the shortest time that a chart covers. What happens in less is not seen. */
export const shortestCharted = 5

/** Whether there is a chart. A job that has not ended has one from its first point on. */
export const hasChart = (points: Points, isOpen: boolean): boolean =>
  spanOf(points) >= shortestCharted || (isOpen && points.length > 0)
