import { astFromValue, type GraphQLResolveInfo, isInputType, valueFromASTUntyped } from 'graphql'
import { NotFoundError } from '../../errors.ts'
import { etagOf } from '../../etag.ts'
import { findOperations, type OperationTexts } from '../../job/store/operations.ts'
import { findJobTemplate, findJobTemplates, type TemplateRow } from '../../job-template/store.ts'
import { builder } from '../builder.ts'
import { forwardArguments, type KeysetList, pageComplexity, resolvePage, selectsRows } from '../connection.ts'
import type { Context } from '../context.ts'
import { JobOverlapPolicy, JobTargets, JobType } from '../job/enums.ts'
import { JobLabel, labelsIn } from '../job/label.ts'
import { CloudToDeviceMethod, methodIn, patchIn } from '../job/operation.ts'
import { documentsPerParent } from '../loaders.ts'
import { mayFail } from '../may-fail.ts'
import { selectsField } from '../transport/selects-field.ts'

const operationsOf = documentsPerParent(
  async (db, _scope, ids, { documents }: { readonly documents: boolean }, _now, answer) => {
    if (!documents) return (await findOperations(db, 'job_template', ids, false, 0)).operations
    const { operations } = await answer.read((maxBytes) => findOperations(db, 'job_template', ids, true, maxBytes))
    return operations
  },
  ({ jobId }) => jobId,
)

async function operationOf(context: Context, id: string, documents: boolean): Promise<OperationTexts> {
  const [operation] = await operationsOf(context, id, { documents })
  if (operation === undefined) throw new NotFoundError('job template', id)
  return operation
}

/** A value of an input type in the form in which a client writes it: enum values by their names. */
function asGiven(value: unknown, typeName: string, { schema }: GraphQLResolveInfo): unknown {
  const type = schema.getType(typeName)
  if (!isInputType(type)) throw new Error(`${typeName} is no type of inputs.`)
  const written = astFromValue(value, type)
  return written ? valueFromASTUntyped(written) : null
}

export const JobTemplate = builder.node(builder.objectRef<TemplateRow>('JobTemplate'), {
  id: { resolve: ({ id }) => id },
  loadWithoutCache: (id, { deps }) => findJobTemplate(deps.db, id),
  description:
    'What the jobs of `scheduleFromTemplate` and of schedules have in common. A job takes a copy: later changes of its template do not affect it.',
  authScopes: { right: 'readJobs' },
  fields: (t) => ({
    templateId: t.exposeString('id', { description: 'The template ID.' }),
    name: t.exposeString('name', { nullable: true, description: 'The name of the jobs. Null without a name.' }),
    description: t.exposeString('description', {
      nullable: true,
      description: 'The description of the jobs. Null without a description.',
    }),
    labels: t.field({
      type: [JobLabel],
      description: 'The labels of the jobs, by name.',
      resolve: ({ labels }) => labelsIn(labels),
    }),
    type: t.expose('type', { type: JobType, description: 'The operation of the jobs.' }),
    queryCondition: t.exposeString('queryCondition', {
      description:
        'The condition that selects the devices, as it was given. The conditions of its device groups are put in when a job is scheduled.',
    }),
    maxExecutionTimeInSeconds: t.exposeInt('maxExecutionTimeSeconds', {
      description: 'Maximum execution time of the jobs in seconds, counted from their start time.',
    }),
    targets: t.field({
      type: JobTargets,
      description: 'When the jobs select their devices.',
      resolve: ({ targets }) => targets,
    }),
    onOverlap: t.expose('onOverlap', {
      type: JobOverlapPolicy,
      description: 'What the jobs do when other jobs have some of the same devices.',
    }),
    cloudToDeviceMethod: t.field({
      type: CloudToDeviceMethod,
      nullable: true,
      description: 'The method that the jobs call. Null for twin updates.',
      resolve: async ({ id, type }, _args, context, info) =>
        type === 'scheduleDeviceMethod'
          ? methodIn(await operationOf(context, id, selectsField(info, 'payload')), false)
          : null,
    }),
    updateTwin: t.field({
      type: 'JSON',
      nullable: true,
      description: 'The patch that the jobs merge, `{ tags, properties: { desired } }`. Null for method calls.',
      resolve: async ({ id, type }, _args, context) =>
        type === 'scheduleUpdateTwin' ? patchIn(await operationOf(context, id, true)) : null,
    }),
    skipCompliant: t.exposeBoolean('skipCompliant', {
      description: 'Whether the jobs skip devices whose twins the patch would not change. False for method calls.',
    }),
    rollout: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'How the jobs proceed through their devices, in the form of `JobRolloutInput`. Null when nothing was given.',
      resolve: ({ rollout }, _args, _context, info) => asGiven(rollout, 'JobRolloutInput', info),
    }),
    etag: t.string({
      description: 'The etag, for `ifMatch`. Changes with each change of the template.',
      resolve: ({ etagVersion }) => etagOf(etagVersion),
    }),
    createdTime: t.expose('createdTime', { type: 'DateTime', description: 'When it was created.' }),
    updatedTime: t.expose('updatedTime', { type: 'DateTime', description: 'When it was last changed.' }),
    updatedBy: t.exposeString('updatedBy', { description: 'The name of the person or policy that last changed it.' }),
  }),
})

const templatesById: KeysetList<TemplateRow, string> = {
  name: 'jobTemplates',
  keysOf: ({ id }) => [id],
  parseKeys: ([id, ...others]) => (others.length === 0 ? id : undefined),
}

const JobTemplateConnection = builder.connectionObject(
  { type: JobTemplate, name: 'JobTemplateConnection', description: 'A page of job templates, by ID.' },
  { name: 'JobTemplateEdge', description: 'A job template on a page, with its cursor.' },
)

builder.queryField('jobTemplates', (t) =>
  t.field({
    type: JobTemplateConnection,
    authScopes: { right: 'readJobs' },
    complexity: (args) => pageComplexity(args),
    ...mayFail('All job templates, by ID.'),
    args: forwardArguments(),
    resolve: (_root, page, { deps }, info) => {
      deps.throttles.take('jobOperations')
      return resolvePage(
        templatesById,
        page,
        async ({ cursor: after, limit }) => (selectsRows(info) ? findJobTemplates(deps.db, { after, limit }) : []),
        () => 0,
      )
    },
  }),
)

builder.queryField('jobTemplate', (t) =>
  t.field({
    type: JobTemplate,
    nullable: true,
    authScopes: { right: 'readJobs' },
    description: 'The job template with this ID. Null when it does not exist.',
    args: { templateId: t.arg.string({ required: true, description: 'The template ID, case-sensitive.' }) },
    resolve: (_root, { templateId }, { deps }) => {
      deps.throttles.take('jobOperations')
      return findJobTemplate(deps.db, templateId)
    },
  }),
)
