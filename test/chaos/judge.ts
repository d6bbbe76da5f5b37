import type { LedgerEntry } from '../../src/simulator/received-calls.ts'

/** One device in a job, as the hub's rows have it. */
export type DeviceJobRecord = {
  readonly deviceId: string
  readonly isMarked: boolean
  /** Its end: the code of its failure, or what the device answered. Null when it has none. */
  readonly outcome: {
    readonly errorCode: string | null
    readonly status: number | null
    readonly payload: string | null
  } | null
}

const counters = [
  'deviceCount',
  'pendingCount',
  'runningCount',
  'succeededCount',
  'failedCount',
  'cancelledCount',
] as const

/** A job as the hub's rows have it. */
export type JobRecord = Readonly<Record<(typeof counters)[number], number>> & {
  readonly jobId: string
  readonly type: 'scheduleDeviceMethod' | 'scheduleUpdateTwin'
  readonly status: string
  readonly hasEnded: boolean
  readonly deviceJobs: readonly DeviceJobRecord[]
}

/** A direct method that a client asked for, and whether the client got the device's answer. */
export type DirectCall = { readonly methodName: string; readonly deviceId: string; readonly isAnswered: boolean }

/** What a device's rows say at the end. */
export type DeviceRecord = {
  readonly deviceId: string
  readonly isConnected: boolean
  readonly desiredVersion: number
  /** Whether the device has reported the desired properties that it has now. */
  readonly isUpToDate: boolean
}

/** Everything that is known at the end of a run. */
export type Evidence = {
  readonly jobs: readonly JobRecord[]
  /** The ids of all jobs that the hub accepted. */
  readonly accepted: readonly string[]
  readonly directCalls: readonly DirectCall[]
  /** What the devices received. The method of a call is named after its job. */
  readonly ledger: readonly LedgerEntry[]
  readonly devices: readonly DeviceRecord[]
  /** The devices that are connected. */
  readonly connected: ReadonlySet<string>
  /** What each device answers to every call. */
  readonly answerOf: (deviceId: string) => string
}

export type Verdict = {
  /** Operations that did not happen, or whose end is missing. */
  readonly lost: number
  /** Operations that happened twice. */
  readonly doubled: number
  /** Calls without a known outcome, which is no fault: what they reached was killed, frozen or cut off. */
  readonly unknown: number
  /** Calls of jobs that devices received. */
  readonly calls: number
  /** What is wrong, a sentence each. */
  readonly faults: readonly string[]
}

/** Calls whose answer did not arrive. */
const unknownCodes: ReadonlySet<string | null> = new Set(['OutcomeUnknown', 'GatewayTimeout'])

/** Compares what the hub says with what the devices say. The deadlines of the jobs are still ahead. */
export function judge({ jobs, accepted, directCalls, ledger, devices, connected, answerOf }: Evidence): Verdict {
  const faults: string[] = []
  let [lost, doubled, unknown, calls] = [0, 0, 0, 0]
  const lose = (what: string): void => {
    lost++
    faults.push(what)
  }

  /** How often each device received each method. */
  const received = new Map<string, number>()
  for (const { methodName, deviceId } of ledger) {
    const call = `${methodName} ${deviceId}`
    received.set(call, (received.get(call) ?? 0) + 1)
  }
  const timesOf = (methodName: string, deviceId: string): number => received.get(`${methodName} ${deviceId}`) ?? 0
  for (const [call, times] of received) {
    if (times === 1) continue
    doubled++
    faults.push(`${call}: called ${times} times`)
  }

  const known = new Set(jobs.map(({ jobId }) => jobId))
  for (const jobId of accepted) if (!known.has(jobId)) lose(`${jobId}: the job was accepted and is unknown`)

  /** How many twin updates of each device have succeeded. */
  const updates = new Map<string, number>()
  for (const job of jobs) {
    const { jobId, type, deviceJobs } = job
    if (!job.hasEnded) lose(`${jobId}: has not ended (${job.status})`)
    const isCancelled = job.status === 'cancelled'
    // A job that was cancelled before its devices were selected has none.
    if (deviceJobs.length !== devices.length && !(isCancelled && deviceJobs.length === 0)) {
      lose(`${jobId}: has ${deviceJobs.length} devices instead of ${devices.length}`)
    }
    let [succeeded, failed] = [0, 0]
    for (const { deviceId, isMarked, outcome } of deviceJobs) {
      const times = timesOf(jobId, deviceId)
      calls += times
      if (outcome === null) {
        if (isMarked || !isCancelled) lose(`${jobId} ${deviceId}: has no outcome`)
        if (times > 0 && !isMarked) lose(`${jobId} ${deviceId}: was called without a mark`)
      } else if (outcome.errorCode !== null) {
        failed++
        if (type === 'scheduleDeviceMethod' && unknownCodes.has(outcome.errorCode)) unknown++
        else lose(`${jobId} ${deviceId}: failed with ${outcome.errorCode}`)
      } else {
        succeeded++
        if (type === 'scheduleUpdateTwin') updates.set(deviceId, (updates.get(deviceId) ?? 0) + 1)
        else if (times === 0) lose(`${jobId} ${deviceId}: succeeded, but the device was not called`)
        else if (outcome.status !== 200 || outcome.payload !== answerOf(deviceId))
          faults.push(`${jobId} ${deviceId}: has another answer than the device gave: ${outcome.payload}`)
      }
    }
    const open = deviceJobs.length - succeeded - failed
    const expected = {
      deviceCount: deviceJobs.length,
      pendingCount: 0,
      runningCount: 0,
      succeededCount: succeeded,
      failedCount: failed,
      cancelledCount: isCancelled ? open : 0,
    }
    for (const name of counters) {
      if (job[name] === expected[name]) continue
      faults.push(`${jobId}: ${name} is ${job[name]}, and its device jobs amount to ${expected[name]}`)
    }
  }

  for (const { methodName, deviceId, isAnswered } of directCalls) {
    if (isAnswered && timesOf(methodName, deviceId) === 0) lose(`${methodName} ${deviceId}: answered, but not called`)
  }
  for (const { deviceId, isConnected, desiredVersion, isUpToDate } of devices) {
    if (isConnected !== connected.has(deviceId))
      faults.push(`${deviceId}: is ${isConnected ? 'not ' : ''}connected, and the hub says otherwise`)
    if (!isUpToDate && connected.has(deviceId)) lose(`${deviceId}: has not received its desired properties`)
    // The version begins with 1, and each update adds 1.
    const applied = desiredVersion - 1
    const succeeded = updates.get(deviceId) ?? 0
    if (applied > succeeded) doubled++
    if (applied < succeeded) lost++
    if (applied !== succeeded) faults.push(`${deviceId}: ${succeeded} updates succeeded, ${applied} were applied`)
  }
  return { lost, doubled, unknown, calls, faults }
}
