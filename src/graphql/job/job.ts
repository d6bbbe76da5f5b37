import { NotFoundError } from '../../errors.ts'
import type { Labels } from '../../job/naming.ts'
import { jobOutcome } from '../../job/state.ts'
import type { DeviceJobStatistics } from '../../job/statistics.ts'
import { findJobsById, type SelectedJob } from '../../job/store/job-list.ts'
import { findOperations, type OperationTexts } from '../../job/store/operations.ts'
import { asWritten, memoized } from '../../json/json-as-written.ts'
import type { JsonText } from '../../json/json-text.ts'
import { builder } from '../builder.ts'
import { readsColumns } from '../columns.ts'
import type { Context } from '../context.ts'
import { documentsPerParent } from '../loaders.ts'
import { existing, rowsByKey } from '../rows.ts'
import { resultsPath } from '../transport/results-export.ts'
import { selectsField } from '../transport/selects-field.ts'
import { JobOutcome, JobStatus, JobType } from './enums.ts'
import { hidden, isForeign, nullWhenForeign } from './foreign-job.ts'
import { countedWhenForeign, countVisible } from './visible-statistics.ts'

// The operation of a job stays text from the database to the answer, and is read only when a client selects it.

const operationsOf = documentsPerParent(
  async (db, _scope, jobIds, { documents }: { readonly documents: boolean }, _now, answer) => {
    if (!documents) return (await findOperations(db, jobIds, false, 0)).operations
    const { operations } = await answer.read((maxBytes) => findOperations(db, jobIds, true, maxBytes))
    return operations
  },
  ({ jobId }) => jobId,
)

async function operationOf(context: Context, jobId: string, documents: boolean): Promise<OperationTexts> {
  const [operation] = await operationsOf(context, jobId, { documents })
  if (operation === undefined) throw new NotFoundError('job', jobId)
  return operation
}

type Method = {
  readonly jobId: string
  /** Whether the payload is hidden from the viewer. */
  readonly isForeign: boolean
  readonly methodName: string
  readonly payload: JsonText | null
  readonly responseTimeoutInSeconds: number
  readonly connectTimeoutInSeconds: number
}

/** A method call, as it was stored. */
function methodIn({ jobId, methodName, payload, ...timeouts }: OperationTexts, isForeign: boolean): Method {
  const { responseTimeoutInSeconds, connectTimeoutInSeconds } = timeouts
  if (methodName === null || responseTimeoutInSeconds === null || connectTimeoutInSeconds === null) {
    throw new Error(`The job "${jobId}" has no whole method call.`)
  }
  const written = payload === null ? null : asWritten(payload)
  return { jobId, isForeign, methodName, payload: written, responseTimeoutInSeconds, connectTimeoutInSeconds }
}

/** A patch in the form of the input. All aliases of one row share the text. */
const patchIn = memoized(({ tags, desired }: OperationTexts): JsonText => {
  const members = [
    ...(tags === null ? [] : [`"tags":${tags}`]),
    ...(desired === null ? [] : [`"properties":{"desired":${desired}}`]),
  ]
  return asWritten(`{${members.join(',')}}`)
})

const CloudToDeviceMethod = builder.objectRef<Method>('CloudToDeviceMethod').implement({
  description: 'The direct method that a job calls.',
  fields: (t) => ({
    methodName: t.exposeString('methodName', { description: 'The method name.' }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'The payload of the call. Null when none was given, and with a field error FORBIDDEN for a job that was not scheduled under your scope.',
      resolve: ({ jobId, isForeign, payload }, _args, context) => {
        if (isForeign) throw hidden('payload', jobId, context)
        return payload
      },
    }),
    responseTimeoutInSeconds: t.exposeInt('responseTimeoutInSeconds', {
      description: 'Response timeout in seconds: how long a device may take to answer after it has received the call.',
    }),
    connectTimeoutInSeconds: t.exposeInt('connectTimeoutInSeconds', {
      description:
        'Connection timeout in seconds, counted from the start of the job: how long a device may take to connect. 0 means until the deadline of the job.',
    }),
  }),
})

