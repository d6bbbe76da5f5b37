import { doneIn, type Statistics } from '../../../ui/statistics.ts'

/** The progress of a job at one moment. `time` is in seconds since 1970. Unknown values are null. */
export type Point = {
  readonly time: number
  readonly succeeded: number
  /** Failed or refused. */
  readonly failed: number
  readonly running: number | null
  /** Device jobs that ended per second. */
  readonly throughput: number | null
}

/** The progress of a job over time. */
export type Samples = readonly Point[]

/** The seconds over which the hub measures the throughput, or since the start of the job if that is shorter. */
const windowInSeconds = 10

/** The maximum number of points: about as many as a chart has columns of pixels. */
const sampleLimit = 400

/** A point from the counters at a moment. */
export function pointOf(statistics: Statistics, throughput: number | null, time: number): Point {
  const { refusedCount, failedCount, runningCount } = statistics
  return { time, succeeded: doneIn(statistics), failed: failedCount + refusedCount, running: runningCount, throughput }
}

/**
 * The samples with one more point. Their number is limited in two ways: a point that is too close to the last but one,
 * relative to the whole duration, replaces the last one; and when there are too many points, every second one is
 * removed.
 */
export function addPoint(samples: Samples, point: Point, limit: number = sampleLimit): Samples {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined) return [point]
  // Times never decrease, even when the clock is set back.
  const next = point.time < last.time ? { ...point, time: last.time } : point
  const beforeLast = samples.at(-2)
  const span = next.time - first.time
  if (next.time === last.time || (beforeLast !== undefined && last.time - beforeLast.time < span / limit)) {
    return [...samples.slice(0, -1), next]
  }
  const longer = [...samples, next]
  return longer.length > limit ? thin(longer, Math.ceil(limit / 2)) : longer
}

/** At most `count` points (2 or more) of the samples, evenly chosen, including the first and the last. */
export function thin(samples: Samples, count: number): Samples {
  if (samples.length <= count) return samples
  const last = samples.length - 1
  return Array.from({ length: count }, (_, index) => samples[Math.round((index * last) / (count - 1))]).filter(
    (point) => point !== undefined,
  )
}

/** A device job that has ended. `endTime` is ISO 8601. */
export type Ended = { readonly result: string; readonly endTime: string | null }

/**
 * The samples before the first observed point, from the start of the job, calculated from the end times of its device
 * jobs (in that order) if they are known. The number of running device jobs is unknown. Both times are in seconds since
 * 1970.
 */
export function samplesBefore(startTime: number, seen: Point, ended: readonly Ended[] = [], columns = 80): Samples {
  if (startTime >= seen.time) return []
  const nothing = { time: startTime, succeeded: 0, failed: 0, running: null, throughput: null }
  const known = ended.slice(0, seen.succeeded + seen.failed)
  if (seen.succeeded + seen.failed === 0) return [{ ...nothing, throughput: 0 }]
  if (known.length < seen.succeeded + seen.failed) return [nothing]
  const width = (seen.time - startTime) / columns
  const points: Point[] = [{ ...nothing, throughput: 0 }]
  let { succeeded, failed } = nothing
  let index = 0
  /** The index of the first device job that ended within the window before the current sample. */
  let recent = 0
  for (let column = 1; column < columns; column++) {
    const time = startTime + column * width
    for (let one = known[index]; one !== undefined && timeOf(one) <= time; one = known[index]) {
      if (one.result === 'SUCCEEDED') succeeded++
      else failed++
      index++
    }
    for (let one = known[recent]; recent < index && one && timeOf(one) <= time - windowInSeconds; one = known[recent])
      recent++
    const throughput = (index - recent) / Math.min(windowInSeconds, time - startTime)
    points.push({ time, succeeded, failed, running: null, throughput })
  }
  return points
}

/** Device jobs without an end time ended with their job. */
function timeOf({ endTime }: Ended): number {
  return endTime === null ? Number.POSITIVE_INFINITY : new Date(endTime).getTime() / 1000
}

/**
 * The samples as columns for the chart. When the counts between the start and the first observed point are unknown, the
 * start has no counts: a line from there would be invented.
 */
export function columnsOf(samples: Samples): {
  readonly times: readonly number[]
  readonly succeeded: readonly (number | null)[]
  readonly failed: readonly (number | null)[]
  readonly running: readonly (number | null)[]
  readonly throughput: readonly (number | null)[]
} {
  const isUnknown = (index: number): boolean => index === 0 && beginsUnseen(samples)
  return {
    times: samples.map(({ time }) => time),
    succeeded: samples.map(({ succeeded }, index) => (isUnknown(index) ? null : succeeded)),
    failed: samples.map(({ failed }, index) => (isUnknown(index) ? null : failed)),
    running: samples.map(({ running }) => running),
    throughput: samples.map(({ throughput }) => throughput),
  }
}

/** Whether the counts between the first and the second point are unknown. */
function beginsUnseen([first]: Samples): boolean {
  return first !== undefined && first.running === null && first.throughput === null
}

type NumberFormats = {
  readonly formatCount: (count: number) => string
  readonly formatRate: (rate: number) => string
  readonly formatDuration: (seconds: number) => string
}

/** The samples in words, for screen readers. */
export function describeSamples(samples: Samples, { formatCount, formatRate, formatDuration }: NumberFormats): string {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined || first === last) return 'No progress recorded yet.'
  const fastest = samples.reduce((most, { throughput }) => Math.max(most, throughput ?? 0), 0)
  const seconds = last.time - first.time
  const span = seconds < 1 ? 'less than a second' : formatDuration(seconds)
  const devices = last.succeeded === 1 ? 'device' : 'devices'
  const isPart = beginsUnseen(samples)
  const sentences = [
    `${formatCount(last.succeeded)} ${devices} succeeded and ${formatCount(last.failed)} failed or refused in ${span}.`,
    ...(isPart ? ['The chart starts when this page was opened.'] : []),
    ...(fastest === 0 ? [] : [`Peak rate${isPart ? ' since then' : ''}: ${formatRate(fastest)} devices/s.`]),
  ]
  return sentences.join(' ')
}
