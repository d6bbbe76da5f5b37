import { etaOf, type JobInTime, noOutcomes, throughputOf } from '../../job/progress.ts'
import { type Rate, rateIn } from '../../job/ramp.ts'
import { findRecentOutcomes } from '../../job/store/progress.ts'
import { etaInWindow } from '../../job/time-window.ts'
import { hasLaterWaves } from '../../job/waves.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { perParentInTime } from '../loaders.ts'
import { withoutScope } from '../without-scope.ts'
import { attemptsIn, waitingIn } from './blockers.ts'
import { isForeign } from './foreign-job.ts'
import { counters, Job, ofJob } from './job.ts'
import { windowsIn } from './window-rows.ts'

// Read once for all jobs of a page and all fields that need them. The outcomes of 100 jobs take the database a second or
// more.
const recentOutcomes = perParentInTime(withoutScope(findRecentOutcomes), ({ jobId }) => jobId)

const timedColumns = ['id', 'status', 'startedTime', 'endTime', 'deadline', 'targets', ...counters] as const

async function throughput(
  job: Omit<JobInTime, keyof Rate> & { readonly id: string },
  context: Context,
): Promise<number> {
  const goesOn = job.startedTime !== null && job.endTime === null
  const [recent] = goesOn ? await recentOutcomes(context, job.id, undefined) : []
  return throughputOf(job, recent ?? noOutcomes, context.deps.clock.now())
}

builder.objectField(Job, 'throughput', (t) =>
  t.float({
    nullable: true,
    ...ofJob(...timedColumns),
    complexity: { field: 5, multiplier: 1 },
    description:
      'Device jobs that end per second: in the last 10 seconds while the job runs, from its start to its end when it has ended. Device jobs that were cancelled with the job are not counted. 0 until the job has started. Null for a job that was not scheduled under your scope.',
    resolve: (job, _args, context) => (isForeign(job, context) ? null : throughput(job, context)),
  }),
)

builder.objectField(Job, 'eta', (t) =>
  t.field({
    type: 'DateTime',
    nullable: true,
    ...ofJob(...timedColumns, 'key', 'rollout', 'openWave', 'perMinute', 'storedRamp'),
    complexity: { field: 20, multiplier: 1 },
    description:
      'Estimated end at the current rate (last 10 seconds), or at `rollout.maxPerMinute` if that is slower; with `rollout.ramp`, at a rate that rises as if all devices succeed; capped at the deadline. With `rollout.budget` it may be later, because the rate falls when few groups are left. The deadline when no device job ends. When all pending device jobs wait for devices to connect, not before the end of that wait. Not before the last attempt for which device jobs wait. With `rollout.window`, only the time in which it is open counts. Null when the job is not running, while its time window is closed, with `rollout.window.timeZoneFrom`, when it has waves that are not open, for a continuous job, and for a job that was not scheduled under your scope.',
    resolve: async (job, _args, context) => {
      // When later waves will be opened depends on devices and people.
      if (job.status !== 'running' || hasLaterWaves(job) || isForeign(job, context)) return null
      const [pace, waiting, attempts] = await Promise.all([
        throughput(job, context),
        waitingIn(context, job.id),
        job.rollout?.retry === undefined ? undefined : attemptsIn(context, job.id),
      ])
      const now = context.deps.clock.now()
      const eta = etaOf({ ...job, ...rateIn(job) }, pace, waiting, now, attempts)
      const window = job.rollout?.window
      // Calls in progress go on in a closed window.
      if (eta === null || window === undefined || job.pendingCount === 0) return eta
      return etaInWindow(window, await windowsIn(job, context), { eta, deadline: job.deadline, now })
    },
  }),
)
