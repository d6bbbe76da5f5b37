import { randomUUID } from 'node:crypto'
import { type Asker, isOutOfTime, limitTime, readsFor } from '../database/bounded-read.ts'
import { inTransaction } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import {
  AlreadyExistsError,
  ConflictError,
  InvalidInputError,
  LimitExceededError,
  NotFoundError,
  OutOfTimeError,
} from '../errors.ts'
import { compileDeviceCondition } from '../query/device-condition.ts'
import { narrowCondition } from '../query/narrow-condition.ts'
import type { Scope } from '../scope.ts'
import type { By } from './history.ts'
import { shortestSeconds } from './job-limits.ts'
import { findOverlaps, refuseOverlaps } from './overlap-commands.ts'
import { isOwnJob, requireOwnJob } from './own-job.ts'
import {
  changedIn,
  expectedSeconds,
  type JobPreview,
  nextOpenTimes,
  offlineWaitOf,
  overlapsOf,
  requireExpected,
  secondsInWindow,
  typicalPace,
} from './preview.ts'
import {
  checkJobRequest,
  checkPreviewRequest,
  type JobExpectation,
  type JobRequest,
  type JobRequestInput,
  type PreviewRequestInput,
  requireTurn,
} from './request.ts'
import { checkRetry, nothingSelected, type RetryInput } from './retry.ts'
import { initialStatus, transition, transitionRefused } from './state.ts'
import { requireRoom, steer } from './steer-commands.ts'
import {
  findJob,
  insertJob,
  type JobOperation,
  type JobOrigin,
  type JobRow,
  lockSource,
  longestCallIn,
  type SourceRow,
} from './store/jobs.ts'
import type { OpenJob } from './store/overlaps.ts'
import { countMatches, findFirstIds, findPastJobs, readMatches } from './store/previews.ts'
import { isAnySelected } from './store/retries.ts'
import { saveCancelled, savePaused, saveResumed, saveUpdated } from './store/transitions.ts'
import { countChosen } from './store/waves.ts'
import { requireOpening } from './time-window.ts'
import { checkUpdate, type JobUpdateInput, membersIn } from './update.ts'
import { waveSizes } from './waves.ts'

/** The call or the patch as stored in the row. */
const operationOf = (request: JobRequest): JobOperation =>
  request.type === 'scheduleDeviceMethod'
    ? { type: request.type, request: request.cloudToDeviceMethod }
    : { type: request.type, request: request.updateTwin }

/**
 * Schedules a job and returns its id; the job is durable when this returns. It keeps the scope of the client: whenever
 * it starts, it selects devices in this scope only. InvalidInputError, QueryConditionError,
 * AlreadyExistsError (also for the id of an ended job that is still kept), ExpectationFailedError, ConflictError when the job is
 * refused because of another one with some of its devices. `templateChangedBy`: the id of the actor that changed the template of
 * the job last.
 */
export async function scheduleJob(
  deps: Deps,
  by: By,
  input: JobRequestInput,
  asker: Asker = { caller: by.id },
  templateChangedBy: string | null = null,
): Promise<string> {
  const now = deps.clock.now()
  const request = checkJobRequest(input, now, randomUUID, deps.limits)
  requireTurn(request)
  // A client that repeats a request learns first that it has arrived.
  if (request.expect !== undefined || request.onOverlap === 'refuse') await requireNew(deps, request.jobId)
  if (request.expect !== undefined) await meetExpectation(deps, by.scope, asker, request, request.expect)
  if (request.onOverlap === 'refuse') await refuseOverlaps(deps, by.scope, asker, request)
  await inTransaction(deps, async (tx, afterCommit) => {
    await insertRequest(tx, by, request, now, { cause: 'user', reason: null, templateChangedBy })
    afterCommit(() => publishJobChanged(deps, request.jobId))
  })
  return request.jobId
}

/**
 * Inserts the requested job in a transaction, whose commit is to be published by `publishJobChanged`. AlreadyExistsError, with
 * nothing written.
 */
