import { isDeepStrictEqual } from 'node:util'
import { jobEventInterval } from '../../src/events/events.ts'
import { createFleet, type Fleet } from './fleet.ts'
import { createMachine, type Machine, NotAllowed } from './machine.ts'
import type { SeenPicture } from './pictures.ts'
import type { Command, JobPlan, Sequence, Times } from './sequence.ts'
import { type JobPlace, jobIdOf, type World } from './world.ts'

/** What the hub did otherwise than the machines. `key` is that of the sequence. */
export type Difference<Key = unknown> = {
  readonly key: Key
  readonly sequence: Sequence
  readonly step: number
  readonly message: string
}

/** A job that has been scheduled. */
type Job = { readonly jobId: string; readonly machine: Machine; version: number }

type Course<Key> = {
  readonly key: Key
  readonly sequenceId: string
  readonly sequence: Sequence
  readonly begins: number
  readonly fleet: Fleet
  /** In the order in which they were scheduled. */
  readonly jobs: Job[]
  /** How many were requested. */
  requested: number
  /** What it differs in. */
  message?: string | undefined
}

type Courses = readonly Course<unknown>[]

/** Turns of all duties after which nothing may be left to do. */
const mostTurns = 30

let batches = 0

/**
 * Carries the sequences out on the hub and on machines, all of them together, and compares their jobs after each step. A sequence that
 * differs is left alone from then on. `seconds` pass before the steps.
 */
export async function runSequences<Key>(
  world: World,
  sequences: ReadonlyMap<Key, Sequence>,
  { begins, seconds }: Times,
): Promise<Difference<Key>[]> {
  const batch = ++batches
  let courses = [...sequences].map(([key, sequence], index): Course<Key> => {
    // A request that may be refused is compared with the newest jobs. Of jobs of the same time, those count as newer that come later in
    // the order of their ids.
    const sequenceId = `${sequence.jobs.length > 1 ? 'several' : 'one'}${batch}-${index}`
    const fleet = createFleet(sequence.devices, begins)
    return { key, sequenceId, sequence, begins, fleet, jobs: [], requested: 0 }
  })
  const differences: Difference<Key>[] = []
  /** Moves the sequences that differ to the differences. */
  const takeDifferent = (step: number): void => {
    for (const { key, sequence, message } of courses)
      if (message !== undefined) differences.push({ key, sequence, step, message })
    courses = courses.filter(({ message }) => message === undefined)
  }
  try {
    await world.begin(begins, new Map(courses.map(({ sequenceId, sequence }) => [sequenceId, sequence])))
    await carryOut(
      world,
      courses.map((course) => [course, { kind: 'schedule' }]),
    )
    await settleAll(world, courses)
    takeDifferent(0)
    for (const [step, pause] of seconds.entries()) {
      await world.pass(pause * 1000 - calmTurns * jobEventInterval)
      await settleAll(world, courses)
      await carryOut(
        world,
        courses.flatMap((course) => {
          const given = course.sequence.commands[step]
          const command = given && possible(course, given)
          return command === undefined ? [] : [[course, command] as const]
        }),
      )
      await settleAll(world, courses)
      // Changes of a job are held back for an interval.
      for (let turn = 0; turn < calmTurns; turn++) {
        await world.pass(jobEventInterval)
        await callDevices(world, courses)
      }
      await settleAll(world, courses)
      await compare(world, courses)
      takeDifferent(step)
    }
    return differences
  } finally {
    await world.clear()
  }
}

const calmTurns = 3

