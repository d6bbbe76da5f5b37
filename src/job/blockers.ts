import { type AbortRule, inWords } from './abort-rules.ts'
import type { Budget } from './budget.ts'
import type { PreviewCount } from './preview.ts'
import type { JobType } from './request.ts'
import type { JobStatus } from './state.ts'
import { isOpen, type OpenTime } from './time-window.ts'
import { describeShare, type Gate, type WaveCounts } from './waves.ts'

/** What a job waits for. Its message is a sentence for users. */
export type JobBlocker = { readonly message: string } & (
  | { readonly reason: 'startTime' | 'soak' | 'window' | 'newDevices'; readonly until: Date }
  | { readonly reason: 'retry'; readonly until: Date; readonly deviceCount: PreviewCount }
  | { readonly reason: 'approval' | 'gate' | 'paused' | 'maxConcurrent' }
  | { readonly reason: 'slot'; readonly position: number }
  /** Null: the viewer may not know which job it is. */
  | { readonly reason: 'job'; readonly jobId: string | null }
  | {
      readonly reason: 'devicesNotConnected' | 'callsUnderWay' | 'budget' | 'timeZone'
      readonly deviceCount: PreviewCount
    }
)

/** The fields of a job that these rules read. */
export type WaitingJob = {
  readonly type: JobType
  readonly status: JobStatus
  readonly startTime: Date
  readonly endTime: Date | null
  readonly pendingCount: number
  readonly runningCount: number
  /** The abort rule that has paused the job. */
  readonly rule?: AbortRule | undefined
  readonly maxConcurrent: number | null
  readonly deadline: Date
  /** Whether it has time windows. */
  readonly hasWindow?: boolean
  /** Of a continuous job: until when devices join it. */
  readonly joinsUntil?: Date | undefined
  /** Of a job with waves: whether later ones are not open. */
  readonly hasLaterWaves?: boolean
  /** Whether calls of the job are repeated. */
  readonly isRepeated?: boolean
  /** Whether another job had some of its devices when it should start. */
  readonly hasWaited?: boolean
} & Budget

/**
 * The last open wave. `soakedTime`: when the soak of its gate ends; null before the soak. `waitingCount`: pending device jobs
 * of this and of all earlier waves.
 */
export type WaveState = {
  readonly wave: number
  readonly waitingCount: number
  readonly gate: Gate | null
  readonly counts: WaveCounts
  readonly soakedTime: Date | null
  readonly waitsForApproval: boolean
  readonly hasFailed: boolean
}

/** A time window of a job. It has no times when its devices have no time zone: then they are never called. */
export type WindowFinding = { readonly deviceCount: number } & (
  | OpenTime
  | { readonly opens: null; readonly closes: null }
)

/** Findings about a job, as far as they were requested. */
export type Findings = {
  /** Its place among the queued jobs; 1 is next. */
  readonly position?: number | undefined
  /** The job that has some of its devices; its id is null when the viewer may not know it. */
  readonly awaited?: { readonly jobId: string | null } | undefined
  /** Pending device jobs whose devices are not connected. */
  readonly notConnected?: PreviewCount | undefined
  /** The last open wave, and the gate before the next. */
  readonly wave?: WaveState | undefined
  /** The times of its time windows. */
  readonly windows?: readonly WindowFinding[] | undefined
  /** Pending device jobs of connected devices whose group has as many calls in progress as it may have. */
  readonly inFullGroups?: PreviewCount | undefined
  /** Device jobs that wait for the time of another attempt, and the first of these times. */
  readonly attempts?: { readonly count: PreviewCount; readonly next: Date } | undefined
}

/** Which findings are needed to determine what a job waits for. */
export function neededFindings(job: WaitingJob): { readonly [Name in keyof Findings]-?: boolean } {
  const { type, status, endTime, pendingCount, budgetGroupBy } = job
  const hasNotEnded = endTime === null
  const isCalling = hasNotEnded && status === 'running' && type === 'scheduleDeviceMethod' && pendingCount > 0
  return {
    position: hasNotEnded && status === 'queued',
    awaited: hasNotEnded && status === 'queued' && (job.hasWaited ?? false),
    wave: hasNotEnded && (status === 'running' || status === 'paused') && (job.hasLaterWaves ?? false),
    windows: hasNotEnded && status === 'running' && pendingCount > 0 && (job.hasWindow ?? false),
    notConnected: isCalling,
    inFullGroups: isCalling && budgetGroupBy !== null,
    attempts: isCalling && (job.isRepeated ?? false),
  }
}

