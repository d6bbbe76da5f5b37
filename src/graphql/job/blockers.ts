import { type JobBlocker as Blocker, blockersOf, neededFindings } from '../../job/blockers.ts'
import { countWaitingAttempts } from '../../job/store/attempts.ts'
import { findAwaitedJobs } from '../../job/store/awaited-jobs.ts'
import { countInFullGroups, countNotConnected, findQueuePositions } from '../../job/store/progress.ts'
import { hasLaterWaves } from '../../job/waves.ts'
import { boundedReads } from '../bounded-reads.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { perParent, perParentInTime } from '../loaders.ts'
import { mayFail } from '../may-fail.ts'
import { withoutScope } from '../without-scope.ts'
import { capped, mostCounted, PreviewCount } from './capped-count.ts'
import { isForeign } from './foreign-job.ts'
import { counters, findJob, Job, ofJob } from './job.ts'
import { lastOpenWave } from './wave-rows.ts'
import { windowsIn } from './window-rows.ts'

// Read once for all jobs of a page. A queue of hundreds of thousands of jobs takes the database a second or more.
const queuePositions = perParentInTime(withoutScope(findQueuePositions), ({ jobId }) => jobId)
const awaitedJobs = perParent(withoutScope(findAwaitedJobs), ({ jobId }) => jobId)
// All pending device jobs may have to be read, and no event reports devices that connect, so the count may be somewhat
// old.
const notConnected = boundedReads(
  'devices that are not connected',
  withoutScope(countNotConnected),
  ({ jobId }) => jobId,
)

// As old, for the same reason.
const inFullGroups = boundedReads(
  'devices that wait for their group',
  withoutScope(countInFullGroups),
  ({ jobId }) => jobId,
)

// As old, because the attempts of a large job may be many.
const waitingAttempts = boundedReads(
  'devices that wait for another attempt',
  withoutScope(countWaitingAttempts),
  ({ jobId }) => jobId,
)

/** The device jobs that wait for the time of another attempt; undefined without any. */
export const attemptsIn = async (context: Context, jobId: string) =>
  (await waitingAttempts(context.deps, context.viewer.scope, jobId, { limit: mostCounted + 1 }))[0]

/** The pending devices of the job that are not connected, and when their wait ends; read once for all fields that need them. */
export const waitingIn = async (context: Context, jobId: string) =>
  (await notConnected(context.deps, context.viewer.scope, jobId, { limit: mostCounted + 1 }))[0]

const JobBlockerReason = builder.enumType('JobBlockerReason', {
  description: 'What a job can wait for.',
  values: {
    START_TIME: { value: 'startTime', description: 'The start time. See `until`.' },
    APPROVAL: {
      value: 'approval',
      description:
        'An approval of the job, or of its next wave, by somebody else than who scheduled it: `approveJob` or `rejectJob`.',
    },
    GATE: {
      value: 'gate',
      description:
        'The gate of a wave: so many devices of the wave have to succeed, or all of them to end, before the next wave is opened. `message` says how many did.',
    },
    WINDOW: {
      value: 'window',
      description:
        'A time window: no call begins until the first of `Job.windows` opens, or until the deadline. See `until`.',
    },
    TIME_ZONE: {
      value: 'timeZone',
      description:
        'Devices without a valid time zone at `rollout.window.timeZoneFrom`: they are not called, and fail at the deadline. `deviceCount` is that at the start.',
    },
    SOAK: { value: 'soak', description: 'The end of the soak of a gate. See `until`.' },
    PAUSED: {
      value: 'paused',
      description:
        'A client: the job is paused, and has to be resumed. `message` says whether an abort rule paused it.',
    },
    MAX_CONCURRENT: {
      value: 'maxConcurrent',
      description: 'The end of calls in progress: the job has as many as `rollout.maxConcurrent` allows.',
    },
    BUDGET: {
      value: 'budget',
      description:
        'The end of calls in progress in the groups of devices: they have as many as `rollout.budget` allows. See `deviceCount`.',
    },
    NEW_DEVICES: {
      value: 'newDevices',
      description: 'Devices that start to match: they join the continuous job until its deadline. See `until`.',
    },
    RETRY: {
      value: 'retry',
      description:
        'The time of another attempt, as `rollout.retry` says. See `deviceCount`, and `until` for the first of these times.',
    },
    SLOT: { value: 'slot', description: 'A slot: a running job has to free one first. See `position`.' },
    JOB: {
      value: 'job',
      description:
        'Another job that has some of the same devices: its end, or that of its device jobs. With `onOverlap: QUEUE`. See `job`.',
    },
    DEVICES_NOT_CONNECTED: {
      value: 'devicesNotConnected',
      description:
        'Devices that are not connected: they have to connect before the method can be called. See `deviceCount`.',
    },
    CALLS_UNDER_WAY: {
      value: 'callsUnderWay',
      description: 'The answers to the last calls. All other device jobs have ended. See `deviceCount`.',
    },
  } as const,
})

