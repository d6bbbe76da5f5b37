import { randomUUID } from 'node:crypto'
import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { AlreadyExistsError, InvalidInputError, NotFoundError } from '../errors.ts'
import { checkJobRequest, type JobRequest, type JobRequestInput } from './request.ts'
import { initialStatus, transition, transitionRefused } from './state.ts'
import { insertJob, type JobOperation, lockJob, saveCancelled } from './store.ts'

/** The call or the patch as the row holds it. */
const operationOf = (request: JobRequest): JobOperation =>
  request.type === 'scheduleDeviceMethod'
    ? { type: request.type, request: request.cloudToDeviceMethod }
    : { type: request.type, request: request.updateTwin }

/**
 * Schedules a job and answers its id; it is durable when this returns. InvalidInputError, QueryConditionError,
 * AlreadyExistsError (also for the id of a job that has ended and is still kept).
 */
export async function scheduleJob(deps: Deps, input: JobRequestInput): Promise<string> {
  const now = deps.clock.now()
  const request = checkJobRequest(input, now, randomUUID)
  await inTransaction(deps, async (tx, afterCommit) => {
    const inserted = await insertJob(tx, {
      id: request.jobId,
      ...operationOf(request),
      status: initialStatus(request.startTime, now),
      queryCondition: request.queryCondition,
      createdTime: now,
      startTime: request.startTime,
      maxExecutionTimeSeconds: request.maxExecutionTimeInSeconds,
      deadline: new Date(request.startTime.getTime() + request.maxExecutionTimeInSeconds * 1000),
    })
    if (!inserted) throw new AlreadyExistsError('job', request.jobId)
    afterCommit(() => {
      deps.events.jobChanged(request.jobId)
      deps.events.publish('work', 'jobs', {})
    })
  })
  return request.jobId
}

const maxReasonLength = 1024

/**
 * Cancels a job that has not ended. Nothing new is sent from the return on; devices that wait become canceled; calls
 * under way may still answer, and the job has ended when the last of them did or was given up. NotFoundError,
 * ConflictError when it is cancelled already or has ended, InvalidInputError for an over-long reason. With
 * `unlessRunning` a running job is a ConflictError too, as in IoT Hub.
 */
export async function cancelJob(
  deps: Deps,
  jobId: string,
  reason?: string | null,
  { unlessRunning = false }: { readonly unlessRunning?: boolean } = {},
): Promise<void> {
  if (reason?.includes('\0')) throw new InvalidInputError(['reason'], 'A reason may not hold U+0000.')
  if ((reason?.length ?? 0) > maxReasonLength) {
    throw new InvalidInputError(['reason'], `A reason has at most ${maxReasonLength} characters.`)
  }
  await inTransaction(deps, async (tx, afterCommit) => {
    const job = await lockJob(tx, jobId)
    if (job === undefined) throw new NotFoundError('job', jobId)
    transition(job.status, 'cancel')
    if (unlessRunning && job.status === 'running') throw transitionRefused(job.status, 'cancel')
    await saveCancelled(tx, jobId, reason ?? null, deps.clock.now())
    afterCommit(() => {
      deps.events.jobChanged(jobId)
      deps.events.publish('work', 'jobs', {})
    })
  })
}