/**
 * What a job waits for: nothing when it has ended or makes progress by itself, at whatever rate its throttle allows.
 */
export function blockersOf(job: WaitingJob, findings: Findings, now: Date): JobBlocker[] {
  const { position, awaited } = findings
  const { status, startTime, endTime, runningCount, rule } = job
  if (endTime !== null) return []
  switch (status) {
    case 'waitingForApproval':
      return [{ reason: 'approval', message: 'Somebody else than who scheduled the job has to approve it.' }]
    case 'scheduled':
      if (startTime <= now) return []
      return [{ reason: 'startTime', until: startTime, message: `The job starts at ${startTime.toISOString()}.` }]
    case 'queued':
      if (awaited !== undefined) return [waitsForJob(awaited.jobId)]
      if (position === undefined) return []
      return [
        {
          reason: 'slot',
          position,
          message:
            position === 1
              ? 'The job is next in the queue. It starts when a slot for running jobs becomes free.'
              : `The job is number ${position} in the queue for a slot for running jobs.`,
        },
      ]
    case 'paused': {
      const why = whyPaused(rule, findings.wave)
      const paused: JobBlocker = { reason: 'paused', message: `${why}. It goes on when it is resumed.` }
      return runningCount > 0 ? [paused, callsUnderWay(runningCount)] : [paused]
    }
    case 'running': {
      const gates = findings.wave === undefined ? [] : [blockingGate(findings.wave)]
      return [...gates, ...blockersOfCalls(job, findings, now), ...newDevices(job)]
    }
    default:
      return runningCount > 0 ? [callsUnderWay(runningCount)] : []
  }
}

function waitsForJob(jobId: string | null): JobBlocker {
  const which = jobId === null ? 'another job' : `job "${jobId}"`
  return { reason: 'job', jobId, message: `The job waits for ${which}, which has some of the same devices.` }
}

function whyPaused(rule: AbortRule | undefined, wave: WaveState | undefined): string {
  if (rule !== undefined) return `An abort rule paused the job, because ${inWords(rule)}`
  return wave?.hasFailed ? `The job is paused, and the gate of wave ${wave.wave} has failed` : 'The job is paused'
}

function newDevices({ joinsUntil: until }: WaitingJob): JobBlocker[] {
  if (until === undefined) return []
  const message = `The job waits for devices that start to meet its condition. They join until ${until.toISOString()}.`
  return [{ reason: 'newDevices', until, message }]
}

/** What the devices of open waves wait for. */
function blockersOfCalls(job: WaitingJob, findings: Findings, now: Date): JobBlocker[] {
  const { runningCount } = job
  const waitingCount = findings.wave?.waitingCount ?? job.pendingCount
  const windows = waitingCount === 0 ? [] : (findings.windows ?? [])
  const timed = windows.filter((window) => window.opens !== null)
  const closed = timed.filter((times) => !isOpen(times, now))
  const outside = [...(closed.length > 0 ? [closedWindows(job, closed, timed.length)] : []), ...withoutZone(windows)]
  // When none is open, it waits for nothing else.
  if (windows.length > 0 && closed.length === timed.length) {
    return [...outside, ...(runningCount > 0 ? [callsUnderWay(runningCount)] : [])]
  }
  return [...outside, ...blockersInWindow(job, findings)]
}

/** What the devices wait for that may be called now. */
function blockersInWindow(job: WaitingJob, findings: Findings): JobBlocker[] {
  const { runningCount, maxConcurrent } = job
  const waitingCount = findings.wave?.waitingCount ?? job.pendingCount
  if (waitingCount > 0 && maxConcurrent !== null && runningCount >= maxConcurrent) {
    const message = `The job has ${maxConcurrent} calls in progress, as many as it may have at a time.`
    return [{ reason: 'maxConcurrent', message }]
  }
  if (job.pendingCount === 0) return runningCount > 0 ? [callsUnderWay(runningCount)] : []
  const { inFullGroups, notConnected, attempts } = findings
  const most = Math.min(waitingCount, job.pendingCount)
  return [
    ...waitsForGroups(job, atMost(inFullGroups, most)),
    ...waitsForDevices(atMost(notConnected, most)),
    ...waitsForAttempts(attempts && { ...attempts, count: atMost(attempts.count, most) }),
  ]
}

