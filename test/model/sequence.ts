import fc from 'fast-check'
import type { AbortRule } from '../../src/job/abort-rules.ts'
import type { JobOverlapPolicy } from '../../src/job/on-overlap.ts'
import type { Ramp } from '../../src/job/ramp.ts'
import type { RetryPolicy } from '../../src/job/retry-policy.ts'
import type { JobTargets } from '../../src/job/targets.ts'
import { daysOfWeek, type TimeWindow } from '../../src/job/time-window.ts'
import type { Gate, Wave, WaveSize } from '../../src/job/waves.ts'
import { shownBy, timeOfDay } from './clocks.ts'
import { playing } from './scenes.ts'

/** A device of a sequence. */
export type DevicePlan = {
  /** The group of a budget; null for a device without a value. */
  readonly site: 'north' | 'south' | null
  readonly isCanary: boolean
  readonly isConnected: boolean
  /** False for a device that is created later, if at all. */
  readonly isRegistered: boolean
  /** Whether it meets the conditions of jobs. */
  readonly isMember: boolean
  /** Whether its twin is as a twin update would make it. */
  readonly isCompliant: boolean
  /** What it names as its time zone. */
  readonly timeZone: string | null
}

export type Limits = {
  readonly maxPerMinute: number | null
  readonly ramp: Ramp | null
  readonly maxConcurrent: number | null
  /** Calls in progress at a time in each group; null without a budget. */
  readonly budget: number | null
}

/** A job with its controls. Times are in seconds. */
export type JobPlan = Limits & {
  readonly type: 'method' | 'twin'
  /** Whether only canaries meet its condition. */
  readonly isForCanaries: boolean
  readonly onOverlap: JobOverlapPolicy
  readonly startsAfter: number
  readonly needsApproval: boolean
  readonly rules: readonly AbortRule[]
  readonly waves: readonly Wave[] | null
  readonly targets: JobTargets
  readonly window: TimeWindow | null
  readonly retry: RetryPolicy | null
  readonly skipCompliant: boolean
  readonly responseTimeout: number
  /** 0 for none. */
  readonly connectTimeout: number
  readonly maxExecutionTime: number
}

/** How a device answers a call: with a status, or with what is not JSON. */
export type Reply = {
  readonly device: number
  readonly status: number | 'malformed'
  /** The answer is to its first attempt, however many there were since. */
  readonly isToFirst: boolean
}

/** Who decides: the client that scheduled the job, or another one. */
export type Client = 'author' | 'approver'

/** What happens to a job in a step. Devices are numbers, modulo the number of devices. */
export type JobCommand =
  | { readonly kind: 'wait' | 'pause' | 'resume' | 'cancel' }
  | { readonly kind: 'approve' | 'reject'; readonly by: Client; readonly wave: number | null }
  | { readonly kind: 'openWave'; readonly wave: number }
  | { readonly kind: 'cancelDevice'; readonly device: number }
  | { readonly kind: 'cancelDevices'; readonly canariesOnly: boolean }
  | { readonly kind: 'limit'; readonly limits: Partial<Limits> }
  | { readonly kind: 'extend'; readonly seconds: number }
  | { readonly kind: 'setTime'; readonly seconds: number }
  | { readonly kind: 'answer'; readonly replies: readonly Reply[] }

/** What happens to a device, or whether the next job of the sequence is scheduled. */
export type OtherCommand =
  | { readonly kind: 'schedule' }
  | {
      readonly kind: 'connect' | 'disconnect' | 'delete' | 'create' | 'enter' | 'leave' | 'drift'
      readonly device: number
    }

/**
 * What happens in a step. Jobs are numbers, modulo the number of jobs that are scheduled by then. Only a client that `insists` commands
 * what it can see to be in vain.
 */
export type Command = (JobCommand & { readonly job: number; readonly insists: boolean }) | OtherCommand

/** Devices, the jobs on them, of which the first is scheduled at once, and what happens in each step. */
export type Sequence = {
  readonly devices: readonly DevicePlan[]
  readonly jobs: readonly JobPlan[]
  readonly commands: readonly Command[]
}

const chosen = <const List extends readonly unknown[]>(...values: List): fc.Arbitrary<List[number]> =>
  fc.constantFrom(...values)
/** How often null, and how often a value. */
const orNull = <T>(value: fc.Arbitrary<T>, weight = 1, weightOfNull = 1): fc.Arbitrary<T | null> =>
  fc.oneof({ arbitrary: fc.constant(null), weight: weightOfNull }, { arbitrary: value, weight })

const limit = chosen(1, 2, 3)
const rate = chosen(1, 2, 4, 12, 60, 120)
const ramp: fc.Arbitrary<Ramp> = fc.record({
  from: chosen(1, 1, 2, 6),
  factor: chosen(1.5, 2, 3, 10),
  afterSucceeded: chosen(1, 1, 2),
})
const percent = chosen(0, 1, 25, 33.33, 34, 50, 66.67, 75, 99.99, 100)

