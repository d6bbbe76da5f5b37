import { isDeepStrictEqual } from 'node:util'
import { jobEventInterval } from '../../src/events/events.ts'
import { createMachine, type Machine, NotAllowed } from './machine.ts'
import type { SeenPicture } from './pictures.ts'
import type { Command, JobPlan, Sequence, Times } from './sequence.ts'
import type { World } from './world.ts'

/** What the hub did otherwise than the machine. */
export type Difference = { readonly sequence: Sequence; readonly step: number; readonly message: string }

type Course = {
  readonly jobId: string
  readonly sequence: Sequence
  readonly machine: Machine
  version: number
  /** What the job differs in. */
  message?: string | undefined
}

/** Turns of all duties after which nothing may be left to do. */
const mostTurns = 30

let batches = 0

/**
 * Carries the sequences out on the hub and on machines, all of them together, and compares the jobs after each step. A job that
 * differs is left alone from then on. `seconds` pass before the steps.
 */
export async function runSequences(
  world: World,
  sequences: readonly Sequence[],
  { begins, seconds }: Times,
): Promise<Difference[]> {
  const batch = ++batches
  const courses = new Map<string, Course>(
    sequences.map((sequence, index) => {
      const jobId = `${batch}-${index}`
      return [jobId, { jobId, sequence, machine: createMachine(sequence.plan, begins), version: 0 }]
    }),
  )
  const differences: Difference[] = []
  try {
    const results = await world.begin(begins, new Map([...courses].map(([jobId, { sequence }]) => [jobId, sequence])))
    for (const course of courses.values()) {
      const [result, expected] = [results.get(course.jobId), course.machine.isAllowed() ? 'ok' : 'InvalidInputError']
      if (result !== expected)
        course.message = `The request for the job has the result ${result} instead of ${expected}.`
      else if (result !== 'ok') courses.delete(course.jobId)
    }
    takeDifferent(courses, 0, differences)
    await settleAll(world, courses)
    for (const [step, pause] of seconds.entries()) {
      await world.pass(pause * 1000 - calmTurns * jobEventInterval)
      await settleAll(world, courses)
      await carryOut(world, courses, step)
      await settleAll(world, courses)
      // Changes of a job are held back for an interval.
      for (let turn = 0; turn < calmTurns; turn++) {
        await world.pass(jobEventInterval)
        await callDevices(world, courses)
      }
      await settleAll(world, courses)
      await compare(world, courses)
      takeDifferent(courses, step, differences)
    }
    return differences
  } finally {
    await world.clear()
  }
}

const calmTurns = 3

/** Moves the jobs that differ from the courses to the differences. */
function takeDifferent(courses: Map<string, Course>, step: number, differences: Difference[]): void {
  for (const [jobId, { sequence, message }] of courses) {
    if (message === undefined) continue
    differences.push({ sequence, step, message })
    courses.delete(jobId)
  }
}

/** Does something with each machine. What is not allowed is what the job differs in. */
function each(courses: ReadonlyMap<string, Course>, work: (course: Course) => boolean): boolean {
  let isChanged = false
  for (const course of courses.values()) {
    if (course.message !== undefined) continue
    try {
      if (work(course)) isChanged = true
    } catch (error) {
      if (!(error instanceof NotAllowed)) throw error
      course.message = error.message
    }
  }
  return isChanged
}

async function callDevices(world: World, courses: ReadonlyMap<string, Course>): Promise<boolean> {
  const called = await world.call()
  each(courses, ({ jobId, machine }) => {
    for (const number of called.get(jobId) ?? []) machine.call(number, world.now())
    return false
  })
  return called.size > 0
}

