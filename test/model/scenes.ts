import fc from 'fast-check'
import type { AbortRule } from '../../src/job/abort-rules.ts'
import type { Gate } from '../../src/job/waves.ts'
import { shownBy, timeOfDay } from './clocks.ts'
import type { Command, DevicePlan, JobCommand, JobPlan, Reply, Sequence } from './sequence.ts'

// Scenes: what happens only after several fitting steps in a row, on devices and jobs that fit, is rare among random commands. A scene
// has little else that could keep it from happening, and chooses the rest at random.

const chosen = <const List extends readonly unknown[]>(...values: List): fc.Arbitrary<List[number]> =>
  fc.constantFrom(...values)

const minute = 60_000
/** As many devices as a sequence has at most. */
const mostDevices = 6

/** A job without controls. */
const plain: JobPlan = {
  type: 'method',
  isForCanaries: false,
  onOverlap: 'parallel',
  startsAfter: 0,
  needsApproval: false,
  maxPerMinute: null,
  ramp: null,
  maxConcurrent: null,
  budget: null,
  rules: [],
  waves: null,
  targets: 'atStart',
  window: null,
  retry: null,
  skipCompliant: false,
  responseTimeout: 30,
  connectTimeout: 0,
  maxExecutionTime: 600,
}

const planWith = (controls: fc.Arbitrary<Partial<JobPlan>>): fc.Arbitrary<JobPlan> =>
  controls.map((chosenControls) => ({ ...plain, ...chosenControls }))

const device: fc.Arbitrary<DevicePlan> = fc.record({
  site: chosen('north', 'south', null),
  isCanary: fc.boolean(),
  isConnected: chosen(true, true, true, true, true, false),
  isRegistered: fc.constant(true),
  isMember: fc.constant(true),
  isCompliant: fc.boolean(),
  timeZone: fc.constant(null),
})

/** Canaries are connected, and no others; or the other way round. */
const canariesOnline: fc.Arbitrary<DevicePlan> = device.map((plan) => ({ ...plan, isConnected: plan.isCanary }))
const othersOnline: fc.Arbitrary<DevicePlan> = device.map((plan) => ({ ...plan, isConnected: !plan.isCanary }))

type Scene = {
  readonly device?: fc.Arbitrary<DevicePlan>
  readonly jobs: fc.Arbitrary<readonly JobPlan[]>
  /** What happens first, and what may happen after that. */
  readonly opening?: readonly Command[]
  readonly afterwards: fc.Arbitrary<Command>
}

const on = (job: number, command: JobCommand): Command => ({ ...command, job, insists: false })
const onFirst = (command: fc.Arbitrary<JobCommand>): fc.Arbitrary<Command> => command.map((given) => on(0, given))
const schedule: Command = { kind: 'schedule' }

/** Answers of some devices, each with one of these statuses. */
const answers = (...statuses: readonly Reply['status'][]): fc.Arbitrary<JobCommand> =>
  fc
    .array(
      fc.record({
        device: fc.nat({ max: mostDevices - 1 }),
        status: chosen(...statuses),
        isToFirst: fc.constant(false),
      }),
      { minLength: 2, maxLength: mostDevices },
    )
    .map((replies) => ({ kind: 'answer', replies }))

/** All calls in progress are answered so. */
const allAnswer = (status: Reply['status']): JobCommand => ({
  kind: 'answer',
  replies: Array.from({ length: mostDevices }, (_, number) => ({ device: number, status, isToFirst: false })),
})

const wait = chosen({ kind: 'wait' })
const pause = chosen({ kind: 'pause' })
const resume = chosen({ kind: 'resume' })
const cancelDevice = fc.record({ kind: chosen('cancelDevice'), device: fc.nat({ max: mostDevices - 1 }) })

const often = (
  often: fc.Arbitrary<JobCommand>,
  ...others: readonly fc.Arbitrary<JobCommand>[]
): fc.Arbitrary<JobCommand> =>
  fc.oneof({ arbitrary: often, weight: others.length }, ...others.map((arbitrary) => ({ arbitrary, weight: 1 })))

