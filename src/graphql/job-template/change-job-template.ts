import {
  AlreadyExistsError,
  ConflictError,
  InvalidInputError,
  NotFoundError,
  PreconditionError,
  QueryConditionError,
} from '../../errors.ts'
import { createJobTemplate, deleteJobTemplate, updateJobTemplate } from '../../job-template/commands.ts'
import { findJobTemplate } from '../../job-template/store.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { TwinPatchInput } from '../device/twin-patch.ts'
import { resultUnion } from '../errors.ts'
import { requireAllDevices } from '../forbidden.ts'
import { JobOverlapPolicy, JobTargets } from '../job/enums.ts'
import { CloudToDeviceMethodInput, namingFields, skipCompliant } from '../job/input.ts'
import { jobDetail } from '../job/job-detail.ts'
import { JobRolloutInput } from '../job/rollout-input.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { encodeNodeId } from '../node-id.ts'
import { JobTemplate } from './job-template.ts'

type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

const templateId = 'The template ID: up to 64 letters, digits and dashes.'
const queryCondition =
  "The condition that selects the devices of each job. `*` selects all devices. With `group('…')`, the condition of a device group is put in when a job is scheduled. At most 8192 characters."
const maxExecutionTimeInSeconds =
  'Maximum execution time, counted from the start time of a job: 1 to 2592000 seconds (30 days).'

const operationFields = (t: InputFields) => ({
  cloudToDeviceMethod: t.field({
    type: CloudToDeviceMethodInput,
    description: 'The method to call. Instead of `updateTwin`.',
  }),
  updateTwin: t.field({
    type: TwinPatchInput,
    description: 'The patch to merge into each twin. Instead of `cloudToDeviceMethod`.',
  }),
  skipCompliant: t.boolean({ description: `${skipCompliant} Only with \`updateTwin\`.` }),
  targets: t.field({
    type: JobTargets,
    description: 'When the jobs select their devices. AT_START when omitted at the creation.',
  }),
  onOverlap: t.field({
    type: JobOverlapPolicy,
    description:
      'What the jobs do when other jobs have some of the same devices. PARALLEL when omitted at the creation. A job schedule may say otherwise.',
  }),
  rollout: t.field({ type: JobRolloutInput, description: 'How the jobs proceed through their devices.' }),
  ...namingFields(t),
})

/** Validated by job-template/template.ts. */
const CreateJobTemplateInput = builder.inputType('CreateJobTemplateInput', {
  description: 'The job template to create: with either `cloudToDeviceMethod` or `updateTwin`.',
  fields: (t) => ({
    templateId: t.string({ required: true, description: templateId }),
    queryCondition: t.string({ required: true, description: queryCondition }),
    maxExecutionTimeInSeconds: t.int({ defaultValue: 3600, description: maxExecutionTimeInSeconds }),
    ...operationFields(t),
  }),
})

/** Validated by job-template/template.ts. */
const UpdateJobTemplateInput = builder.inputType('UpdateJobTemplateInput', {
  description:
    'The job template to change. What is omitted stays as it is. Null removes a name, a description, all labels or the rollout, and leaves `maxExecutionTimeInSeconds` as it is. A template that gets the other operation loses the one that it had.',
  fields: (t) => ({
    templateId: t.string({ required: true, description: 'The template ID.' }),
    ifMatch: t.string({ description: 'The etag that the template must have. Any when omitted.' }),
    queryCondition: t.string({ description: queryCondition }),
    maxExecutionTimeInSeconds: t.int({ description: maxExecutionTimeInSeconds }),
    ...operationFields(t),
  }),
})

const DeleteJobTemplateInput = builder.inputType('DeleteJobTemplateInput', {
  description: 'The job template to delete.',
  fields: (t) => ({
    templateId: t.string({ required: true, description: 'The template ID.' }),
    ifMatch: t.string({ description: 'The etag that the template must have. Any when omitted.' }),
  }),
})