/** Does something with each sequence. What is not allowed is what it differs in. */
function each(courses: Courses, work: (course: Course<unknown>) => boolean): boolean {
  let isChanged = false
  for (const course of courses) {
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

/** Does something with each job. */
const eachJob = (courses: Courses, work: (job: Job) => boolean): boolean =>
  each(courses, ({ jobs }) => jobs.map(work).includes(true))

async function callDevices(world: World, courses: Courses): Promise<boolean> {
  const called = await world.call()
  eachJob(courses, ({ jobId, machine }) => {
    for (const number of called.get(jobId) ?? []) machine.call(number, world.now())
    return false
  })
  return called.size > 0
}

/** Does all duties, on the hub and on the machines, until none has anything to do. */
async function settleAll(world: World, courses: Courses): Promise<void> {
  const now = world.now()
  for (let turn = 0; turn < mostTurns; turn++) {
    const changes = [
      await world.expire(),
      eachJob(courses, ({ machine }) => machine.expire(now)),
      await world.closeDeleted(),
      eachJob(courses, ({ machine }) => machine.closeDeleted(now)),
      await world.turn(),
    ]
    const { started, placements } = await world.start()
    const isMoved = each(courses, (course) => startJobs(course, now, started))
    eachJob(courses, ({ jobId, machine }) => {
      const placement = placements.get(jobId)
      if (placement !== undefined) machine.place(placement, now)
      return false
    })
    const joined = await world.join()
    eachJob(courses, ({ jobId, machine }) => machine.join(joined.get(jobId) ?? [], now))
    const patched = await world.patch()
    eachJob(courses, ({ jobId, machine }) => {
      for (const numbers of patched.get(jobId) ?? []) machine.patch(numbers, now)
      return false
    })
    changes.push(
      isMoved,
      placements.size > 0,
      joined.size > 0,
      patched.size > 0,
      await callDevices(world, courses),
      await world.judge(),
      eachJob(courses, ({ machine }) => machine.judge(now)),
      await world.finish(),
      eachJob(courses, ({ machine }) => machine.finish(now)),
    )
    if (!changes.includes(true)) return
  }
  throw new Error(`After ${mostTurns} turns there still is something to do. ${world.errors().join('\n')}`)
}

/** Starts the jobs that may start, one after the other. `started`: the jobs that have on the hub. */
function startJobs({ jobs }: Course<unknown>, now: number, started: ReadonlySet<string>): boolean {
  let isChanged = false
  for (const { machine } of jobs) if (machine.select(now)) isChanged = true
  const waiting = jobs.toSorted((one, other) => {
    const [starts, created] = one.machine.order.map((time, index) => time - (other.machine.order[index] ?? 0))
    return (starts || created) ?? 0
  })
  for (const { jobId, machine } of waiting) {
    if (machine.start(now, started.has(jobId)) !== undefined) isChanged = true
  }
  return isChanged
}

/** The job that the command is about. */
function placeOf({ sequenceId, jobs, requested }: Course<unknown>, command: Command): JobPlace {
  if (command.kind === 'schedule') return { sequenceId, job: requested }
  const known = 'job' in command ? jobs[command.job % jobs.length] : undefined
  const job = known === undefined ? 0 : Number(known.jobId.slice(known.jobId.lastIndexOf('-') + 1))
  return { sequenceId, job }
}

/** Carries the commands out, each on its sequence, as far as they are possible. */
async function carryOut(world: World, commands: readonly (readonly [Course<unknown>, Command])[]): Promise<void> {
  const now = world.now()
  const placed = commands.map(([course, command]) => [placeOf(course, command), command, course] as const)
  const results = await world.command(placed.map(([place, command]) => [place, command] as const))
  await world.answer(
    placed.flatMap(([place, command, { sequence }]) =>
      command.kind === 'answer'
        ? command.replies.map((reply) => [place, { ...reply, device: reply.device % sequence.devices.length }] as const)
        : [],
    ),
  )
  const given = new Map(placed.map(([place, command, course]) => [course, [place, command] as const]))
  each([...given.keys()], (course) => {
    const [place, command] = given.get(course) ?? []
    if (place === undefined || command === undefined) return false
    const result = results.get(course.sequenceId)
    const expected = carryOutOnMachines(course, place, command, result, now)
    if (result !== expected) course.message = `The result is ${result} instead of ${expected}.`
    return false
  })
}

/** Carries a command out on the machines, and says which result it should have. */
function carryOutOnMachines(
  course: Course<unknown>,
  place: JobPlace,
  command: Command,
  result: string | undefined,
  now: number,
): string {
  const { fleet, jobs, sequence, begins } = course
  switch (command.kind) {
    case 'schedule': {
      const plan = sequence.jobs[place.job]
      if (plan === undefined) return 'ok'
      course.requested++
      const machine: Machine = createMachine(plan, now, {
        fleet,
        begins,
        others: () => jobs.flatMap((job) => (job.machine === machine ? [] : [job.machine])),
      })
      const expected = machine.request()
      if (result === 'ok' || result === 'undetermined') jobs.push({ jobId: jobIdOf(place), machine, version: 0 })
      return result === 'undetermined' && expected !== 'InvalidInputError' ? result : expected
    }
    case 'connect':
    case 'disconnect':
      fleet.connect(command.device, command.kind === 'connect')
      return 'ok'
    case 'delete':
    case 'create':
      fleet.register(command.device, command.kind === 'create', now)
      return 'ok'
    case 'enter':
    case 'leave':
    case 'drift':
      fleet.change(command.device, command.kind, now)
      return 'ok'
    default: {
      const job = jobs.find(({ jobId }) => jobId === jobIdOf(place))
      if (job === undefined) return 'ok'
      const expected = job.machine.command(command, now)
      if (command.kind === 'answer') job.machine.answer(command.replies, now)
      return expected
    }
  }
}

/** What becomes of a command: what is not possible is left out. A client resumes a paused job instead of commanding it in vain. */
function possible(course: Course<unknown>, command: Command): Command | undefined {
  const { fleet, jobs, sequence, requested } = course
  const when = (isPossible: boolean): Command | undefined => (isPossible ? command : undefined)
  switch (command.kind) {
    case 'schedule':
      return when(requested < sequence.jobs.length)
    case 'connect':
      return when(fleet.exists(command.device) && !fleet.isConnected(command.device))
    case 'disconnect':
      return when(fleet.isConnected(command.device))
    case 'delete':
    case 'enter':
    case 'leave':
    case 'drift':
      return when(fleet.exists(command.device))
    case 'create':
      return when(!fleet.exists(command.device))
    default: {
      const jobId = jobIdOf(placeOf(course, command))
      const machine = jobs.find((known) => known.jobId === jobId)?.machine
      if (machine === undefined) return undefined
      if (command.insists || !machine.isVain(command)) return command
      const { job, insists } = command
      return machine.isVain({ kind: 'resume' }) ? undefined : { kind: 'resume', job, insists }
    }
  }
}

async function compare(world: World, courses: Courses): Promise<void> {
  const [error] = world.errors()
  if (error !== undefined) throw new Error(`The hub has logged an error: ${error}`)
  const pictures = await world.pictures()
  each(courses, (course) => {
    for (const job of course.jobs) {
      const seen = pictures.get(job.jobId)
      const difference = seen === undefined ? 'It is unknown.' : differenceIn(job, course, seen, world.now())
      if (difference !== undefined) course.message = `Job ${job.jobId}: ${difference}`
      if (seen !== undefined) job.version = seen.version
    }
    return false
  })
}

function differenceIn(
  { machine, version: before }: Job,
  { sequence }: Course<unknown>,
  { version, ...seen }: SeenPicture,
  now: number,
): string | undefined {
  const expected = machine.picture()
  // The list of the hub ends with the last device of the job.
  const padded = { ...seen, devices: sequence.devices.map((_, number) => seen.devices[number] ?? null) }
  if (!isDeepStrictEqual(padded, expected)) {
    return `It is ${JSON.stringify(padded)}\n      instead of ${JSON.stringify(expected)}.`
  }
  if (version < before) return `The version went back from ${before} to ${version}.`
  const [neglected, missing] = [machine.neglected(now), machine.missing(now)]
  if (missing.length > 0) return `The devices ${missing.join(', ')} did not join.`
  return neglected.length === 0 ? undefined : `The devices ${neglected.join(', ')} did not have their turn.`
}

/** The shortest sequence that was found that still differs. */
export async function shrink<Key>(
  world: World,
  { key, sequence, step }: Difference<Key>,
  { begins, seconds }: Times,
): Promise<{ readonly difference: Difference<Key>; readonly seconds: readonly number[] } | undefined> {
  type Steps = readonly { readonly command: Command; readonly pause: number }[]
  type Plan = Pick<Sequence, 'devices' | 'jobs'>
  const run = async (plan: Plan, steps: Steps) => {
    const pauses = steps.map(({ pause }) => pause)
    const commands = steps.map(({ command }) => command)
    const [difference] = await runSequences(world, new Map([[key, { ...plan, commands }]]), { begins, seconds: pauses })
    return difference && { difference, seconds: pauses, plan, steps }
  }
  let smallest = await run(
    sequence,
    sequence.commands.slice(0, step + 1).map((command, index) => ({ command, pause: seconds[index] ?? 1 })),
  )
  for (let isSmaller = smallest !== undefined; smallest !== undefined && isSmaller; ) {
    isSmaller = false
    const { plan, steps }: { readonly plan: Plan; readonly steps: Steps } = smallest
    const candidates: readonly (readonly [Plan, Steps])[] = [
      ...steps.map((_, index): [Plan, Steps] => [plan, steps.filter((_, other) => other !== index)]),
      ...simplerPlans(plan).map((simpler): [Plan, Steps] => [simpler, steps]),
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

/** What remains when one is left out, in each way. */
const withoutOne = <T>(list: readonly T[]): readonly (readonly T[])[] =>
  list.map((_, index) => list.filter((_, other) => other !== index))

/** The plan with one thing less. */
function simplerPlans({
  devices,
  jobs,
}: Pick<Sequence, 'devices' | 'jobs'>): readonly Pick<Sequence, 'devices' | 'jobs'>[] {
  return [
    ...(devices.length > 1 ? withoutOne(devices).map((fewer) => ({ devices: fewer, jobs })) : []),
    ...(jobs.length > 1 ? withoutOne(jobs).map((fewer) => ({ devices, jobs: fewer })) : []),
    ...jobs.flatMap((plan, index) =>
      simplerJobs(plan).map((simpler) => ({ devices, jobs: jobs.with(index, simpler) })),
    ),
  ]
}

/** The job with one thing less. */
function simplerJobs(plan: JobPlan): readonly JobPlan[] {
  const { rules, waves } = plan
  return [
    ...withoutOne(rules).map((fewer) => ({ ...plan, rules: fewer })),
    ...(plan.onOverlap === 'parallel' ? [] : [{ ...plan, onOverlap: 'parallel' as const }]),
    ...(plan.isForCanaries ? [{ ...plan, isForCanaries: false }] : []),
    ...(plan.ramp === null ? [] : [{ ...plan, ramp: null }]),
    ...(waves === null ? [] : [{ ...plan, waves: null }]),
    ...(waves !== null && waves.length > 2 ? [{ ...plan, waves: waves.slice(1) }] : []),
    ...(plan.needsApproval ? [{ ...plan, needsApproval: false }] : []),
    ...(plan.maxPerMinute === null ? [] : [{ ...plan, maxPerMinute: null, ramp: null }]),
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