/** Does all duties, on the hub and on the machines, until none has anything to do. */
async function settleAll(world: World, courses: ReadonlyMap<string, Course>): Promise<void> {
  const now = world.now()
  for (let turn = 0; turn < mostTurns; turn++) {
    const changes = [
      await world.expire(),
      each(courses, ({ machine }) => machine.expire(now)),
      await world.closeDeleted(),
      each(courses, ({ machine }) => machine.closeDeleted(now)),
      await world.turn(),
    ]
    const starting: string[] = []
    each(courses, ({ jobId, machine }) => {
      const isSelected = machine.select(now)
      if (machine.start(now) || isSelected) starting.push(jobId)
      return false
    })
    const placements = await world.start(starting)
    each(courses, ({ jobId, machine }) => {
      const placement = placements.get(jobId)
      if (placement !== undefined) machine.place(placement, now)
      return false
    })
    const joined = await world.join()
    each(courses, ({ jobId, machine }) => machine.join(joined.get(jobId) ?? [], now))
    const patched = await world.patch()
    each(courses, ({ jobId, machine }) => machine.patch(patched.get(jobId) ?? [], now))
    changes.push(
      starting.length > 0,
      joined.size > 0,
      patched.size > 0,
      await callDevices(world, courses),
      await world.judge(),
      each(courses, ({ machine }) => machine.judge(now)),
      await world.finish(),
      each(courses, ({ machine }) => machine.finish(now)),
    )
    if (!changes.includes(true)) return
  }
  throw new Error(`After ${mostTurns} turns there still is something to do.`)
}

/** The commands of a step, as far as they can be carried out: devices are created and deleted, connect and answer as they are. */
async function carryOut(world: World, courses: ReadonlyMap<string, Course>, step: number): Promise<void> {
  const commands = new Map<string, readonly [Sequence, Command]>()
  for (const { jobId, sequence, machine } of courses.values()) {
    const command = sequence.commands[step]
    if (command !== undefined && isPossible(machine, command)) commands.set(jobId, [sequence, command])
  }
  const now = world.now()
  const results = await world.command(commands)
  await world.answer(
    [...commands].flatMap(([jobId, [{ plan }, command]]) =>
      command.kind === 'answer'
        ? command.replies.map((reply) => [jobId, { ...reply, device: reply.device % plan.devices.length }] as const)
        : [],
    ),
  )
  each(courses, (course) => {
    const command = commands.get(course.jobId)?.[1]
    if (command === undefined) return false
    const { machine } = course
    const expected = machine.command(command, now)
    const result = results.get(course.jobId)
    if (result !== expected) course.message = `The result is ${result} instead of ${expected}.`
    if (command.kind === 'answer') machine.answer(command.replies, now)
    else if (command.kind === 'connect' || command.kind === 'disconnect') {
      machine.connect(command.device, command.kind === 'connect')
    } else if (command.kind === 'delete' || command.kind === 'create') {
      machine.register(command.device, command.kind === 'create', now)
    } else if (command.kind === 'enter' || command.kind === 'leave' || command.kind === 'drift') {
      machine.change(command.device, command.kind, now)
    }
    return false
  })
}

function isPossible(machine: Machine, command: Command): boolean {
  switch (command.kind) {
    case 'connect':
      return machine.exists(command.device) && !machine.isConnected(command.device)
    case 'disconnect':
      return machine.isConnected(command.device)
    case 'delete':
    case 'enter':
    case 'leave':
    case 'drift':
      return machine.exists(command.device)
    case 'create':
      return !machine.exists(command.device)
    default:
      return true
  }
}

async function compare(world: World, courses: ReadonlyMap<string, Course>): Promise<void> {
  const pictures = await world.pictures()
  each(courses, (course) => {
    const seen = pictures.get(course.jobId)
    course.message = seen === undefined ? 'The job is unknown.' : differenceIn(course, seen, world.now())
    if (seen !== undefined) course.version = seen.version
    return false
  })
}

