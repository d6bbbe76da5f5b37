import { type Asker, type BoundedReads, readsFor } from '../database/bounded-read.ts'
import type { Db } from '../database/client.ts'
import { ConflictError, QueryConditionError } from '../errors.ts'
import { compileDeviceCondition } from '../query/device-condition.ts'
import { scopeOfJob } from '../query/scope.ts'
import type { Scope } from '../scope.ts'
import type { DeviceCondition } from '../sql-fragment.ts'
import { refusedBecauseOf } from './on-overlap.ts'
import { overlapsOf, type PreviewCount } from './preview.ts'
import type { JobRequest } from './request.ts'
import { countOverlaps, findOpenJobs, type OpenJob, type OverlapCandidate } from './store/overlaps.ts'

/** The open jobs, and how many of the devices in the scope that meet the condition each of them has, by its id. */
export async function findOverlaps(
  reads: BoundedReads,
  scope: Scope,
  condition: DeviceCondition,
): Promise<{ readonly openJobs: readonly OpenJob[]; readonly counts: ReadonlyMap<string, PreviewCount> }> {
  const openJobs = (await findOpenJobs(reads)).flatMap(withCondition)
  return { openJobs, counts: await countOverlaps(reads, scope, condition, openJobs) }
}

/**
 * ConflictError when the job is to be refused because of another one, which is open, may run at the same time and has some of
 * its devices. What cannot be determined in time is left to the start of the job.
 */
export async function refuseOverlaps(
  { db }: { readonly db: Db },
  scope: Scope,
  asker: Asker,
  request: JobRequest,
): Promise<void> {
  const condition = compileDeviceCondition(request.queryCondition)
  const { openJobs, counts } = await findOverlaps(readsFor(db, asker), scope, condition)
  const others = overlapsOf(openJobs, counts, { ...request, updateTwin: undefined })
  const jobIds = others.filter((other) => other.blocksStart).map(({ jobId }) => jobId)
  if (jobIds.length > 0) throw new ConflictError(refusedBecauseOf(jobIds))
}

/**
 * A job whose devices are selected needs no condition. A job is dropped when an older version of the language accepted its condition or
 * its scope: it will fail and reach no device.
 */
function withCondition(job: OpenJob): (OpenJob & OverlapCandidate)[] {
  if (job.startedTime !== null || job.selectedTime !== null) return [{ ...job, selects: undefined }]
  try {
    return [
      { ...job, selects: { condition: compileDeviceCondition(job.queryCondition), scope: scopeOfJob(job.scope) } },
    ]
  } catch (error) {
    if (error instanceof QueryConditionError) return []
    throw error
  }
}
