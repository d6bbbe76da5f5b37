import { etagOf } from '../../etag.ts'
import { timesAfter } from '../../job-schedule/cron.ts'
import {
  findJobSchedule,
  findJobSchedules,
  findRuns,
  findSchedulesOfJobs,
  type ScheduleRow,
  type ScheduleRun,
} from '../../job-schedule/store.ts'
import { findJobTemplate } from '../../job-template/store.ts'
import { printScope, scopeOfJob } from '../../query/scope.ts'
import { builder } from '../builder.ts'
import { forwardArguments, type KeysetList, pageComplexity, resolvePage, selectsRows } from '../connection.ts'
import { findJob, Job, ofJob } from '../job/job.ts'
import { countOf, listComplexity, sizeOf } from '../job/short-list.ts'
import { JobTemplate } from '../job-template/job-template.ts'
import { perParent } from '../loaders.ts'
import { mayFail } from '../may-fail.ts'
import { withoutScope } from '../without-scope.ts'

/** What a schedule does about times at which no hub ran. */
export const ScheduleMissedPolicy = builder.enumType('ScheduleMissedPolicy', {
  description: 'What a job schedule does about planned times for which the hubs are more than a minute late.',
  values: {
    RUN_ONCE: {
      value: 'runOnce',
      description: 'It schedules one job as soon as possible, however many times were missed.',
    },
    SKIP: { value: 'skip', description: 'It waits for the next planned time.' },
  } as const,
})

/** What a schedule does while one of its jobs has not ended. */
export const ScheduleOverlapPolicy = builder.enumType('ScheduleOverlapPolicy', {
  description: 'What a job schedule does at a planned time at which one of its jobs has not ended.',
  values: {
    SKIP: { value: 'skip', description: 'It schedules no job, and waits for the next planned time.' },
    PARALLEL: { value: 'parallel', description: 'It schedules a job all the same, with `onOverlap` of the template.' },
    QUEUE: {
      value: 'queue',
      description:
        'It schedules a job with `onOverlap: QUEUE`, which waits for all jobs with some of the same devices that have started.',
    },
    REFUSE: {
      value: 'refuse',
      description:
        'It schedules a job with `onOverlap: REFUSE`, which fails at its start when a job that has started has some of the same devices.',
    },
  } as const,
})

const ScheduleStatus = builder.enumType('JobScheduleStatus', {
  description: 'The status of a job schedule.',
  values: {
    ACTIVE: { value: 'active', description: 'It schedules a job at its next planned time.' },
    PAUSED: { value: 'paused', description: 'It schedules nothing until a client resumes it.' },
    ENDED: { value: 'ended', description: 'It has no further planned time.' },
  } as const,
})

const ScheduleRunOutcome = builder.enumType('JobScheduleRunOutcome', {
  description: 'What a job schedule did at a planned time.',
  values: {
    SCHEDULED: { value: 'scheduled', description: 'It has scheduled a job.' },
    MISSED: { value: 'missed', description: 'No hub could run it in time, and `onMissed` is SKIP.' },
    OVERLAPPED: { value: 'overlapped', description: 'One of its jobs had not ended, and `onOverlap` is SKIP.' },
    REFUSED: { value: 'refused', description: 'The job could not be scheduled. `reason` says why.' },
  } as const,
})

const JobScheduleRun = builder.objectRef<ScheduleRun>('JobScheduleRun').implement({
  description: 'What a job schedule did at a planned time.',
  fields: (t) => ({
    time: t.expose('time', { type: 'DateTime', description: 'The planned time.' }),
    outcome: t.expose('outcome', { type: ScheduleRunOutcome, description: 'What the schedule did.' }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'The reason why the job was refused. Null for other outcomes.',
    }),
    jobId: t.exposeString('jobId', {
      nullable: true,
      description: 'The ID of the job. Null when none was scheduled.',
    }),
    job: t.field({
      type: Job,
      nullable: true,
      description: 'The job. Null when none was scheduled, and when it is no longer kept.',
      resolve: ({ jobId }, _args, context, info) => (jobId === null ? null : findJob(context, info, jobId)),
    }),
  }),
})

const usualTimes = 5
/** Computing a time takes a fifth of a millisecond. */
const mostTimes = 10
const usualRuns = 5
const mostRuns = 100

const runsOf = perParent(
  withoutScope((db, ids: readonly string[], { first }: { readonly first: number }) => findRuns(db, ids, first)),
  ({ scheduleId }) => scheduleId,
)