/** Counters of device jobs. The columns of the row of a job have the same names. */
export const Statistics = builder.objectRef<DeviceJobStatistics>('DeviceJobStatistics').implement({
  description:
    'Number of device jobs by status. `deviceCount` is always the sum of the other counts except `refusedCount`, which is a part of `succeededCount`.',
  fields: (t) => ({
    deviceCount: t.exposeInt('deviceCount', { description: 'All device jobs. 0 until the job has started.' }),
    pendingCount: t.exposeInt('pendingCount', {
      description: 'Device jobs that wait for their turn, or for the device to connect.',
    }),
    runningCount: t.exposeInt('runningCount', { description: 'Device jobs whose call was sent and not answered yet.' }),
    succeededCount: t.exposeInt('succeededCount', {
      description: 'Device jobs that are done: the twin was patched, or the device answered, with any status.',
    }),
    refusedCount: t.exposeInt('refusedCount', {
      description:
        'Of `succeededCount`, the devices that answered with a status of 400 or more. IoT Hub counts them as succeeded, because the method ran.',
    }),
    failedCount: t.exposeInt('failedCount', { description: 'Device jobs that failed.' }),
    cancelledCount: t.exposeInt('cancelledCount', {
      description: 'Device jobs that were cancelled with the job before they had their turn.',
    }),
  }),
})

/** The columns behind `DeviceJobStatistics`. */
export const counters = [
  'deviceCount',
  'pendingCount',
  'runningCount',
  'succeededCount',
  'refusedCount',
  'failedCount',
  'cancelledCount',
] as const

/** The row of a job. */
export const ofJob = readsColumns<SelectedJob>

/** Reads the job with this ID, with the fields that the client selects. */
export const findJob = rowsByKey('Job', findJobsById, ({ id }) => id)

/** The same for a job that existed just now. */
export const readJob = existing('job', findJob)

type Label = { readonly name: string; readonly value: string }

const JobLabel = builder.objectRef<Label>('JobLabel').implement({
  description: 'A label of a job.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'The name of the label.' }),
    value: t.exposeString('value', { description: 'The value of the label.' }),
  }),
})

/** In the order of the names. */
const labelsIn = (labels: Labels | null): Label[] =>
  Object.entries(labels ?? {})
    .map(([name, value]) => ({ name, value }))
    .sort((one, other) => (one.name < other.name ? -1 : 1))

