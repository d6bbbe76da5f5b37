import { type Asker, readInTime } from '../database/bounded-read.ts'
import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { ConflictError, InvalidInputError, NotFoundError, shown } from '../errors.ts'
import type { Scope } from '../scope.ts'
import {
  type CancelledPart,
  checkDeviceJobCancellation,
  type DeviceJobCancellation,
  type DeviceJobCancellationInput,
  requireCancellable,
} from './cancel-device-jobs.ts'
import type { By } from './history.ts'
import { requireOwnJob } from './own-job.ts'
import { requireRoom } from './steer-commands.ts'
import {
  type DeviceList,
  findDeviceOfJob,
  findOpenDevices,
  saveDeviceJobsCancelled,
} from './store/cancelled-device-jobs.ts'
import { findJob } from './store/jobs.ts'

/**
 * Cancels the device jobs of a job that wait for their turn: that of one device, or those of the devices that meet a
 * condition; only devices in the scope of the client. Calls under way to others of them go on, and are counted. The job ends
 * when nothing is open any more. NotFoundError for an unknown job, or for a device that the job does not have, OutOfScopeError
 * for a foreign job, ConflictError when the job has not started, is cancelled or has ended, when its history is full, or when
 * the device job of the one device has ended, InvalidInputError (also when there are too many devices), QueryConditionError,
 * OutOfTimeError.
 */
export async function cancelDeviceJobs(
  deps: Deps,
  by: By,
  input: DeviceJobCancellationInput,
  asker: Asker = { caller: by.id },
): Promise<Pick<DeviceJobCancellation, 'cancelled' | 'underWay'>> {
  const { jobId } = input
  const { part, reason } = checkDeviceJobCancellation(input)
  const job = await findJob(deps.db.reads, jobId)
  if (job === undefined) throw new NotFoundError('job', jobId)
  requireOwnJob(by.scope, job)
  requireCancellable(job)
  // Before the job is locked: the condition may take long, and calls of the job go on meanwhile.
  const { ids } = await devicesToCancel(deps, by.scope, asker, jobId, part)
  const selected = 'deviceId' in part ? part : { queryCondition: part.queryCondition }
  const saved = await inTransaction(deps, async (tx, afterCommit) => {
    await requireRoom(tx, jobId)
    const done = await saveDeviceJobsCancelled(tx, jobId, { ids, selected }, by, reason, deps.clock.now())
    if (done !== undefined && done.cancelled > 0) {
      afterCommit(() => {
        deps.metrics?.count('twincast_device_jobs_total', { outcome: 'cancelled', code: '' }, done.cancelled)
        deps.events.jobChanged(jobId)
        if (done.open === 0) deps.events.publish('work', 'settled', {})
        if (job.waves !== null) deps.events.publish('work', 'waves', {})
      })
    }
    return done
  })
  if (saved !== undefined) return { cancelled: saved.cancelled, underWay: saved.underWay }
  // It has ended, or was cancelled, since it was read.
  requireCancellable((await findJob(deps.db, jobId)) ?? job)
  throw new ConflictError(`Job "${jobId}" was changed at the same time. Try again.`)
}

/** The devices of the part that have not ended. Errors as those of `cancelDeviceJobs`. */
async function devicesToCancel(
  deps: Deps,
  scope: Scope,
  asker: Asker,
  jobId: string,
  part: CancelledPart,
): Promise<DeviceList> {
  if ('deviceId' in part) {
    const { deviceId } = part
    // PostgreSQL cannot look for U+0000, and no id has it.
    const found = deviceId.includes('\0') ? undefined : await findDeviceOfJob(deps.db.reads, scope, jobId, deviceId)
    if (found === undefined)
      throw new NotFoundError('device', deviceId, `Job "${jobId}" has no device "${shown(deviceId)}".`)
    if (found.hasEnded) throw new ConflictError(`Device "${deviceId}" has ended in job "${jobId}".`)
    return found
  }
  const most = deps.limits.cancelledDeviceJobs
  const found = await readInTime(deps, asker, (db) => findOpenDevices(db, scope, jobId, part.condition, most + 1))
  if (found.count <= most) return found
  throw new InvalidInputError(
    ['queryCondition'],
    `More than ${most} devices that have not ended meet the condition, which are too many for one request. Narrow it, or cancel the job.`,
  )
}