const one = (plan: fc.Arbitrary<JobPlan>): fc.Arbitrary<readonly JobPlan[]> => plan.map((job) => [job])

const pausingRule: fc.Arbitrary<AbortRule> = fc
  .tuple(
    chosen({ on: ['failed', 'refused'] }, { on: ['refused'] }, { responseStatus: 503 }, { responseStatus: 200 }),
    chosen(0, 20, 25, 33.33, 34, 50, 100),
    chosen(1, 1, 2),
  )
  .map(([counted, percent, afterDevices]) => ({ ...counted, percent, afterDevices, action: 'pause' }))

/** A rule that paused a job counts anew after the resumption. */
const resumedRule: Scene = {
  jobs: one(planWith(fc.record({ rules: pausingRule.map((rule) => [rule]), maxConcurrent: chosen(1, 2) }))),
  opening: [on(0, allAnswer(503)), on(0, { kind: 'resume' }), on(0, allAnswer(200))],
  afterwards: onFirst(often(answers(200, 200, 503), resume)),
}

/** Devices have the whole connection timeout again after a resumption. */
const resumedTimeout: Scene = {
  device: device.map((plan) => ({ ...plan, isConnected: false })),
  jobs: one(planWith(fc.record({ connectTimeout: chosen(5, 10) }))),
  opening: [on(0, { kind: 'pause' }), on(0, { kind: 'resume' })],
  afterwards: onFirst(often(wait, pause, resume)),
}

/** Only what succeeds raises the rate, at once and up to its maximum. */
const rampedCalls: Scene = {
  jobs: one(
    planWith(
      fc.record({
        maxPerMinute: chosen(6, 12, 60, 120),
        ramp: fc.record({ from: chosen(1, 2, 6), factor: chosen(2, 3, 10), afterSucceeded: chosen(1, 1, 2) }),
      }),
    ),
  ),
  afterwards: onFirst(answers(200, 200, 503)),
}

const rampedUpdates: Scene = {
  jobs: one(
    planWith(
      fc.record({
        type: fc.constant('twin'),
        skipCompliant: fc.constant(true),
        maxPerMinute: chosen(12, 60, 120),
        ramp: fc.record({ from: chosen(1, 2, 6), factor: chosen(2, 3, 10), afterSucceeded: chosen(1, 2) }),
      }),
    ),
  ),
  afterwards: onFirst(wait),
}

const gate: fc.Arbitrary<Gate> = fc.record({
  succeededPercent: chosen(0, 25, 33.33, 34, 50, 66.67, 100),
  onFailure: chosen('pause', 'cancel'),
})

/** A gate is at its threshold. */
const gates: Scene = {
  jobs: one(
    planWith(
      fc.record({
        maxConcurrent: chosen(null, 1),
        waves: fc.record({ devices: chosen(2, 3, 4), gate }).map((wave) => [wave, { rest: true }]),
      }),
    ),
  ),
  afterwards: onFirst(often(answers(200, 200, 503), resume, cancelDevice, cancelDevice)),
}

/** The wait before another attempt grows up to its maximum. */
const attempts: Scene = {
  jobs: one(
    planWith(
      fc.record({
        retry: fc.record({
          maxAttempts: chosen(3, 4),
          on: chosen(['503']),
          backoffSeconds: chosen(1, 4),
          factor: chosen(2, 4),
          maxBackoffSeconds: chosen(5, 3600),
        }),
      }),
    ),
  ),
  afterwards: onFirst(answers(503)),
}

/** Calls that the rate delays are not sent so late that they would end after the window, and the time is not shortened too far. */
const windowAt = (begins: number): Scene => ({
  jobs: one(
    planWith(
      fc.record({
        maxPerMinute: chosen(4, 6, 12),
        window: fc.record({ opensIn: chosen(0, 0, 0, 1, 2), minutes: chosen(1, 1, 2) }).map(({ opensIn, minutes }) => {
          const opens = shownBy('UTC', begins) + opensIn * minute
          return { from: timeOfDay(opens), to: timeOfDay(opens + minutes * minute), timeZone: 'UTC' }
        }),
      }),
    ),
  ),
  afterwards: onFirst(often(wait, chosen({ kind: 'setTime', seconds: 1 }, { kind: 'setTime', seconds: 30 }))),
})