const JobBlocker = builder.objectRef<Blocker>('JobBlocker').implement({
  description: 'A reason why a job waits.',
  fields: (t) => ({
    reason: t.field({
      type: JobBlockerReason,
      description: 'What the job waits for.',
      resolve: ({ reason }) => reason,
    }),
    message: t.exposeString('message', { description: 'The reason as a sentence for people.' }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the wait ends. Null unless `reason` is START_TIME, SOAK, WINDOW, NEW_DEVICES or RETRY.',
      resolve: (blocker) => ('until' in blocker ? blocker.until : null),
    }),
    position: t.int({
      nullable: true,
      description: 'The position among the queued jobs; 1 is next. Null unless `reason` is SLOT.',
      resolve: (blocker) => (blocker.reason === 'slot' ? blocker.position : null),
    }),
    job: t.field({
      type: Job,
      nullable: true,
      description:
        'The job that this one waits for. Null unless `reason` is JOB, and for a job that was not scheduled under your scope.',
      resolve: (blocker, _args, context, info) =>
        blocker.reason === 'job' && blocker.jobId !== null ? findJob(context, info, blocker.jobId) : null,
    }),
    deviceCount: t.field({
      type: PreviewCount,
      nullable: true,
      description: `Number of devices that the job waits for; with BUDGET, RETRY and TIME_ZONE, that wait themselves. Exact up to ${mostCounted.toLocaleString('en')}. Null unless \`reason\` is BUDGET, RETRY, TIME_ZONE, DEVICES_NOT_CONNECTED or CALLS_UNDER_WAY.`,
      resolve: (blocker) => ('deviceCount' in blocker ? blocker.deviceCount : null),
    }),
  }),
})

const shownOfForeign: readonly Blocker['reason'][] = ['startTime', 'slot', 'job', 'paused', 'approval', 'newDevices']

builder.objectField(Job, 'blockers', (t) =>
  t.field({
    type: [JobBlocker],
    ...ofJob(
      'id',
      'type',
      'status',
      'startTime',
      'endTime',
      'deadline',
      'targets',
      'rollout',
      'crossedRule',
      'openWave',
      'waitsForKey',
      'maxConcurrent',
      'key',
      'budgetGroupBy',
      'budgetMaxConcurrent',
      ...counters,
    ),
    // All devices of the job may have to be read.
    complexity: { field: 20, multiplier: 1 },
    ...mayFail(
      'What the job waits for. Empty when the job has ended or makes progress, at any rate that the job throttle allows. For a large job, the counts of devices that are not connected and of those that wait for their group or for another attempt are refreshed only from time to time. Of a job that was not scheduled under your scope, START_TIME, SLOT, JOB, PAUSED, APPROVAL and NEW_DEVICES only. LIMIT_EXCEEDED when the hub could not count them in time.',
    ),
    resolve: async (job, _args, context) => {
      const controls = {
        hasLaterWaves: hasLaterWaves(job),
        hasWindow: job.rollout?.window !== undefined,
        isRepeated: job.rollout?.retry !== undefined,
        hasWaited: job.waitsForKey !== null,
      }
      const needed = neededFindings({ ...job, ...controls })
      const position = needed.position ? (await queuePositions(context, job.id, undefined))[0]?.position : undefined
      const isHidden = isForeign(job, context)
      const awaited = needed.awaited ? (await awaitedJobs(context, job.id, undefined))[0] : undefined
      const waiting = needed.notConnected && !isHidden ? await waitingIn(context, job.id) : undefined
      const wave = needed.wave && !isHidden ? await lastOpenWave(job, context) : undefined
      const windows = needed.windows && !isHidden ? await windowsIn(job, context) : undefined
      const grouped =
        needed.inFullGroups && !isHidden
          ? (await inFullGroups(context.deps, context.viewer.scope, job.id, { limit: mostCounted + 1 }))[0]
          : undefined
      const attempts = needed.attempts && !isHidden ? await attemptsIn(context, job.id) : undefined
      const findings = {
        position,
        awaited: awaited && { jobId: isHidden ? null : awaited.awaitedId },
        wave,
        windows,
        notConnected: waiting && capped(waiting.count),
        inFullGroups: grouped && capped(grouped.count),
        attempts: attempts && { count: capped(attempts.count), next: attempts.next },
      }
      const joinsUntil = job.targets === 'continuous' ? job.deadline : undefined
      const rule = isHidden ? undefined : job.rollout?.abort?.[job.crossedRule ?? -1]
      const blockers = blockersOf({ ...job, ...controls, rule, joinsUntil }, findings, context.deps.clock.now())
      // The others describe devices.
      return isHidden ? blockers.filter(({ reason }) => shownOfForeign.includes(reason)) : blockers
    },
  }),
)
