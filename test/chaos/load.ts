import { abortable, pause } from '../../src/cli/abortable.ts'
import type { HubClient } from '../../src/cli/hub-client.ts'
import { HubRefusedError, HubUnreachableError } from '../../src/cli/hub-errors.ts'
import type { SimulatedDevice } from '../../src/simulator/behaviour.ts'
import {
  CancelJob,
  InvokeMethod,
  PauseJob,
  ResumeJob,
  ScheduleMethod,
  ScheduleTwin,
  WatchStatistics,
} from '../journeys/operations.ts'
import type { DirectCall } from './judge.ts'
import { createRandom } from './random.ts'

/** Milliseconds that a request may take; then it is repeated. */
const patience = 20_000
/** Milliseconds between two attempts. */
const retryPause = 500

/** What clients ask of the hub during the run. */
export type Load = {
  /** The ids of the jobs that the hub accepted. */
  readonly accepted: readonly string[]
  readonly directCalls: readonly DirectCall[]
  /** Wrong sums, versions that went back, and refusals, a sentence each. */
  readonly faults: readonly string[]
  /** Asks for jobs and direct methods until the signal aborts, and then resumes the jobs that are paused. */
  run(stop: AbortSignal): Promise<void>
  /** Resolves when each job has been followed to its end. */
  followed(): Promise<void>
}

type Options = {
  readonly client: HubClient
  readonly seed: number
  readonly fleet: string
  readonly devices: readonly SimulatedDevice[]
  /** How many jobs may be open at a time. */
  readonly openJobs: number
  /** Seconds in which a device has to answer. */
  readonly responseTimeout: number
  /** Seconds after which all jobs end: longer than the run. */
  readonly maxExecutionTime: number
  readonly signal: AbortSignal
}