const device: fc.Arbitrary<DevicePlan> = fc.record({
  site: chosen('north', 'north', 'south', null),
  isCanary: fc.boolean(),
  isConnected: chosen(true, true, true, false),
  isRegistered: chosen(true, true, true, true, true, true, false),
  isMember: chosen(true, true, true, true, true, true, false),
  isCompliant: fc.boolean(),
  timeZone: chosen(null, 'UTC', 'Europe/Berlin', 'Europe/Berlin', 'Asia/Kolkata', 'Mars/Olympus'),
})

const rule: fc.Arbitrary<AbortRule> = fc
  .tuple(
    chosen(
      { on: ['failed'] },
      { on: ['refused'] },
      { on: ['timedOut'] },
      { on: ['failed', 'refused'] },
      { on: ['failed', 'timedOut'] },
      { on: ['refused', 'timedOut'] },
      { errorCode: 'GatewayTimeout' },
      { errorCode: 'DeviceNotFound' },
      { errorCode: 'DeviceNotOnline' },
      { responseStatus: 503 },
      { responseStatus: 200 },
    ),
    percent,
    chosen(1, 1, 2, 3),
    chosen('pause', 'pause', 'cancel'),
  )
  .map(([counted, percent, afterDevices, action]) => ({ ...counted, percent, afterDevices, action }))

const gate = fc
  .record({
    succeededPercent: orNull(percent, 3),
    soakSeconds: orNull(chosen(1, 5, 20)),
    approval: chosen(true, false, false, false),
    onFailure: chosen('pause', 'pause', 'cancel'),
  })
  .map(
    ({ succeededPercent, soakSeconds, approval, onFailure }): Gate => ({
      ...(succeededPercent !== null && { succeededPercent }),
      ...(soakSeconds !== null && { soakSeconds }),
      ...(approval && { approval }),
      onFailure: succeededPercent === null && !approval ? 'pause' : onFailure,
    }),
  )

const canaries = "tags.role = 'canary'"

const wave: fc.Arbitrary<Wave> = fc
  .tuple(
    chosen<WaveSize[]>({ devices: 1 }, { devices: 2 }, { percent: 10 }, { percent: 40 }, { queryCondition: canaries }),
    orNull(gate, 4),
  )
  .map(([size, gate]): Wave => (gate === null ? size : { ...size, gate }))

const waves: fc.Arbitrary<readonly Wave[]> = fc
  .array(wave, { minLength: 1, maxLength: 3 })
  .filter((list) => list.reduce((sum, wave) => sum + ('percent' in wave ? wave.percent : 0), 0) < 100)
  .map((list) => [...list, { rest: true }])

const retry: fc.Arbitrary<RetryPolicy> = fc.record({
  maxAttempts: chosen(2, 2, 3, 4),
  on: chosen(
    ['GatewayTimeout'],
    ['503'],
    ['GatewayTimeout', '503'],
    ['BadDeviceResponse', '500', '503', 'GatewayTimeout'],
  ),
  backoffSeconds: chosen(0, 1, 4, 15),
  factor: chosen(1, 1.5, 2),
  maxBackoffSeconds: chosen(15, 20, 3600),
})

const minute = 60_000
const day = 24 * 60 * minute

/** Windows that open or close around a moment, by the clocks of one of the zones. */
const windowAround = (moment: number): fc.Arbitrary<TimeWindow> =>
  fc
    .record({
      zone: chosen('UTC', 'Europe/Berlin', 'Europe/Berlin', 'Asia/Kolkata'),
      opensIn: chosen(-61, -2, -1, 0, 0, 1, 1, 2),
      minutes: chosen(1, 1, 2, 3, 61),
      days: chosen(null, null, null, 0, 1),
      of: chosen('job', 'job', 'devices', 'both'),
    })
    .map(({ zone, opensIn, minutes, days, of }): TimeWindow => {
      const from = shownBy(zone, moment) + opensIn * minute
      const date = Math.floor(from / day)
      const [name] = days === null ? [] : daysOfWeek.slice((date + days + 3) % 7)
      return {
        ...(name !== undefined && { days: [name] }),
        from: timeOfDay(from),
        to: timeOfDay(from + minutes * minute),
        ...(of !== 'devices' && { timeZone: zone }),
        ...(of !== 'job' && { timeZoneFrom: 'tags.timeZone' }),
      }
    })

/** Rules that count the same are refused. */
const isKnown = (rules: readonly AbortRule[]): boolean =>
  new Set(rules.map(({ action: _, ...counted }) => JSON.stringify(counted))).size < rules.length