const queueing = planWith(fc.record({ onOverlap: fc.constant('queue'), isForCanaries: fc.boolean() }))
const ofCanaries = planWith(fc.record({ onOverlap: fc.constant('queue'), isForCanaries: fc.constant(true) }))

/** A job looks again once per minute although the other one is open. */
const leftDevices: Scene = {
  device: canariesOnline,
  jobs: fc.tuple(fc.constant(plain), ofCanaries),
  opening: [schedule, on(0, allAnswer(200))],
  afterwards: onFirst(wait),
}

/** It does so at once when it is resumed. */
const resumedLook: Scene = {
  ...leftDevices,
  opening: [schedule, on(0, allAnswer(200)), on(1, { kind: 'pause' }), on(1, { kind: 'resume' })],
}

/** A job that is paused is in the way. */
const pausedOther: Scene = {
  jobs: fc.tuple(planWith(fc.record({ maxConcurrent: chosen(1, 2) })), queueing),
  opening: [on(0, { kind: 'pause' }), schedule],
  afterwards: onFirst(often(answers(200), resume, wait)),
}

/** Only the calls in progress of a cancelled job are in the way. */
const cancelledOther: Scene = {
  device: othersOnline,
  jobs: fc.tuple(fc.constant(plain), ofCanaries),
  opening: [on(0, { kind: 'cancel' }), schedule],
  afterwards: onFirst(often(wait, answers(200))),
}

/** A job that refuses finds at its start that another one was faster. */
const fasterOther: Scene = {
  jobs: fc.tuple(
    planWith(fc.record({ onOverlap: fc.constant('refuse'), startsAfter: chosen(10, 20) })),
    planWith(fc.record({ maxConcurrent: chosen(1, 2), isForCanaries: fc.boolean() })),
  ),
  opening: [schedule],
  afterwards: fc.oneof(wait, answers(200)).map((command) => on(1, command)),
}

/** A job that refuses may start after the deadline of another one. */
const laterStart: Scene = {
  jobs: fc.tuple(
    planWith(fc.record({ maxExecutionTime: chosen(20, 60) })),
    planWith(fc.record({ onOverlap: fc.constant('refuse'), startsAfter: chosen(5, 20, 60) })),
  ),
  opening: [schedule],
  afterwards: onFirst(often(wait, answers(200))),
}

const scenesOfOne = (begins: number): readonly Scene[] => [
  resumedRule,
  resumedTimeout,
  rampedCalls,
  rampedUpdates,
  gates,
  attempts,
  windowAt(begins),
]
const scenesOfSeveral: readonly Scene[] = [
  leftDevices,
  resumedLook,
  pausedOther,
  cancelledOther,
  fasterOther,
  laterStart,
]

/** Sequences of so many steps that play a scene. Numbers in a row have one scene after the other. */
export function playing(
  number: number,
  { begins, steps, isShared }: { readonly begins: number; readonly steps: number; readonly isShared: boolean },
): fc.Arbitrary<Sequence> {
  const scenes = isShared ? scenesOfSeveral : scenesOfOne(begins)
  const scene = scenes[number % scenes.length]
  if (scene === undefined) throw new RangeError('There is no scene.')
  const { device: ofScene = device, jobs, opening = [], afterwards } = scene
  const left = Math.max(steps - opening.length, 0)
  return fc.record({
    devices: fc.array(ofScene, { minLength: 3, maxLength: mostDevices, size: 'max' }),
    jobs,
    commands: fc
      .array(afterwards, { minLength: left, maxLength: left })
      .map((others) => [...opening, ...others].slice(0, steps)),
  })
}