function differenceIn({ machine, sequence, version: before }: Course, { version, ...seen }: SeenPicture, now: number) {
  const expected = machine.picture()
  // The list of the hub ends with the last device of the job.
  const padded = { ...seen, devices: sequence.plan.devices.map((_, number) => seen.devices[number] ?? null) }
  if (!isDeepStrictEqual(padded, expected)) {
    return `The job is ${JSON.stringify(padded)}\n      instead of ${JSON.stringify(expected)}.`
  }
  if (version < before) return `The version went back from ${before} to ${version}.`
  const [neglected, missing] = [machine.neglected(now), machine.missing(now)]
  if (missing.length > 0) return `The devices ${missing.join(', ')} did not join.`
  return neglected.length === 0 ? undefined : `The devices ${neglected.join(', ')} did not have their turn.`
}

/** The shortest sequence that was found that still differs. */
export async function shrink(
  world: World,
  { sequence, step }: Difference,
  { begins, seconds }: Times,
): Promise<{ readonly difference: Difference; readonly seconds: readonly number[] } | undefined> {
  type Steps = readonly { readonly command: Command; readonly pause: number }[]
  const run = async (plan: JobPlan, steps: Steps) => {
    const pauses = steps.map(({ pause }) => pause)
    const commands = steps.map(({ command }) => command)
    const [difference] = await runSequences(world, [{ plan, commands }], { begins, seconds: pauses })
    return difference && { difference, seconds: pauses, plan, steps }
  }
  let smallest = await run(
    sequence.plan,
    sequence.commands.slice(0, step + 1).map((command, index) => ({ command, pause: seconds[index] ?? 1 })),
  )
  for (let isSmaller = smallest !== undefined; smallest !== undefined && isSmaller; ) {
    isSmaller = false
    const { plan, steps }: { readonly plan: JobPlan; readonly steps: Steps } = smallest
    const candidates: readonly (readonly [JobPlan, Steps])[] = [
      ...steps.map((_, index): [JobPlan, Steps] => [plan, steps.filter((_, other) => other !== index)]),
      ...simplerPlans(plan).map((simpler): [JobPlan, Steps] => [simpler, steps]),
    ]
    for (const [simpler, shorter] of candidates) {
      const found = await run(simpler, shorter)
      if (found === undefined) continue
      smallest = found
      isSmaller = true
      break
    }
  }
  return smallest
}

/** The plan with one thing less. */
function simplerPlans(plan: JobPlan): readonly JobPlan[] {
  const { devices, rules, waves } = plan
  return [
    ...(devices.length > 1
      ? devices.map((_, index) => ({ ...plan, devices: devices.filter((_, other) => other !== index) }))
      : []),
    ...rules.map((_, index) => ({ ...plan, rules: rules.filter((_, other) => other !== index) })),
    ...(waves === null ? [] : [{ ...plan, waves: null }]),
    ...(waves !== null && waves.length > 2 ? [{ ...plan, waves: waves.slice(1) }] : []),
    ...(plan.needsApproval ? [{ ...plan, needsApproval: false }] : []),
    ...(plan.maxPerMinute === null ? [] : [{ ...plan, maxPerMinute: null }]),
    ...(plan.maxConcurrent === null ? [] : [{ ...plan, maxConcurrent: null }]),
    ...(plan.budget === null ? [] : [{ ...plan, budget: null }]),
    ...(plan.startsAfter === 0 ? [] : [{ ...plan, startsAfter: 0 }]),
    ...(plan.connectTimeout === 0 ? [] : [{ ...plan, connectTimeout: 0 }]),
    ...(plan.window === null ? [] : [{ ...plan, window: null }]),
    ...(plan.retry === null ? [] : [{ ...plan, retry: null }]),
    ...(plan.skipCompliant ? [{ ...plan, skipCompliant: false }] : []),
    ...(plan.targets === 'atStart' ? [] : [{ ...plan, targets: 'atStart' as const }]),
    ...(plan.maxExecutionTime === 600 ? [] : [{ ...plan, maxExecutionTime: 600 }]),
  ]
}