/** A plan that a client may request, at most without what cannot be combined. */
function allowed(plan: JobPlan): JobPlan {
  const isMethod = plan.type === 'method'
  const isContinuous = plan.targets === 'continuous'
  const { window, ramp, rules, waves, budget, maxPerMinute, maxConcurrent } = plan
  return {
    ...plan,
    ...(ramp !== null && ramp.from > (maxPerMinute ?? 0) && { ramp: null }),
    ...(isMethod ? { skipCompliant: false } : { maxConcurrent: null, budget: null, connectTimeout: 0, retry: null }),
    // Rules act while devices wait only.
    ...(isMethod && rules.length > 0 && waves === null && budget === null && { maxConcurrent: maxConcurrent ?? 2 }),
    ...(isContinuous && { waves: null, connectTimeout: 0, onOverlap: 'parallel' as const }),
    ...(isContinuous && window !== null && window.timeZoneFrom !== undefined && { window: null }),
    ...(window !== null && { maxExecutionTime: 600 }),
  }
}

const planAt = (
  begins: number,
  forCanaries: readonly boolean[],
  onOverlap: fc.Arbitrary<JobOverlapPolicy>,
): fc.Arbitrary<JobPlan> =>
  fc
    .record({
      type: chosen('method', 'method', 'twin'),
      isForCanaries: chosen(...forCanaries),
      onOverlap,
      startsAfter: chosen(0, 0, 0, 0, 0, 0, 0, 5),
      needsApproval: chosen(true, ...Array.from({ length: 9 }, () => false)),
      maxPerMinute: orNull(rate),
      ramp: orNull(ramp),
      maxConcurrent: orNull(limit),
      budget: orNull(chosen(1, 1, 2)),
      rules: fc.array(rule, { maxLength: 2 }).filter((rules) => !isKnown(rules)),
      waves: orNull(waves),
      targets: chosen('atStart', 'atStart', 'atStart', 'atStart', 'atCreation', 'atCreation', 'continuous'),
      window: orNull(windowAround(begins), 1, 4),
      retry: orNull(retry, 2, 3),
      skipCompliant: fc.boolean(),
      responseTimeout: chosen(5, 10, 30),
      connectTimeout: chosen(0, 0, 5),
      maxExecutionTime: chosen(20, 60, 600, 600, 600, 600),
    })
    .map(allowed)

const anyDevice = fc.nat({ max: 5 })
const replies = fc.array(
  fc.record({
    device: anyDevice,
    status: chosen(200, 200, 200, 200, 200, 399, 400, 500, 503, 503, 'malformed'),
    isToFirst: chosen(false, false, false, true),
  }),
  { minLength: 1, maxLength: 4 },
)

/** Most changes are those that a job of this plan can have. */
const limitsOf = ({ type }: JobPlan): fc.Arbitrary<Partial<Limits>> =>
  fc
    .tuple(
      chosen<readonly (readonly (keyof Limits)[])[]>(
        ['maxPerMinute'],
        ['ramp'],
        ['maxPerMinute', 'ramp'],
        ...(type === 'method'
          ? ([['maxConcurrent'], ['budget'], ['maxPerMinute', 'maxConcurrent']] as const)
          : ([['maxPerMinute'], ['maxPerMinute'], ['maxConcurrent']] as const)),
      ),
      orNull(rate, 3),
      orNull(ramp, 3),
      orNull(limit, 2),
      orNull(chosen(1, 2), 3),
    )
    .map(([names, maxPerMinute, ramp, maxConcurrent, budget]) => {
      const all: Limits = { maxPerMinute, ramp, maxConcurrent, budget }
      return Object.fromEntries(names.map((name) => [name, all[name]]))
    })

function commandsOn(plan: JobPlan, isShared: boolean): fc.Arbitrary<JobCommand> {
  const { type, waves } = plan
  const anyWave = chosen(2, 2, 3, 4)
  const hasApprovals = plan.needsApproval || waves?.some(({ gate }) => gate?.approval)
  return fc.oneof(
    { arbitrary: fc.record({ kind: chosen('answer'), replies }), weight: type === 'method' ? 200 : 10 },
    { arbitrary: fc.record({ kind: chosen('wait') }), weight: 20 },
    { arbitrary: fc.record({ kind: chosen('pause') }), weight: 20 },
    { arbitrary: fc.record({ kind: chosen('resume') }), weight: 40 },
    { arbitrary: fc.record({ kind: chosen('cancel') }), weight: isShared ? 15 : 3 },
    {
      arbitrary: fc.record({
        kind: chosen('approve', 'approve', 'approve', 'approve', 'reject'),
        by: chosen('approver', 'approver', 'approver', 'author'),
        wave: waves === null ? chosen(null, null, null, 2) : orNull(anyWave),
      }),
      weight: hasApprovals ? 50 : 3,
    },
    { arbitrary: fc.record({ kind: chosen('openWave'), wave: anyWave }), weight: waves === null ? 1 : 20 },
    { arbitrary: fc.record({ kind: chosen('cancelDevice'), device: anyDevice }), weight: 10 },
    { arbitrary: fc.record({ kind: chosen('cancelDevices'), canariesOnly: chosen(true, true, false) }), weight: 5 },
    { arbitrary: fc.record({ kind: chosen('limit'), limits: limitsOf(plan) }), weight: 30 },
    { arbitrary: fc.record({ kind: chosen('extend'), seconds: chosen(1, 60) }), weight: 5 },
    { arbitrary: fc.record({ kind: chosen('setTime'), seconds: chosen(1, 30, 600) }), weight: 7 },
  )
}