/** Devices were counted somewhat earlier than the counters of the job, which say how many can wait at most. */
function atMost<Count extends PreviewCount | undefined>(count: Count, most: number): Count | PreviewCount {
  return count !== undefined && count.value > most ? { value: most, precision: 'exact' } : count
}

/** Devices whose time zone is not known, so that they have no window. */
function withoutZone(windows: readonly WindowFinding[]): JobBlocker[] {
  const value = windows.reduce((sum, { opens, deviceCount }) => sum + (opens === null ? deviceCount : 0), 0)
  if (value === 0) return []
  const deviceCount: PreviewCount = { value, precision: 'exact' }
  const message = `${devices(deviceCount, 'has', 'have')} no valid time zone. The job does not call them.`
  return [{ reason: 'timeZone', deviceCount, message }]
}

/** The devices of these windows are not called before they open. */
function closedWindows({ deadline }: WaitingJob, windows: readonly OpenTime[], count: number): JobBlocker {
  const opens = new Date(Math.min(...windows.map((times) => times.opens.getTime())))
  const closed =
    count === 1
      ? 'The time window of the job is closed'
      : `${windows.length} of the ${count} time windows of the job are closed`
  if (opens >= deadline) {
    return { reason: 'window', until: deadline, message: `${closed}, and none opens before its deadline.` }
  }
  const first = count === 1 ? 'It opens' : 'The next opens'
  return { reason: 'window', until: opens, message: `${closed}. ${first} at ${opens.toISOString()}.` }
}

/** What the next wave waits for. */
function blockingGate({ wave, gate, counts, soakedTime, waitsForApproval, hasFailed }: WaveState): JobBlocker {
  const next = `Wave ${wave + 1}`
  if (waitsForApproval) {
    return {
      reason: 'approval',
      message: `${next} is opened when somebody else than who scheduled the job approves it.`,
    }
  }
  if (hasFailed) {
    const who = gate?.approval ? 'somebody else than who scheduled the job approves it' : 'somebody opens it'
    return { reason: 'gate', message: `The gate of wave ${wave} failed. ${next} is opened when ${who}.` }
  }
  if (soakedTime !== null) {
    const message = `The gate of wave ${wave} is reached. Its soak ends at ${soakedTime.toISOString()}.`
    return { reason: 'soak', until: soakedTime, message }
  }
  return { reason: 'gate', message: `${next} is not open yet. ${describeShare(gate, wave, counts)}` }
}

function waitsForGroups(
  { budgetGroupBy, budgetMaxConcurrent }: Budget,
  inFullGroups: Findings['inFullGroups'],
): JobBlocker[] {
  if (inFullGroups === undefined || inFullGroups.value === 0) return []
  const calls = budgetMaxConcurrent === 1 ? 'one call' : `${budgetMaxConcurrent} calls`
  const message = `${devices(inFullGroups, 'waits', 'wait')} for others of their group: the budget allows ${calls} in progress per ${budgetGroupBy}.`
  return [{ reason: 'budget', deviceCount: inFullGroups, message }]
}

function waitsForDevices(notConnected: Findings['notConnected']): JobBlocker[] {
  if (notConnected === undefined || notConnected.value === 0) return []
  const message = `${devices(notConnected, 'has', 'have')} to connect before the call can be sent.`
  return [{ reason: 'devicesNotConnected', deviceCount: notConnected, message }]
}

function waitsForAttempts(attempts: Findings['attempts']): JobBlocker[] {
  if (attempts === undefined || attempts.count.value === 0) return []
  const { count, next } = attempts
  const message = `${devices(count, 'waits', 'wait')} for another attempt. The next one is at ${next.toISOString()}.`
  return [{ reason: 'retry', deviceCount: count, until: next, message }]
}

function callsUnderWay(count: number): JobBlocker {
  const deviceCount: PreviewCount = { value: count, precision: 'exact' }
  const message = `${devices(deviceCount, 'may', 'may')} still answer the call.`
  return { reason: 'callsUnderWay', deviceCount, message }
}

function devices({ value, precision }: PreviewCount, one: string, many: string): string {
  const number = value.toLocaleString('en-US')
  if (precision === 'atLeast') return `At least ${number} devices ${many}`
  return value === 1 ? `1 device ${one}` : `${number} devices ${many}`
}
