import { sqltag as sql } from '@prisma/client/runtime/client'
import { pino } from 'pino'
import type { MethodRequest } from '../../src/attached-devices.ts'
import { type Clock, systemClock } from '../../src/clock.ts'
import { createDevices, deleteDevice } from '../../src/device/commands.ts'
import { DomainError } from '../../src/errors.ts'
import { approveJob, openWave, rejectJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, resumeJob, scheduleJob, updateJob } from '../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../src/job/device-job-commands.ts'
import type { DeviceJobKey } from '../../src/job/store/facts.ts'
import { readRequestKey } from '../../src/job/store/jobs.ts'
import type { Wave } from '../../src/job/waves.ts'
import { closeDeletedDevices } from '../../src/scheduler/close-deleted-devices.ts'
import { dispatchMethodCalls } from '../../src/scheduler/dispatch-method-calls.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { expireDeviceJobs } from '../../src/scheduler/expire-device-jobs.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { createInFlightCalls } from '../../src/scheduler/in-flight-calls.ts'
import { joinDevices } from '../../src/scheduler/join-devices.ts'
import { judgeGates } from '../../src/scheduler/judge-gates.ts'
import type { Step } from '../../src/scheduler/loop.ts'
import { createOrphanCandidates } from '../../src/scheduler/orphan-candidates.ts'
import { settleDeviceJobs } from '../../src/scheduler/settle-device-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { turnWindows } from '../../src/scheduler/turn-windows.ts'
import { everything } from '../../src/scope.ts'
import type { TwinPatch } from '../../src/twin/check-patch.ts'
import { patchTwin } from '../../src/twin/commands.ts'
import { createTestClock } from '../support/clock.ts'
import { installClock, setClock } from '../support/database-clock.ts'
import { createTestDeps } from '../support/deps.ts'
import { byPolicy } from '../support/rows.ts'
import { readPictures } from './pictures.ts'
import { withPreparedStatements } from './prepared-statements.ts'
import type { Client, Command, JobPlan, Reply, Sequence } from './sequence.ts'

// A real hub and a real PostgreSQL on a clock of the test, with the jobs of many sequences at once. Its duties are done when they are
// told to, each for all jobs together. Each sequence has devices of its own.

/** What the hub has chosen in a duty: the devices of a job, by their numbers, in order. */
export type Choices = ReadonlyMap<string, readonly number[]>

/** A job of a sequence. */
export type JobPlace = { readonly sequenceId: string; readonly job: number }

export const jobIdOf = ({ sequenceId, job }: JobPlace): string => `${sequenceId}-${job}`

/** Milliseconds after which a request may have been accepted because there was no time to compare it with other jobs. */
const leastTime = 200

export type World = Awaited<ReturnType<typeof openWorld>>

/** Jobs of one author whose devices are selected at a time are few, so there are several. */
const authors = 8
const clients = (index: number): Readonly<Record<Client, ReturnType<typeof byPolicy>>> => ({
  author: byPolicy(`author-${index % authors}`),
  approver: byPolicy('approver'),
})
const atOnce = 8

/** A wave as clients request it: the last one has no size, and what cannot fail has no action for that. */
function requestOf(wave: Wave): object {
  if ('rest' in wave) return {}
  const { gate, ...size } = wave
  if (gate === undefined) return size
  const { onFailure, ...conditions } = gate
  const canFail = conditions.succeededPercent !== undefined || conditions.approval === true
  return { ...size, gate: canFail ? gate : conditions }
}

