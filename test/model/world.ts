import { sqltag as sql } from '@prisma/client/runtime/client'
import type { MethodRequest } from '../../src/attached-devices.ts'
import type { Clock } from '../../src/clock.ts'
import { createDevices, deleteDevice } from '../../src/device/commands.ts'
import { DomainError } from '../../src/errors.ts'
import { approveJob, openWave, rejectJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, resumeJob, scheduleJob, updateJob } from '../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../src/job/device-job-commands.ts'
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
import type { Client, Command, Reply, Sequence } from './sequence.ts'

// A real hub and a real PostgreSQL on a clock of the test, with many jobs at once. Its duties are done when they are told to, each
// for all jobs together.

/** What the hub has chosen in a duty: the devices of a job, by their numbers, in order. */
export type Choices = ReadonlyMap<string, readonly number[]>

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
  const deps = await createTestDeps(clock, {}, { jobSelections: 4 }, (database) => installClock(database, clock.now()))
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
  /** The devices of continuous jobs. */
  const members = new Set<string>()
  let isAnyContinuous = false
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
  const deviceIdOf = (jobId: string, number: number): string => `${jobId}-${number}`
  const splitId = (deviceId: string): readonly [jobId: string, number: number] => {
    const dash = deviceId.lastIndexOf('-')
    return [deviceId.slice(0, dash), Number(deviceId.slice(dash + 1))]
  }
  const deviceOf = (jobId: string, { plan }: Sequence, number: number) => {
    const device = plan.devices[number]
    const tags = {
      sequence: jobId,
      isMember: device?.isMember ?? false,
      ...(device?.site && { site: device.site }),
      ...(device?.isCanary && { role: 'canary' }),
      ...(device?.timeZone && { timeZone: device.timeZone }),
    }
    const properties = { desired: { interval: device?.isCompliant ? 60 : 30 } }
    return { deviceId: deviceIdOf(jobId, number), twin: { tags, properties } }
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

  const schedule = async (jobId: string, index: number, { plan }: Sequence): Promise<string> => {
    const { maxPerMinute, maxConcurrent, budget, rules, waves, window, retry, targets } = plan
    await scheduleJob(deps, clients(index).author, {
      jobId,
      queryCondition: `tags.sequence = '${jobId}' AND tags.isMember = true`,
      targets,
      startTime: new Date(clock.now().getTime() + plan.startsAfter * 1000),
      maxExecutionTimeInSeconds: plan.maxExecutionTime,
      rollout: {
        maxPerMinute,
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
    return 'ok'
  }

  const carryOut = async (jobId: string, sequence: Sequence, command: Command): Promise<string> => {
    const { author, approver } = clients(indexes.get(jobId) ?? 0)
    const by = (client: Client) => (client === 'author' ? author : approver)
    const idOf = (number: number): string => deviceIdOf(jobId, number % sequence.plan.devices.length)
    const change = (number: number, patch: TwinPatch) =>
      patchTwin(deps, everything, { deviceId: idOf(number), patch, ifMatch: '*' })
    const part = (cancellation: { readonly cancelled: number; readonly underWay: number }): string =>
      `${cancellation.cancelled} cancelled, ${cancellation.underWay} under way`
    switch (command.kind) {
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
        await createDevices(deps, everything, [
          deviceOf(jobId, sequence, command.device % sequence.plan.devices.length),
        ])
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

  /** Results, or the names of the errors. */
  const resultsOf = async <T>(
    items: ReadonlyMap<string, T>,
    work: (jobId: string, item: T) => Promise<string>,
  ): Promise<ReadonlyMap<string, string>> => {
    const results = new Map<string, string>()
    await forAll(items, async ([jobId, item]) => {
      try {
        results.set(jobId, await work(jobId, item))
      } catch (error) {
        if (!(error instanceof DomainError)) throw error
        results.set(jobId, error.constructor.name)
      }
    })
    return results
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

  const byJob = (deviceIds: Iterable<string>): Choices => {
    const numbers = new Map<string, number[]>()
    for (const deviceId of deviceIds) {
      const [jobId, number] = splitId(deviceId)
      numbers.set(jobId, [...(numbers.get(jobId) ?? []), number])
    }
    return numbers
  }

  return {
    now: () => clock.now().getTime(),

    /**
     * At this time, registers the devices of these sequences and schedules their jobs. The results, or the names of the
     * errors.
     */
    async begin(moment: number, sequences: ReadonlyMap<string, Sequence>): Promise<ReadonlyMap<string, string>> {
      ahead = moment - time.now().getTime()
      await setDatabaseTime()
      indexes = new Map([...sequences.keys()].map((jobId, index) => [jobId, index]))
      isAnyContinuous = [...sequences.values()].some(({ plan }) => plan.targets === 'continuous')
      const registered = [...sequences].flatMap(([jobId, sequence]) =>
        sequence.plan.devices.flatMap((device, number) =>
          device.isRegistered ? [{ device: deviceOf(jobId, sequence, number), isConnected: device.isConnected }] : [],
        ),
      )
      for (let first = 0; first < registered.length; first += 500) {
        const some = registered.slice(first, first + 500).map(({ device }) => device)
        await createDevices(deps, everything, some)
      }
      for (const { device, isConnected } of registered) if (isConnected) attach(device.deviceId)
      return resultsOf(sequences, (jobId, sequence) => schedule(jobId, indexes.get(jobId) ?? 0, sequence))
    },

    /** Forgets all jobs and devices. */
    async clear(): Promise<void> {
      for (const deviceId of [...detach.keys()]) disconnect(deviceId)
      for (const { requestId } of [...calls.values()].flat()) window.remove(requestId)
      calls.clear()
      patched.clear()
      members.clear()
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

    /** What clients do, each to its job. The results, or the names of the errors. */
    command: (commands: ReadonlyMap<string, readonly [Sequence, Command]>) =>
      resultsOf(commands, (jobId, [sequence, command]) => carryOut(jobId, sequence, command)),

    /** Answers of devices that have received a call, all of them together. */
    async answer(replies: Iterable<readonly [jobId: string, Reply]>): Promise<void> {
      const settling = settleDeviceJobs(deps, { requestKey, window })
      for (const [jobId, { device, status, isToFirst }] of replies) {
        const request = calls.get(deviceIdOf(jobId, device))?.at(isToFirst ? 0 : -1)
        if (request === undefined) continue
        const { deviceId, requestId } = request
        const response = status === 'malformed' ? { problem: 'It is not JSON.' } : { status, payload: '{}' }
        settling.take({ deviceId, requestId, response })
      }
      await settling.close()
    },

    expire: () => whole(duties.expire),
    closeDeleted: () => whole(duties.closeDeleted),
    /** Starts the due jobs; the waves of the devices of these. */
    async start(jobIds: readonly string[]): Promise<ReadonlyMap<string, ReadonlyMap<number, number | null>>> {
      await Promise.all([whole(duties.start), whole(duties.start), whole(duties.start)])
      // A turn passes over jobs that another turn has just taken.
      await whole(duties.start)
      if (jobIds.length === 0) return new Map()
      const rows = await deps.db.query<{ jobId: string; deviceId: string; wave: number | null; hasEnded: boolean }>(
        sql`select id as "jobId", device_id as "deviceId", wave, exists (
              select from device_job_outcome ended where ended.job_key = key and ended.device_id = target.device_id
            ) as "hasEnded"
            from job join device_job target on job_key = key
            where id = any(${jobIds}::text[]) order by device_id`,
      )
      const placements = new Map<string, Map<number, number | null>>(jobIds.map((jobId) => [jobId, new Map()]))
      for (const { jobId, deviceId, wave } of rows) placements.get(jobId)?.set(splitId(deviceId)[1], wave)
      for (const { deviceId, hasEnded } of rows) {
        members.add(deviceId)
        // It was deleted before the start.
        if (hasEnded) patched.add(deviceId)
      }
      return placements
    },
    turn: () => whole(duties.turn),
    /** The devices that have joined continuous jobs. */
    async join(): Promise<Choices> {
      if (!isAnyContinuous || !(await whole(duties.join))) return new Map()
      const rows = await deps.db.query<{ deviceId: string }>(
        sql`select device_id as "deviceId" from device_job join job on job_key = key where targets = 'continuous'
            order by device_id`,
      )
      const fresh = rows.map(({ deviceId }) => deviceId).filter((deviceId) => !members.has(deviceId))
      for (const deviceId of fresh) members.add(deviceId)
      return byJob(fresh)
    },
    /** The devices whose part of a twin update has ended. */
    async patch(): Promise<Choices> {
      // The step begins again from the first device when it has found none.
      const isDone = (await whole(duties.patch)) || (await whole(duties.patch))
      if (!isDone) return new Map()
      const rows = await deps.db.query<{ deviceId: string }>(
        sql`select device_id as "deviceId" from device_job_outcome join job on key = job_key
            where type = 'scheduleUpdateTwin' and error_code is distinct from 'Canceled' order by device_job_outcome.version, device_id`,
      )
      const fresh = rows.map(({ deviceId }) => deviceId).filter((deviceId) => !patched.has(deviceId))
      for (const deviceId of fresh) patched.add(deviceId)
      return byJob(fresh)
    },
    /** The devices that have received a call. */
    async call(): Promise<Choices> {
      await whole(duties.call)
      const fresh = received
      received = []
      for (const request of fresh) calls.set(request.deviceId, [...(calls.get(request.deviceId) ?? []), request])
      return byJob(fresh.map(({ deviceId }) => deviceId))
    },
    judge: () => whole(duties.judge),
    finish: () => whole(duties.finish),

    pictures: () => readPictures(deps.db),

    async close(): Promise<void> {
      closeDuties()
      await deps.close()
    },
  }
}
