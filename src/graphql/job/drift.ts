import type { BoundedReader } from '../../database/bounded-read.ts'
import { QueryConditionError } from '../../errors.ts'
import type { PreviewCount as Count } from '../../job/preview.ts'
import { findJob } from '../../job/store/jobs.ts'
import { countLeft } from '../../job/store/joins.ts'
import { compileDeviceCondition } from '../../query/device-condition.ts'
import { scopeOfJob } from '../../query/scope.ts'
import { boundedReads } from '../bounded-reads.ts'
import { builder } from '../builder.ts'
import { mayFail } from '../may-fail.ts'
import { withoutScope } from '../without-scope.ts'
import { capped, mostCounted, PreviewCount } from './capped-count.ts'
import { isForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'

type Left = { readonly jobId: string; readonly count: number }

/** None for a job whose condition is no longer valid. */
async function findLeft(db: BoundedReader, jobIds: readonly string[], { limit }: { limit: number }): Promise<Left[]> {
  const found: Left[] = []
  for (const jobId of jobIds) {
    const job = await findJob(db, jobId)
    if (job === undefined) continue
    try {
      const condition = compileDeviceCondition(job.queryCondition)
      found.push({ jobId, count: await countLeft(db, scopeOfJob(job.scope), condition, { jobId, limit }) })
    } catch (error) {
      if (!(error instanceof QueryConditionError)) throw error
    }
  }
  return found
}

const left = boundedReads('devices that no longer match', withoutScope(findLeft), ({ jobId }) => jobId)

const JobDrift = builder.objectRef<{ readonly left: Count }>('JobDrift').implement({
  description: 'How the devices of a job differ from those that match its condition now.',
  fields: (t) => ({
    left: t.expose('left', {
      type: PreviewCount,
      description: `Number of devices of the job that do not match its condition any more, or were deleted. They stay in the job. Exact up to ${mostCounted.toLocaleString('en')}.`,
    }),
  }),
})

builder.objectField(Job, 'drift', (t) =>
  t.field({
    type: JobDrift,
    ...ofJob('id', 'startedTime', 'selectedTime', 'endTime'),
    // All devices of the job may have to be read.
    complexity: { field: 20, multiplier: 1 },
    ...mayFail(
      'How the devices of the job differ from those that match its condition now. Counted on request; for a large job, refreshed only from time to time. Null before the devices are selected, after the end of the job, and for a job that was not scheduled under your scope. LIMIT_EXCEEDED when they could not be counted in time.',
    ),
    resolve: async (job, _args, context) => {
      const isSelected = job.startedTime !== null || job.selectedTime !== null
      if (!isSelected || job.endTime !== null || isForeign(job, context)) return null
      const [found] = await left(context.deps, context.viewer.scope, job.id, { limit: mostCounted + 1 })
      return found === undefined ? null : { left: capped(found.count) }
    },
  }),
)
