import { randomUUID } from 'node:crypto'
import {
  AlreadyExistsError,
  ConflictError,
  ExpectationFailedError,
  InvalidInputError,
  NotFoundError,
  QueryConditionError,
} from '../../errors.ts'
import { scheduleJob } from '../../job/commands.ts'
import { requestOf } from '../../job-template/commands.ts'
import { builder } from '../builder.ts'
import { askerOf } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { JobExpectationInput, namingFields } from '../job/input.ts'
import { jobDetail } from '../job/job-detail.ts'
import { ScheduleJobPayload } from '../job/schedule-job.ts'
import { mayFail } from '../may-fail.ts'

const ScheduleFromTemplateInput = builder.inputType('ScheduleFromTemplateInput', {
  description: 'A job of a template. Members that are omitted or null are those of the template.',
  fields: (t) => ({
    templateId: t.string({ required: true, description: 'The template ID.' }),
    jobId: t.string({
      description:
        'The job ID: up to 64 letters, digits and dashes, unique among all jobs that are kept. Generated when omitted.',
    }),
    startTime: t.field({
      type: 'DateTime',
      description:
        'When to start the job: at most 30 days ahead. The job starts now when this is omitted or in the past.',
    }),
    queryCondition: t.string({
      description: 'The condition that selects the devices, instead of that of the template.',
    }),
    maxExecutionTimeInSeconds: t.int({
      description: 'Maximum execution time, counted from `startTime`: 1 to 2592000 seconds (30 days).',
    }),
    expect: t.field({
      type: JobExpectationInput,
      description:
        'The result of a preview that must still hold, so that the job does not target other devices than the client has seen.',
    }),
    ...namingFields(t),
  }),
})

builder.mutationField('scheduleFromTemplate', (t) =>
  t.field({
    type: resultUnion(
      'ScheduleFromTemplateResult',
      ScheduleJobPayload,
      [
        NotFoundError,
        InvalidInputError,
        QueryConditionError,
        AlreadyExistsError,
        ExpectationFailedError,
        ConflictError,
      ],
      'The result of `scheduleFromTemplate`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.jobId ?? null,
      detail: ({ input: { templateId, queryCondition } }) => ({
        templateId,
        ...(queryCondition != null && { queryCondition }),
      }),
      withId: ({ input }) => ({ input: { ...input, jobId: input.jobId ?? randomUUID() } }),
    },
    ...mayFail(
      'Schedules a job of a template. The job selects devices in your scope, whoever made the template. A NotFoundError for an unknown template, a ConflictError because of `onOverlap`.',
    ),
    args: {
      input: t.arg({
        type: ScheduleFromTemplateInput,
        required: true,
        description: 'The template, and what is different in this job.',
      }),
    },
    resolve: async (_root, { input: { templateId, ...overrides } }, context) => {
      const { deps, viewer, note } = context
      deps.throttles.take('jobOperations')
      const { request, templateChangedBy } = await requestOf(deps, deps.db.reads, templateId, overrides)
      const { cloudToDeviceMethod, updateTwin, targets, onOverlap, rollout } = request
      note?.(jobDetail({ cloudToDeviceMethod, updateTwin, targets, onOverlap, rollout }))
      return { jobId: await scheduleJob(deps, viewer, request, askerOf(context), templateChangedBy) }
    },
  }),
)