export async function insertRequest(tx: Tx, by: By, request: JobRequest, now: Date, origin: JobOrigin): Promise<void> {
  const job = {
    id: request.jobId,
    ...operationOf(request),
    queryCondition: request.queryCondition,
    maxDevices: request.expect?.maxDevices ?? null,
    name: request.name,
    description: request.description,
    labels: request.labels,
    targets: request.targets,
    onOverlap: request.onOverlap,
    rollout: request.rollout,
    skipCompliant: request.skipCompliant,
    ...request.limits,
    retry: null,
    scope: by.scope.parts,
    ...timesOf(request, now),
  }
  if (!(await insertJob(tx, job, by, origin))) throw new AlreadyExistsError('job', job.id)
}

async function requireNew({ db }: Pick<Deps, 'db'>, jobId: string): Promise<void> {
  if ((await findJob(db.reads, jobId)) !== undefined) throw new AlreadyExistsError('job', jobId)
}

/** Milliseconds of PostgreSQL's time: enough for millions of devices. */
const countingTime = 20_000

/**
 * Counts the devices before anything is written, on the connections of the protocol adapters, because counting may take
 * long.
 */
async function meetExpectation(
  { db }: Pick<Deps, 'db'>,
  scope: Scope,
  asker: Asker,
  request: JobRequest,
  expect: JobExpectation,
): Promise<void> {
  const condition = compileDeviceCondition(request.queryCondition)
  const devices = await db.boundedRead(asker, countingTime, (reader) => readMatches(reader, scope, condition))
  if (devices !== undefined) return requireExpected(expect, devices)
  const message = 'Counting the devices timed out, so the expectation could not be checked. The job was not scheduled.'
  throw new InvalidInputError(['expect'], message)
}

/** The status, the start time and the end of the max execution time of a new job, as stored in its row. */
const timesOf = (
  {
    startTime,
    maxExecutionTimeInSeconds,
    rollout,
  }: Pick<JobRequest, 'startTime' | 'maxExecutionTimeInSeconds' | 'rollout'>,
  now: Date,
) => ({
  status: initialStatus(startTime, now, rollout?.approval === true),
  createdTime: now,
  startTime,
  maxExecutionTimeSeconds: maxExecutionTimeInSeconds,
  deadline: new Date(startTime.getTime() + maxExecutionTimeInSeconds * 1000),
})

/** To be called after the commit: a job is new, or has made room for another. */
export function publishJobChanged(deps: Pick<Deps, 'events'>, jobId: string): void {
  deps.events.jobChanged(jobId)
  deps.events.publish('work', 'jobs', {})
}

/**
 * Schedules a retry: a new job that repeats what an ended job did, on those of its devices that are selected, still
 * exist and still meet the condition when the new job starts. It keeps the scope of its source. Returns the new id.
 * NotFoundError, OutOfScopeError for a foreign job, ConflictError while the source has not ended, InvalidInputError
 * (also when no device job is selected), QueryConditionError, AlreadyExistsError.
 */
