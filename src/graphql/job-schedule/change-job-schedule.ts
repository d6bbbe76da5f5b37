import {
  AlreadyExistsError,
  ConflictError,
  InvalidInputError,
  NotFoundError,
  PreconditionError,
  QueryConditionError,
} from '../../errors.ts'
import {
  createJobSchedule,
  deleteJobSchedule,
  pauseJobSchedule,
  resumeJobSchedule,
  updateJobSchedule,
} from '../../job-schedule/commands.ts'
import { findJobSchedule } from '../../job-schedule/store.ts'
import type { JsonObject } from '../../json/json.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { encodeNodeId } from '../node-id.ts'
import { JobSchedule, ScheduleMissedPolicy, ScheduleOverlapPolicy } from './job-schedule.ts'

/** What the members of inputs mean. */
const says = {
  cron: 'The planned times: minute, hour, day of month, month and day of week, such as `30 2 * * MON-FRI`. A day must meet the day of month or the day of week when both are given.',
  timeZone:
    'The time zone of `cron`, by its name in the IANA database, such as `Europe/Berlin` or `UTC`. When clocks go forward, a time that does not exist is moved to the end of the gap. When they go back, a time of day that occurs twice is planned once, but `*` in the hours takes both hours.',
  endTime: 'No job is scheduled after this time.',
  onMissed: 'What to do about planned times at which no hub could run the schedule.',
  onOverlap: 'What to do at a planned time at which one of its jobs has not ended.',
  description: 'What people should know about the schedule: at most 2000 characters.',
} as const

/** Validated by job-schedule/schedule.ts. */
const CreateJobScheduleInput = builder.inputType('CreateJobScheduleInput', {
  description: 'The job schedule to create.',
  fields: (t) => ({
    scheduleId: t.string({
      required: true,
      description: 'The schedule ID: up to 48 letters, digits and dashes. The IDs of its jobs begin with it.',
    }),
    templateId: t.string({ required: true, description: 'The ID of the template of its jobs.' }),
    cron: t.string({ required: true, description: says.cron }),
    timeZone: t.string({ required: true, description: says.timeZone }),
    endTime: t.field({ type: 'DateTime', description: `${says.endTime} No end when omitted.` }),
    onMissed: t.field({ type: ScheduleMissedPolicy, defaultValue: 'skip', description: says.onMissed }),
    onOverlap: t.field({ type: ScheduleOverlapPolicy, defaultValue: 'skip', description: says.onOverlap }),
    description: t.string({ description: says.description }),
  }),
})

/** Validated by job-schedule/schedule.ts. */
const UpdateJobScheduleInput = builder.inputType('UpdateJobScheduleInput', {
  description:
    'The job schedule to change. What is omitted stays as it is. Null removes `endTime` or `description`, and leaves all else as it is.',
  fields: (t) => ({
    scheduleId: t.string({ required: true, description: 'The schedule ID.' }),
    ifMatch: t.string({ description: 'The etag that the schedule must have. Any when omitted.' }),
    templateId: t.string({ description: 'The ID of the template of its jobs.' }),
    cron: t.string({ description: says.cron }),
    timeZone: t.string({ description: says.timeZone }),
    endTime: t.field({ type: 'DateTime', description: says.endTime }),
    onMissed: t.field({ type: ScheduleMissedPolicy, description: says.onMissed }),
    onOverlap: t.field({ type: ScheduleOverlapPolicy, description: says.onOverlap }),
    description: t.string({ description: says.description }),
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
const UpdateJobSchedulePayload = withSchedule('UpdateJobSchedulePayload', 'The job schedule is changed. Its jobs stay.')
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

type Given = {
  readonly templateId?: string | null | undefined
  readonly cron?: string | null | undefined
  readonly timeZone?: string | null | undefined
}

/** What is given of the template and the times, as the audit keeps it: a request that is refused has an entry, too. */
const recurrenceDetail = ({ templateId, cron, timeZone }: Given): JsonObject =>
  Object.fromEntries(
    Object.entries({ templateId, cron, timeZone }).flatMap(([name, value]) =>
      value == null ? [] : [[name, value.slice(0, 256)]],
    ),
  )

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
      detail: ({ input }) => recurrenceDetail(input),
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

builder.mutationField('updateJobSchedule', (t) =>
  t.field({
    type: resultUnion(
      'UpdateJobScheduleResult',
      UpdateJobSchedulePayload,
      [NotFoundError, PreconditionError, InvalidInputError, QueryConditionError],
      'The result of `updateJobSchedule`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.scheduleId,
      detail: ({ input: { scheduleId: _id, ifMatch: _etag, ...given } }) => ({
        changes: Object.entries(given).flatMap(([name, value]) => (value === undefined ? [] : [name])),
        ...recurrenceDetail(given),
      }),
    },
    ...mayFail(
      'Changes a job schedule. From then on, its jobs are scheduled on your behalf. They select devices in the same scope as before. When its times change, the next one is the first that is ahead, also when it had ended; a paused schedule stays paused. A NotFoundError for an unknown schedule or template.',
    ),
    args: { input: t.arg({ type: UpdateJobScheduleInput, required: true, description: 'The change.' }) },
    resolve: async (_root, { input: { scheduleId, ifMatch, ...given } }, { deps, viewer }) => {
      deps.throttles.take('jobOperations')
      await updateJobSchedule(deps, viewer, scheduleId, given, ifMatch)
      return { scheduleId }
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
