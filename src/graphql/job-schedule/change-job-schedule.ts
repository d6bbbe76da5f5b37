import {
  AlreadyExistsError,
  ConflictError,
  InvalidInputError,
  NotFoundError,
  QueryConditionError,
} from '../../errors.ts'
import {
  createJobSchedule,
  deleteJobSchedule,
  pauseJobSchedule,
  resumeJobSchedule,
} from '../../job-schedule/commands.ts'
import { findJobSchedule } from '../../job-schedule/store.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { encodeNodeId } from '../node-id.ts'
import { JobSchedule, ScheduleMissedPolicy, ScheduleOverlapPolicy } from './job-schedule.ts'

/** Validated by job-schedule/schedule.ts. */
const CreateJobScheduleInput = builder.inputType('CreateJobScheduleInput', {
  description: 'The job schedule to create.',
  fields: (t) => ({
    scheduleId: t.string({
      required: true,
      description: 'The schedule ID: up to 48 letters, digits and dashes. The IDs of its jobs begin with it.',
    }),
    templateId: t.string({ required: true, description: 'The ID of the template of its jobs.' }),
    cron: t.string({
      required: true,
      description:
        'The planned times: minute, hour, day of month, month and day of week, such as `30 2 * * MON-FRI`. A day must meet the day of month or the day of week when both are given.',
    }),
    timeZone: t.string({
      required: true,
      description:
        'The time zone of `cron`, by its name in the IANA database, such as `Europe/Berlin` or `UTC`. When clocks go forward, a time that does not exist is moved to the end of the gap. When they go back, a time of day that occurs twice is planned once, but `*` in the hours takes both hours.',
    }),
    endTime: t.field({ type: 'DateTime', description: 'No job is scheduled after this time. No end when omitted.' }),
    onMissed: t.field({
      type: ScheduleMissedPolicy,
      defaultValue: 'skip',
      description: 'What to do about planned times at which no hub could run the schedule.',
    }),
    onOverlap: t.field({
      type: ScheduleOverlapPolicy,
      defaultValue: 'skip',
      description: 'What to do at a planned time at which one of its jobs has not ended.',
    }),
    description: t.string({ description: 'What people should know about the schedule: at most 2000 characters.' }),
  }),
})

const idInput = (name: string, description: string) =>
  builder.inputType(name, {
    description,
    fields: (t) => ({ scheduleId: t.string({ required: true, description: 'The schedule ID.' }) }),
  })

const PauseJobScheduleInput = idInput('PauseJobScheduleInput', 'The job schedule to pause.')
const ResumeJobScheduleInput = idInput('ResumeJobScheduleInput', 'The job schedule to resume.')
const DeleteJobScheduleInput = idInput('DeleteJobScheduleInput', 'The job schedule to delete.')

type Changed = { readonly scheduleId: string }

const withSchedule = (name: string, description: string) =>
  builder.objectRef<Changed>(name).implement({
    description,
    fields: (t) => ({
      jobSchedule: t.field({
        type: JobSchedule,
        ...mayFail('The job schedule after the change.'),
        // The change is committed: an outage during this read must not look like a failure of the mutation.
        resolve: async ({ scheduleId }, _args, context) => {
          const schedule = await readThroughOutage(context, () => findJobSchedule(context.deps.db.reads, scheduleId))
          if (schedule !== undefined) return schedule
          throw new NotFoundError('job schedule', scheduleId, 'The job schedule was deleted in the meantime.')
        },
      }),
    }),
  })

const CreateJobSchedulePayload = withSchedule('CreateJobSchedulePayload', 'The job schedule is created.')
const PauseJobSchedulePayload = withSchedule(
  'PauseJobSchedulePayload',
  'The job schedule schedules nothing until it is resumed. Its jobs go on.',
)
const ResumeJobSchedulePayload = withSchedule(
  'ResumeJobSchedulePayload',
  'The job schedule is active again. Times during the pause are not made up for.',
)