function commandsFor(jobs: readonly JobPlan[]): fc.Arbitrary<Command> {
  const isShared = jobs.length > 1
  const isAnyContinuous = jobs.some(({ targets }) => targets === 'continuous')
  return fc.oneof(
    ...jobs.map((plan, job) => ({
      arbitrary: fc
        .tuple(commandsOn(plan, isShared), chosen(true, false, false, false, false, false, false, false))
        .map(([command, insists]): Command => ({ ...command, job, insists })),
      weight: Math.ceil(420 / jobs.length),
    })),
    { arbitrary: fc.record({ kind: chosen('schedule') }), weight: isShared ? 400 : 0 },
    {
      arbitrary: fc.record({ kind: chosen('connect', 'disconnect', 'delete', 'create'), device: anyDevice }),
      weight: 40,
    },
    {
      arbitrary: fc.record({ kind: chosen('enter', 'enter', 'leave', 'drift'), device: anyDevice }),
      weight: isAnyContinuous || isShared ? 40 : 5,
    },
  )
}

/** When a batch begins: its clocks show midnight soon, are about to be changed, or neither. */
const begins = chosen(
  '2026-06-10T12:00:30Z',
  '2026-06-10T12:00:30Z',
  '2026-06-10T21:59:20Z',
  '2026-06-10T23:59:10Z',
  '2026-03-29T00:59:00Z',
  '2026-10-25T00:59:00Z',
  '2026-10-25T01:59:00Z',
).map((text) => Date.parse(text))

/** When a batch begins, and the seconds between two of its steps: they pass for all its sequences together. */
export type Times = { readonly begins: number; readonly seconds: readonly number[] }

/** So much that a job that waits for another one looks again. */
const aMinute = 61
const pause: fc.Arbitrary<number> = chosen(1, 1, 1, 1, 2, 2, 5, 5, 5, 5, 10, 10, 20, 20, aMinute)

/** Whether another job has some of the devices is seen where a sequence has several. Each request that may be refused is compared with all open jobs. */
const jobsAt = (begins: number, isShared: boolean): fc.Arbitrary<readonly JobPlan[]> =>
  isShared
    ? fc
        .array(planAt(begins, [true, false], chosen('parallel', 'queue', 'queue', 'refuse')), {
          minLength: 2,
          maxLength: 3,
        })
        .map((jobs) => jobs.map((plan) => ({ ...plan, skipCompliant: false })))
    : planAt(begins, [true, false, false, false, false, false], chosen('parallel', 'parallel', 'queue')).map((plan) => [
        plan,
      ])

/** Sequences of equal numbers have the same times. A minute passes before one of the last steps. */
export const timesOf = (batch: number, steps: number): Times => {
  const seconds = fc
    .tuple(fc.array(pause, { minLength: steps, maxLength: steps }), chosen(1, 2, 3))
    .map(([pauses, fromEnd]) => pauses.with(-fromEnd, aMinute))
  const [times = { begins: 0, seconds: [] }] = fc.sample(fc.record({ begins, seconds }), { seed: batch, numRuns: 1 })
  return times
}

/** The sequence that follows from a seed: a scene or anything. One of `shared` has several jobs. */
export function generate(seed: number, { begins, seconds }: Times, isShared: boolean): Sequence {
  const exactly = { minLength: seconds.length, maxLength: seconds.length }
  const anything = jobsAt(begins, isShared).chain((jobs) =>
    fc.record({
      devices: fc.array(device, { minLength: 1, maxLength: 6, size: 'max' }),
      jobs: fc.constant(jobs),
      commands: fc.array(commandsFor(jobs), exactly),
    }),
  )
  const scene = playing(seed, { begins, steps: seconds.length, isShared })
  const [sequence = { devices: [], jobs: [], commands: [] }] = fc.sample(
    fc.oneof({ arbitrary: anything, weight: isShared ? 2 : 3 }, { arbitrary: scene, weight: isShared ? 3 : 2 }),
    { seed, numRuns: 1 },
  )
  return sequence
}