export function createLoad(options: Options): Load {
  const { client, fleet, devices, signal } = options
  const random = createRandom(options.seed, 1)
  const accepted: string[] = []
  const directCalls: DirectCall[] = []
  const faults: string[] = []
  const open = new Set<string>()
  const following: Promise<void>[] = []
  const changing: Promise<void>[] = []

  /** Repeats a request until the hub has answered: it may be sent to an instance that has just been killed. */
  const insist = async <T>(request: () => Promise<T>): Promise<T> => {
    for (;;) {
      signal.throwIfAborted()
      try {
        return await abortable(request(), AbortSignal.any([signal, AbortSignal.timeout(patience)]))
      } catch (error) {
        signal.throwIfAborted()
        if (!isTemporary(error)) throw error
        await pause(retryPause, signal)
      }
    }
  }

  /** Follows a job to its end. Its counters always add up, and their versions only grow. */
  const follow = async (jobId: string): Promise<void> => {
    let last = 0
    let status = ''
    while (!hasEnded.has(status)) {
      try {
        for await (const { deviceJobStatistics } of client.subscribe(WatchStatistics, { jobId })) {
          const { version, deviceJobStatistics: counts, job } = deviceJobStatistics
          if (version < last) faults.push(`${jobId}: version ${version} was shown after ${last}`)
          const { deviceCount = 0, ...others } = counts ?? {}
          const sum = Object.values(others).reduce<number>((total, count) => total + Number(count), 0)
          if (sum !== deviceCount) faults.push(`${jobId}: at version ${version} ${sum} of ${deviceCount} are counted`)
          last = version
          status = job.status
        }
      } catch (error) {
        if (!isTemporary(error)) throw error
      }
      await pause(retryPause, signal)
    }
    open.delete(jobId)
  }

  const schedule = async (jobId: string, kind: Kind): Promise<void> => {
    const common = {
      jobId,
      queryCondition: `tags.fleet = '${fleet}'`,
      maxExecutionTimeInSeconds: options.maxExecutionTime,
    }
    const count = devices.length
    const cloudToDeviceMethod = { methodName: jobId, responseTimeoutInSeconds: options.responseTimeout }
    const rollout =
      kind === 'limited'
        ? {
            maxConcurrent: Math.ceil(count * random.between(0.02, 0.1)),
            maxPerMinute: Math.ceil(count * random.between(3, 8)),
          }
        : undefined
    const round = Number(jobId.slice(jobId.lastIndexOf('-') + 1))
    const result = await insist(async () => {
      if (kind === 'twin')
        return (
          await client.execute(ScheduleTwin, {
            input: { ...common, updateTwin: { properties: { desired: { round } } } },
          })
        ).scheduleTwinUpdate
      const input = { ...common, cloudToDeviceMethod, ...(rollout && { rollout }) }
      return (await client.execute(ScheduleMethod, { input })).scheduleDeviceMethod
    })
    // An attempt whose answer was lost may have been accepted.
    const refusal = result !== null && result !== undefined && 'message' in result ? result.message : undefined
    if (refusal !== undefined && !refusal.includes('already exists')) {
      faults.push(`${jobId}: was refused: ${refusal}`)
      return
    }
    accepted.push(jobId)
    open.add(jobId)
    following.push(awaitedLater(follow(jobId)))
  }

  /** What clients do with a job that runs. A refusal says that it has ended meanwhile. */
  const change = async (
    jobId: string,
    how: 'pause' | 'cancel',
    after: number,
    resumeAfter: number,
    stop: AbortSignal,
  ) => {
    await pause(after, stop).catch(() => {})
    if (how === 'cancel') {
      await insist(() => client.execute(CancelJob, { input: { jobId } }))
      return
    }
    await insist(() => client.execute(PauseJob, { input: { jobId } }))
    await pause(resumeAfter, stop).catch(() => {})
    await insist(() => client.execute(ResumeJob, { input: { jobId } }))
  }

  const callDirectly = async (methodName: string, deviceId: string): Promise<void> => {
    let isAnswered = false
    try {
      const input = {
        deviceId,
        methodName,
        connectTimeoutInSeconds: 5,
        responseTimeoutInSeconds: options.responseTimeout,
      }
      const { invokeDeviceMethod } = await abortable(
        client.execute(InvokeMethod, { input }),
        AbortSignal.any([signal, AbortSignal.timeout(patience)]),
      )
      isAnswered = invokeDeviceMethod?.__typename === 'InvokeDeviceMethodPayload'
    } catch (error) {
      if (!isTemporary(error)) faults.push(`${methodName} ${deviceId}: ${String(error)}`)
    }
    directCalls.push({ methodName, deviceId, isAnswered })
  }

  return {
    accepted,
    directCalls,
    faults,
    async run(stop) {
      const calls: Promise<void>[] = []
      for (let number = 1; !stop.aborted; number++) {
        const jobId = `${fleet}-${number}`
        const kind = random.pick(kinds)
        const fate = random.pick(fates)
        const [after, resumeAfter] = [random.between(200, 3_000), random.between(1_000, 6_000)]
        const deviceId = devices[Math.floor(random.between(0, devices.length))]?.deviceId ?? ''
        calls.push(awaitedLater(callDirectly(`direct-${number}`, deviceId)))
        if (open.size < options.openJobs) {
          await schedule(jobId, kind)
          if (fate !== 'none') changing.push(awaitedLater(change(jobId, fate, after, resumeAfter, stop)))
        }
        await pause(random.between(500, 2_000), stop).catch(() => {})
      }
      await Promise.all([...calls, ...changing])
    },
    async followed() {
      await Promise.all(following)
    },
  }
}

/** Work whose failure is noticed at the end, and must not end the process before everything is cleaned up. */
function awaitedLater(work: Promise<void>): Promise<void> {
  work.catch(() => {})
  return work
}

type Kind = 'method' | 'limited' | 'twin'
const kinds: readonly [Kind, ...Kind[]] = ['method', 'method', 'limited', 'twin']
type Fate = 'none' | 'pause' | 'cancel'
/** What clients do with ten jobs. */
const fates: readonly [Fate, ...Fate[]] = [
  'none',
  ...Array.from({ length: 5 }, (): Fate => 'none'),
  ...Array.from({ length: 3 }, (): Fate => 'pause'),
  'cancel',
]
const hasEnded: ReadonlySet<string> = new Set(['COMPLETED', 'FAILED', 'CANCELLED'])

/** Whether another attempt may succeed: the instance was killed, stopped or cut off, or took too long. */
function isTemporary(error: unknown): boolean {
  if (error instanceof HubUnreachableError) return true
  if (error instanceof HubRefusedError) return error.code === 'SERVICE_UNAVAILABLE'
  if (error instanceof DOMException) return error.name === 'TimeoutError'
  return error instanceof Error && 'code' in error && connectionErrors.has(error.code)
}
const connectionErrors: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'])