const DeleteJobSchedulePayload = builder.objectRef<Changed>('DeleteJobSchedulePayload').implement({
  description: 'The job schedule is deleted. Its jobs stay.',
  fields: (t) => ({
    scheduleId: t.exposeString('scheduleId', { description: 'The schedule ID.' }),
    id: t.id({
      description: 'The global ID of the deleted job schedule, for client caches.',
      resolve: ({ scheduleId }) => encodeNodeId('JobSchedule', scheduleId),
    }),
  }),
})

builder.mutationField('createJobSchedule', (t) =>
  t.field({
    type: resultUnion(
      'CreateJobScheduleResult',
      CreateJobSchedulePayload,
      [InvalidInputError, QueryConditionError, NotFoundError, AlreadyExistsError, ConflictError],
      'The result of `createJobSchedule`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.scheduleId,
      detail: ({ input: { templateId, cron, timeZone } }) => ({ templateId, cron, timeZone }),
    },
    ...mayFail(
      'Creates a job schedule. Its jobs are scheduled on your behalf and select devices in your scope. Before each job, the hub checks what your policy or your roles allow then; when they no longer allow it, the schedule is paused. A ConflictError when there are as many schedules as allowed.',
    ),
    args: { input: t.arg({ type: CreateJobScheduleInput, required: true, description: 'The job schedule.' }) },
    resolve: async (_root, { input }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      const { onMissed, onOverlap } = input
      await createJobSchedule(deps, viewer, { ...input, onMissed: onMissed ?? 'skip', onOverlap: onOverlap ?? 'skip' })
      return { scheduleId: input.scheduleId }
    },
  }),
)

builder.mutationField('pauseJobSchedule', (t) =>
  t.field({
    type: resultUnion(
      'PauseJobScheduleResult',
      PauseJobSchedulePayload,
      [NotFoundError, ConflictError],
      'The result of `pauseJobSchedule`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.scheduleId },
    ...mayFail('Pauses a job schedule. A ConflictError when it is not active.'),
    args: { input: t.arg({ type: PauseJobScheduleInput, required: true, description: 'The job schedule.' }) },
    resolve: (_root, { input }, context) => change(context, input, pauseJobSchedule),
  }),
)

builder.mutationField('resumeJobSchedule', (t) =>
  t.field({
    type: resultUnion(
      'ResumeJobScheduleResult',
      ResumeJobSchedulePayload,
      [NotFoundError, ConflictError],
      'The result of `resumeJobSchedule`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.scheduleId },
    ...mayFail(
      'Resumes a job schedule that a client or the hub has paused. From then on, its jobs are scheduled on your behalf. They select devices in the same scope as before. A ConflictError when it is not paused.',
    ),
    args: { input: t.arg({ type: ResumeJobScheduleInput, required: true, description: 'The job schedule.' }) },
    resolve: (_root, { input }, context) => change(context, input, resumeJobSchedule),
  }),
)

builder.mutationField('deleteJobSchedule', (t) =>
  t.field({
    type: resultUnion(
      'DeleteJobScheduleResult',
      DeleteJobSchedulePayload,
      [NotFoundError],
      'The result of `deleteJobSchedule`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.scheduleId },
    ...mayFail('Deletes a job schedule and the list of its runs. Its jobs stay.'),
    args: { input: t.arg({ type: DeleteJobScheduleInput, required: true, description: 'The job schedule.' }) },
    resolve: (_root, { input }, context) => change(context, input, deleteJobSchedule),
  }),
)

async function change(
  { deps, viewer }: Context,
  { scheduleId }: Changed,
  command: (deps: Context['deps'], by: Context['viewer'], id: string) => Promise<void>,
): Promise<Changed> {
  deps.throttles.take('jobOperations')
  await command(deps, viewer, scheduleId)
  return { scheduleId }
}