/** The row of a job, with its derived outcome. */
export const Job = builder.node(builder.objectRef<SelectedJob>('Job'), {
  id: { resolve: ({ id }) => id },
  loadWithoutCache: (id, context, info) => findJob(context, info, id),
  description: 'One operation, a method call or a twin update, on all devices that match a condition.',
  authScopes: { right: 'readJobs' },
  fields: (t) => ({
    jobId: t.exposeString('id', { description: 'The job ID, chosen by the client or generated by the hub.' }),
    name: t.exposeString('name', { nullable: true, description: 'What people call the job. Null without a name.' }),
    description: t.string({
      nullable: true,
      ...ofJob('description'),
      description: `What people should know about the job. Null without a description. ${nullWhenForeign}`,
      resolve: (job, _args, context) => (isForeign(job, context) ? null : job.description),
    }),
    labels: t.field({
      type: [JobLabel],
      ...ofJob('labels'),
      description: 'The labels of the job, by name. A retry has those of the job that it repeats.',
      resolve: ({ labels }) => labelsIn(labels),
    }),
    resultsUrl: t.string({
      ...ofJob('id'),
      description:
        'The path of the results of all its devices at the hub, as JSON lines, or as CSV with `?format=csv`. GET takes the same `Authorization` as GraphQL.',
      resolve: ({ id }) => resultsPath(id),
    }),
    type: t.field({
      type: JobType,
      ...ofJob('type'),
      description: 'The operation of the job.',
      resolve: ({ type }) => type,
    }),
    status: t.field({
      type: JobStatus,
      ...ofJob('status'),
      description: 'The status of the job.',
      resolve: ({ status }) => status,
    }),
    outcome: t.field({
      type: JobOutcome,
      nullable: true,
      ...ofJob('status', 'endTime', ...counters),
      description: `The outcome of the job. Null until it has ended. ${countedWhenForeign}`,
      resolve: (job, _args, context) => {
        const outcome = (statistics: DeviceJobStatistics) => jobOutcome(job.status, job.endTime !== null, statistics)
        // The outcome of other jobs does not depend on their devices.
        const isCounted = job.endTime !== null && job.status === 'completed' && isForeign(job, context)
        return isCounted ? countVisible(job, context).then(outcome) : outcome(job)
      },
    }),
    version: t.exposeInt('version', {
      description:
        'The version of the job. Every change of it or of its device jobs increases it, so of two states the one with the higher version is newer.',
    }),
    queryCondition: t.exposeString('queryCondition', {
      description: 'The condition that selects the devices, as it was given.',
    }),
    createdTime: t.expose('createdTime', { type: 'DateTime', description: 'When the job was created.' }),
    startTime: t.expose('startTime', { type: 'DateTime', description: 'The requested start time.' }),
    startedTime: t.expose('startedTime', {
      type: 'DateTime',
      nullable: true,
      description:
        'When the job started and its device list was frozen. Later than `startTime` when the job waited for other jobs. Null until it has started.',
    }),
    endTime: t.expose('endTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When the job ended. A cancelled job ends when its calls in progress have ended. Null until then.',
    }),
    deadline: t.expose('deadline', {
      type: 'DateTime',
      description:
        '`startTime` plus `maxExecutionTimeInSeconds`, also for a job that was paused. Device jobs that have not ended by then fail.',
    }),
    maxExecutionTimeInSeconds: t.exposeInt('maxExecutionTimeSeconds', {
      description: 'Maximum execution time in seconds, counted from `startTime`.',
    }),
    maxDevices: t.int({
      nullable: true,
      ...ofJob('maxDevices'),
      description: `Maximum number of devices, as given in \`expect\` when the job was scheduled. With more devices, the job fails at its start. Null for no maximum. ${nullWhenForeign}`,
      resolve: (job, _args, context) => (isForeign(job, context) ? null : job.maxDevices),
    }),
    matchedCount: t.int({
      nullable: true,
      ...ofJob('matchedCount'),
      description: `Number of devices that met the condition when the job should have started, for a job that failed because there were more than \`maxDevices\`. Null for all other jobs. ${nullWhenForeign}`,
      resolve: (job, _args, context) => (isForeign(job, context) ? null : job.matchedCount),
    }),
    cloudToDeviceMethod: t.field({
      type: CloudToDeviceMethod,
      nullable: true,
      ...ofJob('id', 'type'),
      description: 'The method that the job calls. Null for twin updates.',
      resolve: async (job, _args, context, info) => {
        if (job.type !== 'scheduleDeviceMethod') return null
        const isHidden = isForeign(job, context)
        return methodIn(await operationOf(context, job.id, !isHidden && selectsField(info, 'payload')), isHidden)
      },
    }),
    updateTwin: t.field({
      type: 'JSON',
      nullable: true,
      ...ofJob('id', 'type'),
      description:
        'The patch that the job merges, `{ tags, properties: { desired } }`. Null for method calls. A field error FORBIDDEN for a job that was not scheduled under your scope.',
      resolve: async (job, _args, context) => {
        if (job.type !== 'scheduleUpdateTwin') return null
        if (isForeign(job, context)) throw hidden('patch', job.id, context)
        return patchIn(await operationOf(context, job.id, true))
      },
    }),
    failureReason: t.string({
      nullable: true,
      ...ofJob('failureReason'),
      description: `The reason why the job as a whole failed. Null when it has not failed. ${nullWhenForeign}`,
      resolve: (job, _args, context) => (isForeign(job, context) ? null : job.failureReason),
    }),
    statusMessage: t.string({
      nullable: true,
      ...ofJob('statusMessage'),
      description: `The reason that was given for the cancellation. For a job that an abort rule cancelled, what the rule counted. Null when there is no reason. ${nullWhenForeign}`,
      resolve: (job, _args, context) => (isForeign(job, context) ? null : job.statusMessage),
    }),
    deviceJobStatistics: t.field({
      type: Statistics,
      nullable: true,
      ...ofJob(...counters),
      description: `The progress of the job: number of device jobs by status. ${countedWhenForeign}`,
      resolve: (job, _args, context) => (isForeign(job, context) ? countVisible(job, context) : job),
    }),
  }),
})

builder.queryField('job', (t) =>
  t.field({
    type: Job,
    nullable: true,
    authScopes: { right: 'readJobs' },
    description: 'The job with this ID. Null when it does not exist or is no longer kept.',
    args: { jobId: t.arg.string({ required: true, description: 'The job ID, case-sensitive.' }) },
    resolve: (_root, { jobId }, context, info) => findJob(context, info, jobId),
  }),
)