export async function openWorld() {
  const time = createTestClock()
  /** How far the clock that is shown is ahead. It is set for each batch; what measures time never goes back. */
  let ahead = 0
  const clock: Clock = { ...time, now: () => new Date(time.now().getTime() + ahead) }
  const opened = await createTestDeps(clock, {}, { jobSelections: 4 }, (database) =>
    installClock(database, clock.now()),
  )
  const errors: string[] = []
  const deps = {
    ...opened,
    db: withPreparedStatements(opened.db),
    log: pino({ level: 'error' }, { write: (line: string) => errors.push(line) }),
  }
  const requestKey = await readRequestKey(deps.db)
  const window = createInFlightCalls(10_000, () => {})

  /** What they know of a time is forgotten with them. */
  const createDuties = () => {
    const orphans = createOrphanCandidates()
    return {
      expire: expireDeviceJobs(deps, { window, orphans, cleansUp: true }),
      closeDeleted: closeDeletedDevices(deps),
      start: startDueJobs(deps, { maxRunning: 100_000 }),
      turn: turnWindows(deps),
      join: joinDevices(deps),
      patch: dispatchTwinUpdates(deps),
      call: dispatchMethodCalls(deps, { requestKey, window, orphans }),
      judge: judgeGates(deps),
      finish: finishJobs(deps),
    }
  }
  let duties = createDuties()
  const closeDuties = (): void => {
    for (const duty of [duties.expire, duties.closeDeleted, duties.start, duties.join, duties.call]) duty.close()
  }
  let received: MethodRequest[] = []
  /** The calls that devices have received, by job and device, in order. */
  const calls = new Map<string, MethodRequest[]>()
  const detach = new Map<string, () => void>()
  const patched = new Set<string>()
  /** The jobs that have started, and those whose devices were selected. */
  const started = new Set<string>()
  const selected = new Set<string>()
  /** The device jobs that are known. */
  const members = new Set<string>()
  let isAnyContinuous = false
  let sequences: ReadonlyMap<string, Sequence> = new Map()
  let indexes = new Map<string, number>()

  const attach = (deviceId: string): void => {
    const end = deps.attached.attach(deviceId, (request) => {
      received.push(request)
    })
    detach.set(deviceId, end)
  }
  const disconnect = (deviceId: string): void => {
    detach.get(deviceId)?.()
    detach.delete(deviceId)
  }
  const deviceIdOf = (sequenceId: string, number: number): string => `${sequenceId}-${number}`
  const numberIn = (deviceId: string): number => Number(deviceId.slice(deviceId.lastIndexOf('-') + 1))
  const sequenceOf = (sequenceId: string): Sequence => {
    const sequence = sequences.get(sequenceId)
    if (sequence === undefined) throw new RangeError(`The sequence ${sequenceId} is unknown.`)
    return sequence
  }
  const deviceOf = (sequenceId: string, number: number) => {
    const device = sequenceOf(sequenceId).devices[number]
    const tags = {
      sequence: sequenceId,
      isMember: device?.isMember ?? false,
      ...(device?.site && { site: device.site }),
      ...(device?.isCanary && { role: 'canary' }),
      ...(device?.timeZone && { timeZone: device.timeZone }),
    }
    const properties = { desired: { interval: device?.isCompliant ? 60 : 30 } }
    return { deviceId: deviceIdOf(sequenceId, number), twin: { tags, properties } }
  }

  /** Does it for all, some at a time. */
  const forAll = async <T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> => {
    const left = [...items]
    await Promise.all(
      Array.from({ length: atOnce }, async () => {
        for (let item = left.shift(); item !== undefined; item = left.shift()) await work(item)
      }),
    )
  }

  const schedule = async (jobId: string, { sequenceId }: JobPlace, plan: JobPlan): Promise<string> => {
    const { maxPerMinute, ramp, maxConcurrent, budget, rules, waves, window, retry, targets, onOverlap } = plan
    const isMember = `tags.sequence = '${sequenceId}' AND tags.isMember = true`
    const begun = systemClock.elapsed()
    await scheduleJob(deps, clients(indexes.get(sequenceId) ?? 0).author, {
      jobId,
      queryCondition: plan.isForCanaries ? `${isMember} AND tags.role = 'canary'` : isMember,
      targets,
      onOverlap,
      startTime: new Date(clock.now().getTime() + plan.startsAfter * 1000),
      maxExecutionTimeInSeconds: plan.maxExecutionTime,
      rollout: {
        maxPerMinute,
        ramp,
        maxConcurrent,
        budget: budget === null ? null : { groupBy: 'tags.site', maxConcurrent: budget },
        abort: rules,
        approval: plan.needsApproval,
        waves: waves?.map(requestOf) ?? null,
        window,
        retry,
      },
      ...(plan.type === 'method'
        ? {
            type: 'scheduleDeviceMethod',
            cloudToDeviceMethod: {
              methodName: 'reboot',
              responseTimeoutInSeconds: plan.responseTimeout,
              connectTimeoutInSeconds: plan.connectTimeout,
            },
          }
        : {
            type: 'scheduleUpdateTwin',
            updateTwin: { properties: { desired: { interval: 60 } } },
            skipCompliant: plan.skipCompliant,
          }),
    })
    return onOverlap === 'refuse' && systemClock.elapsed() - begun >= leastTime ? 'undetermined' : 'ok'
  }

  const carryOut = async (place: JobPlace, command: Command): Promise<string> => {
    const { sequenceId } = place
    const jobId = jobIdOf(place)
    const { devices, jobs } = sequenceOf(sequenceId)
    const { author, approver } = clients(indexes.get(sequenceId) ?? 0)
    const by = (client: Client) => (client === 'author' ? author : approver)
    const idOf = (number: number): string => deviceIdOf(sequenceId, number % devices.length)
    const change = (number: number, patch: TwinPatch) =>
      patchTwin(deps, everything, { deviceId: idOf(number), patch, ifMatch: '*' })
    const part = (cancellation: { readonly cancelled: number; readonly underWay: number }): string =>
      `${cancellation.cancelled} cancelled, ${cancellation.underWay} under way`
    switch (command.kind) {
      case 'schedule': {
        const plan = jobs[place.job]
        return plan === undefined ? 'ok' : schedule(jobId, place, plan)
      }
      case 'pause':
        return `${await pauseJob(deps, author, jobId)} under way`
      case 'resume':
        await resumeJob(deps, author, jobId)
        return 'ok'
      case 'cancel':
        await cancelJob(deps, author, jobId)
        return 'ok'
      case 'approve':
        await approveJob(deps, by(command.by), { jobId, wave: command.wave })
        return 'ok'
      case 'reject':
        await rejectJob(deps, by(command.by), { jobId, wave: command.wave })
        return 'ok'
      case 'openWave':
        await openWave(deps, author, jobId, command.wave)
        return 'ok'
      case 'cancelDevice':
        return part(await cancelDeviceJobs(deps, author, { jobId, deviceId: idOf(command.device) }))
      case 'cancelDevices':
        return part(
          await cancelDeviceJobs(deps, author, {
            jobId,
            queryCondition: command.canariesOnly ? "tags.role = 'canary'" : '*',
          }),
        )
      case 'limit': {
        const { budget, ...others } = command.limits
        await updateJob(deps, author, {
          jobId,
          rollout: {
            ...others,
            ...(budget !== undefined && {
              budget: budget === null ? null : { groupBy: 'tags.site', maxConcurrent: budget },
            }),
          },
        })
        return 'ok'
      }
      case 'extend':
        await updateJob(deps, author, { jobId, extendBySeconds: command.seconds })
        return 'ok'
      case 'setTime':
        await updateJob(deps, author, { jobId, maxExecutionTimeInSeconds: command.seconds })
        return 'ok'
      case 'connect':
        attach(idOf(command.device))
        return 'ok'
      case 'disconnect':
        disconnect(idOf(command.device))
        return 'ok'
      case 'delete':
        disconnect(idOf(command.device))
        await deleteDevice(deps, everything, { deviceId: idOf(command.device), ifMatch: '*' })
        return 'ok'
      case 'create':
        await createDevices(deps, everything, [deviceOf(sequenceId, command.device % devices.length)])
        return 'ok'
      case 'enter':
      case 'leave':
        await change(command.device, { tags: { isMember: command.kind === 'enter' } })
        return 'ok'
      case 'drift':
        await change(command.device, { desired: { interval: 30 } })
        return 'ok'
      case 'wait':
      case 'answer':
        return 'ok'
    }
  }

  /** The result, or the name of the error. */
  const resultOf = async (work: () => Promise<string>): Promise<string> => {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      return error.constructor.name
    }
  }

  /** PostgreSQL's clock is set before that of the hub. */
  const setDatabaseTime = (ms = 0) => setClock(deps.database, new Date(clock.now().getTime() + ms))

  /** Whether the duty did anything. */
  const whole = async (step: Step): Promise<boolean> => {
    let isDone = false
    for (let isFull = true; isFull; ) {
      const { done, full } = await step.run(clock.now())
      isDone ||= done > 0
      isFull = full
    }
    return isDone
  }

  const byJob = (deviceJobs: Iterable<DeviceJobKey>): Choices => {
    const numbers = new Map<string, number[]>()
    for (const { jobId, deviceId } of deviceJobs) {
      const known = numbers.get(jobId)
      if (known === undefined) numbers.set(jobId, [numberIn(deviceId)])
      else known.push(numberIn(deviceId))
    }
    return numbers
  }
  const nameOf = ({ jobId, deviceId }: DeviceJobKey): string => `${jobId}/${numberIn(deviceId)}`
  /** Those that the set does not have, which has them from then on. */
  const takeNew = <Key extends DeviceJobKey>(known: Set<string>, keys: readonly Key[]): Key[] => {
    const fresh = keys.filter((key) => !known.has(nameOf(key)))
    for (const key of fresh) known.add(nameOf(key))
    return fresh
  }

  return {
    now: () => clock.now().getTime(),

    /** At this time, registers the devices of these sequences. */
    async begin(moment: number, begun: ReadonlyMap<string, Sequence>): Promise<void> {
      ahead = moment - time.now().getTime()
      await setDatabaseTime()
      sequences = begun
      indexes = new Map([...sequences.keys()].map((sequenceId, index) => [sequenceId, index]))
      isAnyContinuous = [...sequences.values()].some(({ jobs }) => jobs.some(({ targets }) => targets === 'continuous'))
      const registered = [...sequences].flatMap(([sequenceId, { devices }]) =>
        devices.flatMap(({ isRegistered, isConnected }, number) =>
          isRegistered ? [{ device: deviceOf(sequenceId, number), isConnected }] : [],
        ),
      )
      for (let first = 0; first < registered.length; first += 500) {
        const some = registered.slice(first, first + 500).map(({ device }) => device)
        await createDevices(deps, everything, some)
      }
      for (const { device, isConnected } of registered) if (isConnected) attach(device.deviceId)
    },

    /** Forgets all jobs and devices. */
    async clear(): Promise<void> {
      for (const deviceId of [...detach.keys()]) disconnect(deviceId)
      for (const { requestId } of [...calls.values()].flat()) window.remove(requestId)
      calls.clear()
      patched.clear()
      members.clear()
      started.clear()
      selected.clear()
      received = []
      await deps.database.pool.query('truncate device, job cascade')
      await deps.database.pool.query(
        `truncate device_job, device_job_dispatch, device_job_outcome, device_job_attempt, job_wave, budget_group,
           job_window`,
      )
      closeDuties()
      duties = createDuties()
    },

    async pass(ms: number): Promise<void> {
      await setDatabaseTime(ms)
      time.advance(ms)
      await time.giveWay()
    },

    /** What happens to each sequence. The results, or the names of the errors, by the ids of the sequences. */
    async command(commands: Iterable<readonly [JobPlace, Command]>): Promise<ReadonlyMap<string, string>> {
      const results = new Map<string, string>()
      const carryOne = async ([place, command]: readonly [JobPlace, Command]): Promise<void> => {
        results.set(place.sequenceId, await resultOf(() => carryOut(place, command)))
      }
      const all = [...commands]
      // A request that may be refused is compared with other jobs, in little time.
      const isCompared = ([{ sequenceId, job }, { kind }]: readonly [JobPlace, Command]): boolean =>
        kind === 'schedule' && sequenceOf(sequenceId).jobs[job]?.onOverlap === 'refuse'
      await forAll(
        all.filter((one) => !isCompared(one)),
        carryOne,
      )
      for (const one of all.filter(isCompared)) await carryOne(one)
      return results
    },

    /** Answers of devices that have received a call, all of them together. */
    async answer(replies: Iterable<readonly [JobPlace, Reply]>): Promise<void> {
      const settling = settleDeviceJobs(deps, { requestKey, window })
      for (const [place, { device, status, isToFirst }] of replies) {
        const request = calls.get(`${jobIdOf(place)}/${device}`)?.at(isToFirst ? 0 : -1)
        if (request === undefined) continue
        const { deviceId, requestId } = request
        const response = status === 'malformed' ? { problem: 'It is not JSON.' } : { status, payload: '{}' }
        settling.take({ deviceId, requestId, response })
      }
      await settling.close()
    },

    expire: () => whole(duties.expire),
    closeDeleted: () => whole(duties.closeDeleted),
    /** Starts the due jobs. Those that have started, and the waves of the devices that were selected. */
    async start(): Promise<{
      readonly started: ReadonlySet<string>
      readonly placements: ReadonlyMap<string, ReadonlyMap<number, number | null>>
    }> {
      const placements = new Map<string, Map<number, number | null>>()
      // One after the other, in the order in which they wait: one job may be in the way of the next.
      if (!(await whole(duties.start))) return { started, placements }
      const rows = await deps.db.query<{
        jobId: string
        deviceId: string | null
        wave: number | null
        hasStarted: boolean
        hasEnded: boolean
      }>(
        sql`select id as "jobId", device_id as "deviceId", wave, started_time is not null as "hasStarted", exists (
              select from device_job_outcome ended where ended.job_key = key and ended.device_id = target.device_id
            ) as "hasEnded"
            from job left join device_job target on job_key = key
            where started_time is not null and id <> all(${[...started]}::text[])
              or selected_time is not null and id <> all(${[...selected]}::text[])
            order by device_id`,
      )
      for (const { jobId, hasStarted } of rows) {
        if (hasStarted) started.add(jobId)
        selected.add(jobId)
        placements.set(jobId, placements.get(jobId) ?? new Map())
      }
      const placed = rows.flatMap(({ jobId, deviceId, wave, hasEnded }) =>
        deviceId === null ? [] : [{ jobId, deviceId, wave, hasEnded }],
      )
      for (const { jobId, deviceId, wave } of placed) placements.get(jobId)?.set(numberIn(deviceId), wave)
      takeNew(members, placed)
      // It was deleted before the start.
      takeNew(
        patched,
        placed.filter(({ hasEnded }) => hasEnded),
      )
      return { started, placements }
    },
    turn: () => whole(duties.turn),
    /** The devices that have joined continuous jobs. */
    async join(): Promise<Choices> {
      if (!isAnyContinuous || !(await whole(duties.join))) return new Map()
      const rows = await deps.db.query<DeviceJobKey>(
        sql`select id as "jobId", device_id as "deviceId" from device_job join job on job_key = key
            where targets = 'continuous' order by device_id`,
      )
      return byJob(takeNew(members, rows))
    },
    /** The devices whose parts of twin updates have ended, those of a change of a job together. */
    async patch(): Promise<ReadonlyMap<string, readonly (readonly number[])[]>> {
      // The step begins again from the first device when it has found none.
      const isDone = (await whole(duties.patch)) || (await whole(duties.patch))
      if (!isDone) return new Map()
      const rows = await deps.db.query<DeviceJobKey & { version: number }>(
        sql`select id as "jobId", device_id as "deviceId", device_job_outcome.version
            from device_job_outcome join job on key = job_key
            where type = 'scheduleUpdateTwin' and error_code is distinct from 'Canceled'
            order by device_job_outcome.version, device_id`,
      )
      const changes = new Map<string, Map<number, number[]>>()
      for (const { jobId, deviceId, version } of takeNew(patched, rows)) {
        const ofJob = changes.get(jobId) ?? new Map<number, number[]>()
        ofJob.set(version, [...(ofJob.get(version) ?? []), numberIn(deviceId)])
        changes.set(jobId, ofJob)
      }
      return new Map([...changes].map(([jobId, ofJob]) => [jobId, [...ofJob.values()]]))
    },
    /** The devices that have received a call. */
    async call(): Promise<Choices> {
      await whole(duties.call)
      const fresh = received.flatMap((request) => {
        const call = window.callOf(request.requestId, request.deviceId)
        return call === undefined ? [] : [{ ...call, request }]
      })
      received = []
      for (const { request, ...key } of fresh) calls.set(nameOf(key), [...(calls.get(nameOf(key)) ?? []), request])
      return byJob(fresh)
    },
    judge: () => whole(duties.judge),
    finish: () => whole(duties.finish),

    pictures: () => readPictures(deps.db),
    /** What the hub has logged as errors. */
    errors: (): readonly string[] => errors,

    async close(): Promise<void> {
      closeDuties()
      await deps.close()
    },
  }
}