export async function retryJob(deps: Deps, by: By, input: RetryInput): Promise<string> {
  const now = deps.clock.now()
  const request = checkRetry(input, now, randomUUID)
  await inTransaction(
    deps,
    async (tx, afterCommit) => {
      const source = await lockSource(tx, input.jobId)
      if (source === undefined) throw new NotFoundError('job', input.jobId)
      requireOwnJob(by.scope, source)
      if (!source.ended) throw notEnded(source)
      const retry = {
        sourceKey: source.key,
        familyKey: source.retry?.familyKey ?? source.key,
        selection: request.selection,
      }
      const bounded = await limitTime(tx, deps.limits.queryMs)
      const any = await isAnySelected(bounded, retry).catch((error) => {
        throw isOutOfTime(error) ? new OutOfTimeError(deps.limits.queryMs / 1000) : error
      })
      if (!any) throw nothingSelected(source.id, request.selection)
      const { startTime, maxExecutionTimeInSeconds = source.maxExecutionTimeSeconds } = request
      if (source.window !== null)
        requireOpening(source.window, longestCallIn(source), { startTime, maxExecutionTimeInSeconds })
      const job = {
        ...source,
        id: request.newJobId,
        queryCondition: narrowCondition(source.queryCondition, request.queryCondition),
        maxDevices: null,
        // It repeats device jobs that exist.
        targets: source.targets === 'continuous' ? 'atStart' : source.targets,
        retry,
        ...timesOf({ startTime, maxExecutionTimeInSeconds, rollout: source.rollout }, now),
      }
      const { templateChangedBy } = source
      const inserted = await insertJob(tx, job, by, { cause: 'user', reason: request.reason, templateChangedBy })
      if (!inserted) throw new AlreadyExistsError('job', request.newJobId)
      afterCommit(() => publishJobChanged(deps, request.newJobId))
    },
    deps.limits.queryMs,
  )
  return request.newJobId
}

function notEnded({ id, status }: SourceRow): ConflictError {
  return new ConflictError(
    status === 'cancelled'
      ? `Job "${id}" is cancelled, but some of its calls are still in progress. Retry it after it has ended.`
      : `Job "${id}" has not ended. Wait for its end or cancel it, then retry it.`,
  )
}

/**
 * Cancels a job that has not ended. Once this returns, nothing new is sent, and waiting device jobs are cancelled.
 * Calls under way may still be answered; the job ends when the last one was answered or given up. NotFoundError,
 * OutOfScopeError for a foreign job, ConflictError when the job is already cancelled or has ended, InvalidInputError
 * for a reason that is too long. With `unlessRunning`, a running job is a ConflictError too, as in IoT Hub.
 */
export async function cancelJob(
  deps: Deps,
  by: By,
  jobId: string,
  reason?: string | null,
  { unlessRunning = false }: { readonly unlessRunning?: boolean } = {},
): Promise<void> {
  await steer(deps, by, jobId, reason, async (tx, job, message) => {
    transition(job.status, 'cancel')
    if (unlessRunning && isShownRunning(job)) throw transitionRefused('running', 'cancel')
    await saveCancelled(tx, jobId, by, message, deps.clock.now())
    return { result: undefined, wakes: ['jobs'] }
  })
}

/** IoT Hub has no paused jobs. */
const isShownRunning = ({ status, startedTime }: JobRow): boolean =>
  status === 'running' || (status === 'paused' && startedTime !== null)

/**
 * Pauses a job that has not ended: once this returns, no instance sends a call of it or patches a twin for it, until it
 * is resumed. Its time goes on. Returns the number of calls under way, which still may be answered. NotFoundError,
 * OutOfScopeError for a foreign job, ConflictError when the job is paused, cancelled or has ended, or when its history is
 * full, InvalidInputError for a reason that is too long.
 */
export async function pauseJob(deps: Deps, by: By, jobId: string, reason?: string | null): Promise<number> {
  return steer(deps, by, jobId, reason, async (tx, { status }, message) => {
    transition(status, 'pause')
    await requireRoom(tx, jobId)
    return { result: await savePaused(tx, jobId, by, message, deps.clock.now()), wakes: ['jobs'] }
  })
}

/**
 * Resumes a paused job where it was: it runs, or waits for its start. Errors as those of `pauseJob`, except for a full
 * history.
 */
export async function resumeJob(deps: Deps, by: By, jobId: string, reason?: string | null): Promise<void> {
  await steer(deps, by, jobId, reason, async (tx, job, message) => {
    const status = transition(job.status, job.startedTime === null ? 'reschedule' : 'resume')
    await saveResumed(tx, jobId, status, by, message, deps.clock.now())
    // Devices may have come to match during the pause.
    const continuous = job.targets === 'continuous' ? (['continuous'] as const) : []
    return { result: undefined, wakes: status === 'running' ? ['started', ...continuous] : ['jobs'] }
  })
}

