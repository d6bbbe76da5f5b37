import { GraphQLError } from 'graphql'
import type { DeviceJobStatistics } from '../../job/statistics.ts'
import type { SelectedJob } from '../../job/store/job-list.ts'
import { countedJobKey, countFamiliesInScope, countInScope, mostCounted } from '../../job/store/scoped-statistics.ts'
import { printScope } from '../../query/scope.ts'
import { boundedReads } from '../bounded-reads.ts'
import type { Context } from '../context.ts'

/** Maximum milliseconds to count the devices of foreign jobs: of all jobs of a page together. */
const mostMs = 1_000

// While a job runs, a count may be somewhat old. After its end, its key is another one.
const visibleInJob = boundedReads('statistics of jobs', countInScope, ({ asked }) => asked, countedJobKey, mostMs)
const visibleInFamily = boundedReads(
  'statistics of families',
  countFamiliesInScope,
  ({ familyKey }) => familyKey,
  String,
  mostMs,
)

/** The statistics without devices. */
export const noDevices: DeviceJobStatistics = {
  deviceCount: 0,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 0,
  refusedCount: 0,
  skippedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
}

/** The statistics of a foreign job, counted over the devices in the scope of the viewer. LIMIT_EXCEEDED. */
export async function countVisible(job: SelectedJob, context: Context): Promise<DeviceJobStatistics> {
  if (job.deviceCount === 0) return noDevices
  if (job.deviceCount > mostCounted) throw tooManyDevices(`Job "${job.id}"`, context)
  const { deps, viewer } = context
  const counted = { jobKey: job.key, hasEnded: job.endTime !== null }
  const [found] = await visibleInJob(deps, viewer.scope, counted, undefined)
  return found ?? noDevices
}

/** The same of a family of foreign jobs. */
export async function countVisibleInFamily(familyKey: string, context: Context): Promise<DeviceJobStatistics> {
  const { deps, viewer } = context
  const [found] = await visibleInFamily(deps, viewer.scope, familyKey, undefined)
  if (found?.isTooLarge) throw tooManyDevices('The family', context)
  return found ?? noDevices
}

function tooManyDevices(what: string, { viewer }: Pick<Context, 'viewer'>): GraphQLError {
  const limit = mostCounted.toLocaleString('en')
  return new GraphQLError(
    `${what} was not scheduled under your scope and has more than ${limit} devices, so those in your scope are not counted.`,
    {
      extensions: {
        code: 'LIMIT_EXCEEDED',
        limit: 'devices',
        maximum: mostCounted,
        missing: { scope: printScope(viewer.scope) },
      },
    },
  )
}

/** What the descriptions of fields say that are counted for a foreign job. */
export const countedWhenForeign = `For a job that was not scheduled under your scope, over the devices in your scope; then a field error LIMIT_EXCEEDED and null when the job has more than ${mostCounted.toLocaleString('en')} devices or they could not be counted in time.`