const withTemplate = (name: string, description: string) =>
  builder.objectRef<{ readonly templateId: string }>(name).implement({
    description,
    fields: (t) => ({
      jobTemplate: t.field({
        type: JobTemplate,
        ...mayFail('The job template after the change.'),
        // The change is committed: an outage during this read must not look like a failure of the mutation.
        resolve: async ({ templateId: id }, _args, context) => {
          const template = await readThroughOutage(context, () => findJobTemplate(context.deps.db, id))
          if (template !== null) return template
          throw new NotFoundError('job template', id, 'The job template was deleted in the meantime.')
        },
      }),
    }),
  })

const CreateJobTemplatePayload = withTemplate('CreateJobTemplatePayload', 'The job template is created.')
const UpdateJobTemplatePayload = withTemplate(
  'UpdateJobTemplatePayload',
  'The job template is changed. Jobs that were scheduled from it stay as they are.',
)

const DeleteJobTemplatePayload = builder
  .objectRef<{ readonly templateId: string }>('DeleteJobTemplatePayload')
  .implement({
    description: 'The job template is deleted. Jobs that were scheduled from it stay as they are.',
    fields: (t) => ({
      templateId: t.exposeString('templateId', { description: 'The template ID.' }),
      id: t.id({
        description: 'The global ID of the deleted job template, for client caches.',
        resolve: ({ templateId: id }) => encodeNodeId('JobTemplate', id),
      }),
    }),
  })

/** A template of everybody must not be changed by one who sees some devices only: others use it for all of theirs. */
function admit({ deps, viewer }: Context): void {
  requireAllDevices(viewer, 'Job templates are for the devices of all. They can be changed only without a scope.')
  deps.throttles.take('jobOperations')
}

builder.mutationField('createJobTemplate', (t) =>
  t.field({
    type: resultUnion(
      'CreateJobTemplateResult',
      CreateJobTemplatePayload,
      [InvalidInputError, QueryConditionError, AlreadyExistsError, ConflictError],
      'The result of `createJobTemplate`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.templateId,
      detail: ({ input }) => jobDetail(input),
    },
    ...mayFail(
      'Creates a job template. A QueryConditionError when a device group of its condition does not exist, an InvalidInputError when one of the condition of a wave does not. A ConflictError when there are as many templates as allowed. Requires no scope.',
    ),
    args: { input: t.arg({ type: CreateJobTemplateInput, required: true, description: 'The job template.' }) },
    resolve: async (_root, { input }, context) => {
      admit(context)
      await createJobTemplate(context.deps, context.viewer, input)
      return { templateId: input.templateId }
    },
  }),
)

builder.mutationField('updateJobTemplate', (t) =>
  t.field({
    type: resultUnion(
      'UpdateJobTemplateResult',
      UpdateJobTemplatePayload,
      [NotFoundError, PreconditionError, InvalidInputError, QueryConditionError],
      'The result of `updateJobTemplate`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: {
      target: ({ input }) => input.templateId,
      detail: ({ input: { templateId: _id, ifMatch: _etag, ...change } }) => ({
        changes: Object.entries(change).flatMap(([name, value]) => (value === undefined ? [] : [name])),
        ...jobDetail(change),
      }),
    },
    ...mayFail(
      'Changes a job template. Jobs that were scheduled from it stay as they are; schedules use it as it is now. Requires no scope.',
    ),
    args: { input: t.arg({ type: UpdateJobTemplateInput, required: true, description: 'The change.' }) },
    resolve: async (_root, { input: { templateId: id, ifMatch, ...change } }, context) => {
      admit(context)
      await updateJobTemplate(context.deps, context.viewer, id, change, ifMatch)
      return { templateId: id }
    },
  }),
)

builder.mutationField('deleteJobTemplate', (t) =>
  t.field({
    type: resultUnion(
      'DeleteJobTemplateResult',
      DeleteJobTemplatePayload,
      [NotFoundError, PreconditionError, ConflictError],
      'The result of `deleteJobTemplate`.',
    ),
    authScopes: { right: 'writeJobs' },
    audit: { target: ({ input }) => input.templateId },
    ...mayFail('Deletes a job template. A ConflictError while a job schedule uses it. Requires no scope.'),
    args: { input: t.arg({ type: DeleteJobTemplateInput, required: true, description: 'The job template.' }) },
    resolve: async (_root, { input: { templateId: id, ifMatch } }, context) => {
      admit(context)
      await deleteJobTemplate(context.deps, id, ifMatch)
      return { templateId: id }
    },
  }),
)