/**
 * Changes a job that has not ended: its naming, its time and its limits. What is not given stays as it is. NotFoundError,
 * OutOfScopeError for a foreign job, ConflictError when the job has ended, is cancelled, or has a full history,
 * InvalidInputError.
 */
export async function updateJob(deps: Deps, by: By, input: JobUpdateInput): Promise<void> {
  await steer(deps, by, input.jobId, input.reason, async (tx, job, reason) => {
    const now = deps.clock.now()
    const update = checkUpdate(input, job, now)
    await requireRoom(tx, job.id)
    await saveUpdated(tx, { ...job, ...update }, membersIn(update), by, reason, now)
    // An earlier deadline may be the next, and more devices may have their turn.
    return { result: undefined, wakes: update.maxPerMinute === undefined ? ['jobs'] : ['jobs', 'started'] }
  })
}

const previewedDevices = 20
const previewedOverlaps = 20
/** Seconds. */
const previewAgainAfter = 10
const noTime =
  'Counting timed out: the condition is too expensive, or too many previews are running. The job can still be scheduled.'

/**
 * What a job of a viewer with this scope would select and meet if it started now, as far as about two seconds of
 * PostgreSQL's time can show. It uses one connection of the protocol adapters, and affects no job. InvalidInputError,
 * QueryConditionError and AlreadyExistsError, as for scheduling; LimitExceededError when there was no time to find any
 * devices. The job can be scheduled all the same.
 */
export async function previewJob(
  deps: Deps,
  scope: Scope,
  asker: Asker,
  input: PreviewRequestInput,
): Promise<JobPreview> {
  const { db, throttles } = deps
  const request = checkPreviewRequest(input, deps.clock.now(), deps.limits)
  const { jobId, type, updateTwin: patch, maxExecutionTimeInSeconds, targets, limits, waves } = request
  const condition = compileDeviceCondition(request.queryCondition)
  if (jobId !== undefined) await requireNew(deps, jobId)

  const reads = readsFor(db, asker)
  // One after the other: a preview holds one connection at a time.
  const counts = await countMatches(reads, scope, condition, patch)
  if (counts === undefined) throw new LimitExceededError(noTime, previewAgainAfter)
  const deviceIds = await findFirstIds(reads, scope, condition, previewedDevices)
  const { openJobs, counts: overlapCounts } = await findOverlaps(reads, scope, condition)
  const shownJobs = openJobs.map((job) => shownTo(scope, job))
  const pastJobs = type === undefined ? [] : await findPastJobs(reads, scope, type)
  const chosen = await countChosen(reads, scope, condition, waves)
  const isExact = counts.deviceCount.precision === 'exact'
  const changed = changedIn(counts, request)
  return {
    ...counts,
    waveSizes: isExact && chosen !== undefined ? waveSizes(waves, counts.deviceCount.value, chosen) : null,
    deviceIds,
    overlaps: overlapsOf(shownJobs, overlapCounts, request).slice(0, previewedOverlaps),
    expectedDurationInSeconds:
      targets === 'continuous'
        ? maxExecutionTimeInSeconds
        : secondsInWindow(
            request,
            expectedSeconds(
              type === 'scheduleDeviceMethod' ? counts.connectedCount : changed,
              [typicalPace(pastJobs), throttles.jobPace],
              limits,
              maxExecutionTimeInSeconds,
            ),
          ),
    openTimes: nextOpenTimes(request),
    shortestDurationInSeconds: shortestSeconds(changed.value, limits),
    maxOfflineWaitInSeconds: offlineWaitOf(request, counts),
  }
}

/** The job as a viewer with this scope may know it: of a foreign job, the patch is hidden. */
const shownTo = (scope: Scope, job: OpenJob): OpenJob => (isOwnJob(scope, job) ? job : { ...job, patch: null })