export const JobSchedule = builder.node(builder.objectRef<ScheduleRow>('JobSchedule'), {
  id: { resolve: ({ id }) => id },
  loadWithoutCache: async (id, { deps }) => (await findJobSchedule(deps.db.reads, id)) ?? null,
  description:
    'Schedules a job of a template at recurring times. A job has the ID of the schedule and its planned time, such as `nightly-20261201T0100Z`.',
  authScopes: { right: 'readJobs' },
  fields: (t) => ({
    scheduleId: t.exposeString('id', { description: 'The schedule ID.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'What people should know about the schedule. Null without a description.',
    }),
    templateId: t.exposeString('templateId', { description: 'The ID of the template.' }),
    template: t.field({
      type: JobTemplate,
      ...mayFail('The template.'),
      resolve: ({ templateId }, _args, { deps }) => findJobTemplate(deps.db, templateId),
    }),
    cron: t.exposeString('cron', { description: 'Minute, hour, day of month, month and day of week.' }),
    timeZone: t.exposeString('timeZone', { description: 'The time zone of `cron`.' }),
    endTime: t.expose('endTime', {
      type: 'DateTime',
      nullable: true,
      description: 'No job is scheduled after this time. Null for no end.',
    }),
    onMissed: t.expose('onMissed', { type: ScheduleMissedPolicy, description: 'What it does about missed times.' }),
    onOverlap: t.expose('onOverlap', {
      type: ScheduleOverlapPolicy,
      description: 'What it does while one of its jobs has not ended.',
    }),
    status: t.expose('status', { type: ScheduleStatus, description: 'The status of the schedule.' }),
    statusReason: t.exposeString('statusReason', {
      nullable: true,
      description: 'Why the hub has paused the schedule. Null when it has not.',
    }),
    nextTimes: t.field({
      type: ['DateTime'],
      // The times have no fields, but each of them is computed.
      complexity: ({ first }) => ({ field: countOf(first, usualTimes, mostTimes), multiplier: 1 }),
      ...mayFail('The next planned times, the earliest first. Empty unless the schedule is active.'),
      args: { first: t.arg.int({ defaultValue: usualTimes, description: `Number of times: 1 to ${mostTimes}.` }) },
      resolve: (schedule, { first }) => {
        const count = sizeOf(first, usualTimes, mostTimes)
        const { nextTime } = schedule
        return nextTime === null ? [] : [...timesAfter(schedule, new Date(nextTime.getTime() - 1), count)]
      },
    }),
    runs: t.field({
      type: [JobScheduleRun],
      complexity: ({ first }) => listComplexity(countOf(first, usualRuns, mostRuns)),
      ...mayFail(
        `What it did at the last planned times, the newest first. Times that were missed together have one run, with the last of them. The last ${mostRuns} runs are kept.`,
      ),
      args: { first: t.arg.int({ defaultValue: usualRuns, description: `Number of runs: 1 to ${mostRuns}.` }) },
      resolve: async ({ id }, { first }, context) => [
        ...(await runsOf(context, id, { first: sizeOf(first, usualRuns, mostRuns) })),
      ],
    }),
    author: t.string({
      description:
        'The name of the person or policy on whose behalf jobs are scheduled: the one that created the schedule, or changed or resumed it last.',
      resolve: ({ author }) => author.name,
    }),
    scope: t.string({
      nullable: true,
      description: 'The scope of the author, which its jobs have, as a condition. Null for all devices.',
      resolve: ({ scope }) => printScope(scopeOfJob(scope)),
    }),
    createdTime: t.expose('createdTime', { type: 'DateTime', description: 'When it was created.' }),
    etag: t.string({
      description:
        'The etag, for `ifMatch`. Changes with each `updateJobSchedule`, and not with pauses, resumptions and runs.',
      resolve: ({ etagVersion }) => etagOf(etagVersion),
    }),
  }),
})

const scheduleOf = perParent(withoutScope(findSchedulesOfJobs), ({ jobId }) => jobId)

builder.objectField(Job, 'jobSchedule', (t) =>
  t.field({
    type: JobSchedule,
    nullable: true,
    ...ofJob('id'),
    description:
      'The job schedule that has scheduled the job. Null for other jobs, when the schedule was deleted, and when it no longer keeps the run.',
    resolve: async ({ id }, _args, context) => (await scheduleOf(context, id, undefined))[0] ?? null,
  }),
)

const schedulesById: KeysetList<ScheduleRow, string> = {
  name: 'jobSchedules',
  keysOf: ({ id }) => [id],
  parseKeys: ([id, ...others]) => (others.length === 0 ? id : undefined),
}

const JobScheduleConnection = builder.connectionObject(
  { type: JobSchedule, name: 'JobScheduleConnection', description: 'A page of job schedules, by ID.' },
  { name: 'JobScheduleEdge', description: 'A job schedule on a page, with its cursor.' },
)

builder.queryField('jobSchedules', (t) =>
  t.field({
    type: JobScheduleConnection,
    authScopes: { right: 'readJobs' },
    complexity: (args) => pageComplexity(args),
    ...mayFail('All job schedules, by ID.'),
    args: forwardArguments(),
    resolve: (_root, page, { deps }, info) => {
      deps.throttles.take('jobOperations')
      return resolvePage(
        schedulesById,
        page,
        async ({ cursor: after, limit }) =>
          selectsRows(info) ? findJobSchedules(deps.db.reads, { after, limit }) : [],
        () => 0,
      )
    },
  }),
)

builder.queryField('jobSchedule', (t) =>
  t.field({
    type: JobSchedule,
    nullable: true,
    authScopes: { right: 'readJobs' },
    description: 'The job schedule with this ID. Null when it does not exist.',
    args: { scheduleId: t.arg.string({ required: true, description: 'The schedule ID, case-sensitive.' }) },
    resolve: async (_root, { scheduleId }, { deps }) => {
      deps.throttles.take('jobOperations')
      return (await findJobSchedule(deps.db.reads, scheduleId)) ?? null
    },
  }),
)
