import type { Clock } from '../clock.ts'
import { LimitExceededError } from '../errors.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { type Bucket, fullBucket, partOf, spendFrom, takeFrom, unitsIn, withRate } from './bucket.ts'
import { type Demand, shareOf } from './demand.ts'
import { printRate, type ThrottleName, type Throttling, throttleNames } from './presets.ts'

/**
 * For how many devices jobs may do their work now; `next` is when to ask again, undefined when everything wanted was
 * granted.
 */
export type Pace = { readonly granted: number; readonly next: Date | undefined }

/**
 * The throttles of this process. There are three ways to handle an exceeded limit: the client gets an error (`take`,
 * `ask`), a device has to wait (`delay`), a job continues at the rate of the limit (`pace`). Kept in memory: a new
 * process starts with full buckets, or with its share of them.
 */
export type Throttles = {
  /** Takes `cost` units, or throws LimitExceededError when they are not available. */
  take(name: ThrottleName, cost?: number): void
  /** Takes `cost` units, or returns the milliseconds until they are available. */
  ask(name: ThrottleName, cost?: number): number
  /** Takes a unit in any case, and returns the milliseconds until it is due: `longestDebt` at most. */
  delay(name: ThrottleName): number
  /** Takes up to `wanted` units of a job's work. */
  pace(wanted: number): Pace
  /** Gives back unused units. */
  giveBack(unused: number): void
  /**
   * What this process was asked for, averaged over the last ten calls of this function or so; to be called in equal
   * intervals. It counts from the first call on.
   */
  demand(): Demand
  /**
   * Limits this process to its share of each throttle among instances with these demands. A larger share fills at its
   * rate, so all instances together never have more than the whole.
   */
  divide(others: readonly Demand[]): void
  /** The long-term rate of a job's work in units per second; undefined for no limit. */
  readonly jobPace: number | undefined
}

const what: Readonly<Record<ThrottleName, string>> = {
  registry: 'registry operations',
  connections: 'new device connections',
  telemetry: 'telemetry messages',
  methods: 'KB of method calls',
  queries: 'queries',
  twinReads: 'twin reads',
  twinUpdates: 'twin updates',
  jobOperations: 'job operations',
  jobDeviceOperations: 'job device operations',
}

/** The part of an average that is left after one more interval. */
const memory = 0.9

export function createThrottles(clock: Clock, throttling: Throttling, metrics?: Metrics): Throttles {
  const buckets = new Map<ThrottleName, Bucket>()
  for (const name of throttleNames) {
    const rate = throttling[name]
    if (rate === undefined) continue
    buckets.set(name, fullBucket(rate, clock.now().getTime()))
    metrics?.count('twincast_throttled_total', { throttle: name }, 0)
  }

  const { jobDeviceOperations: jobRate } = throttling
  /** Units since the demand was read last; undefined while nobody reads it. */
  let asked: Map<ThrottleName, number> | undefined
  let demand: Demand = {}
  const note = (name: ThrottleName, cost: number): void => {
    if (asked !== undefined && cost > 0) asked.set(name, (asked.get(name) ?? 0) + cost)
  }

  /** Milliseconds to wait, 0 for none. */
  const use = (from: typeof takeFrom, name: ThrottleName, cost: number): number => {
    const bucket = buckets.get(name)
    if (bucket === undefined) return 0
    note(name, cost)
    const taken = from(bucket, cost, clock.now().getTime())
    buckets.set(name, taken.bucket)
    if (taken.waitMs > 0 && cost > 0) metrics?.count('twincast_throttled_total', { throttle: name })
    return taken.waitMs
  }

  return {
    take(name, cost = 1) {
      const waitMs = use(takeFrom, name, cost)
      const rate = throttling[name]
      if (waitMs === 0 || rate === undefined) return
      const seconds = Math.ceil(waitMs / 1000)
      throw new LimitExceededError(
        `The limit for ${what[name]} (${printRate(rate)}) is reached. Retry in ${seconds} s.`,
        seconds,
      )
    },
    ask: (name, cost = 1) => use(takeFrom, name, cost),
    delay: (name) => use(spendFrom, name, 1),
    pace(wanted) {
      const bucket = buckets.get('jobDeviceOperations')
      if (bucket === undefined) return { granted: wanted, next: undefined }
      note('jobDeviceOperations', wanted)
      const now = clock.now().getTime()
      const granted = Math.min(wanted, unitsIn(bucket, now))
      const rest = spendFrom(bucket, granted, now).bucket
      buckets.set('jobDeviceOperations', rest)
      if (granted === wanted) return { granted, next: undefined }
      metrics?.count('twincast_throttled_total', { throttle: 'jobDeviceOperations' })
      // A quarter of the bucket at a time: a transaction for each unit would be expensive at a high rate.
      const lot = Math.min(wanted - granted, Math.ceil(bucket.rate.amount / 4))
      return { granted, next: new Date(now + takeFrom(rest, lot, now).waitMs) }
    },
    giveBack(unused) {
      use(spendFrom, 'jobDeviceOperations', -unused)
    },
    demand() {
      const recent = asked ?? new Map<ThrottleName, number>()
      demand = Object.fromEntries(
        [...buckets.keys()].flatMap((name) => {
          // While nothing is asked for, all demands shrink alike, so the shares stay as they were.
          const units = (demand[name] ?? 0) * memory + (recent.get(name) ?? 0)
          return units > 0 ? [[name, Number(units.toPrecision(4))]] : []
        }),
      )
      asked = new Map()
      return demand
    },
    divide(others) {
      const now = clock.now().getTime()
      for (const [name, bucket] of buckets) {
        const rate = throttling[name]
        if (rate !== undefined) buckets.set(name, withRate(bucket, partOf(rate, shareOf(name, demand, others)), now))
      }
    },
    jobPace: jobRate && jobRate.amount / jobRate.seconds,
  }
}
