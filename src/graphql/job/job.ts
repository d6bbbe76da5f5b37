import { NotFoundError } from '../../errors.ts'
import { jobOutcome } from '../../job/state.ts'
import type { DeviceJobStatistics } from '../../job/statistics.ts'
import { findOperations, type OperationTexts } from '../../job/store/operations.ts'
import type { JsonText } from '../../json/json-text.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { perParent } from '../loaders.ts'
import { memberOf } from '../member.ts'
import { mentions } from '../transport/mentions.ts'
import { asWritten, memoized } from '../transport/written.ts'
import { JobOutcome, JobStatus, JobType, jobStatuses, jobTypes } from './enums.ts'

// What it does stays text from the database to the answer, and is read when it is asked for only.

const operationsOf = perParent(
  async (db, jobIds, { documents }: { readonly documents: boolean }, _now, answer) => {
    if (documents) await answer.enter()
    const { operations, bytes } = await findOperations(db, jobIds, documents, answer.left)
    answer.take(bytes)
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
  readonly methodName: string
  readonly payload: JsonText | null
  readonly responseTimeoutInSeconds: number
  readonly connectTimeoutInSeconds: number
}

/** A call as it was stored, whole. */
function methodIn({ jobId, methodName, payload, ...timeouts }: OperationTexts): Method {
  const { responseTimeoutInSeconds, connectTimeoutInSeconds } = timeouts
  if (methodName === null || responseTimeoutInSeconds === null || connectTimeoutInSeconds === null) {
    throw new Error(`The job "${jobId}" has no whole method call.`)
  }
  const written = payload === null ? null : asWritten(payload)
  return { methodName, payload: written, responseTimeoutInSeconds, connectTimeoutInSeconds }
}

/** A patch in the form in which it is given, the same text for all names by which a client asks for it. */
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
    methodName: t.exposeString('methodName', { description: 'Its name, as the device knows it.' }),
    payload: t.expose('payload', { type: 'JSON', nullable: true, description: 'What it is called with.' }),
    responseTimeoutInSeconds: t.exposeInt('responseTimeoutInSeconds', {
      description: 'How long a device that has the call may take to answer, in seconds.',
    }),
    connectTimeoutInSeconds: t.exposeInt('connectTimeoutInSeconds', {
      description:
        'How long after the start of the job a device may take to connect, in seconds; 0 is as long as the job has time.',
    }),
  }),
})

/** Counters of device jobs; the columns of a job's row have the same names. */
export const Statistics = builder.objectRef<DeviceJobStatistics>('DeviceJobStatistics').implement({
  description:
    'How many device jobs of a job are in which status. At every moment `deviceCount` is the sum of the others.',
  fields: (t) => ({
    deviceCount: t.exposeInt('deviceCount', { description: 'All of them. 0 until the job has started.' }),
    pendingCount: t.exposeInt('pendingCount', { description: 'Those that wait for their turn or for their device.' }),
    runningCount: t.exposeInt('runningCount', { description: 'Those whose call was sent and not answered yet.' }),
    succeededCount: t.exposeInt('succeededCount', {
      description: 'Those that are done: the twin was patched, or the device answered, with whatever status.',
    }),
    failedCount: t.exposeInt('failedCount', { description: 'Those that failed.' }),
    cancelledCount: t.exposeInt('cancelledCount', { description: 'Those that the cancellation of the job spared.' }),
  }),
})

/** The columns behind `DeviceJobStatistics`. */
export const counters = {
  deviceCount: true,
  pendingCount: true,
  runningCount: true,
  succeededCount: true,
  failedCount: true,
  cancelledCount: true,
} as const

/** A job's row, with the outcome that follows from it. */
export const Job = builder.prismaNode('Job', {
  id: { field: 'id' },
  nullable: true,
  select: { id: true },
  description: 'One operation on all devices that meet a condition.',
  authScopes: { operation: 'readJobs' },
  fields: (t) => ({
    jobId: t.exposeString('id', { description: 'Its name, given by the client or made by the hub.' }),
    type: t.field({
      type: JobType,
      select: { type: true },
      description: 'What it does to each device.',
      resolve: ({ type }) => memberOf(jobTypes, type),
    }),
    status: t.field({
      type: JobStatus,
      select: { status: true },
      description: 'Where it is in its life.',
      resolve: ({ status }) => memberOf(jobStatuses, status),
    }),
    outcome: t.field({
      type: JobOutcome,
      nullable: true,
      select: { status: true, endTime: true, ...counters },
      description: 'What came of it; null until it has ended.',
      resolve: (job) => jobOutcome(memberOf(jobStatuses, job.status), job.endTime !== null, job),
    }),
    queryCondition: t.exposeString('queryCondition', { description: 'Which devices, as it was given.' }),
    createdTime: t.expose('createdTime', { type: 'DateTime', description: 'When it was scheduled.' }),
    startTime: t.expose('startTime', { type: 'DateTime', description: 'When it was to start.' }),
    startedTime: t.expose('startedTime', {
      type: 'DateTime',
      nullable: true,
      description:
        'When it did start and its devices were fixed: later than `startTime` when it waited for other jobs.',
    }),
    endTime: t.expose('endTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended. A cancelled job ends when its calls under way have.',
    }),
    deadline: t.expose('deadline', {
      type: 'DateTime',
      description: 'When its time is up: `startTime` and `maxExecutionTimeInSeconds`. What has not ended then, fails.',
    }),
    maxExecutionTimeInSeconds: t.exposeInt('maxExecutionTimeSeconds', {
      description: 'How long after `startTime` its time is up, in seconds.',
    }),
    maxDevices: t.exposeInt('maxDevices', {
      nullable: true,
      description:
        'How many devices it may have at most, as `expect` said when it was scheduled: with more it fails when it starts. Null for any number.',
    }),
    cloudToDeviceMethod: t.field({
      type: CloudToDeviceMethod,
      nullable: true,
      select: { id: true, type: true },
      description: 'The method it calls; null for other jobs.',
      resolve: async ({ id, type }, _args, context, info) =>
        type === 'scheduleDeviceMethod' ? methodIn(await operationOf(context, id, mentions(info, 'payload'))) : null,
    }),
    updateTwin: t.field({
      type: 'JSON',
      nullable: true,
      select: { id: true, type: true },
      description: 'The patch it merges, `{ tags, properties: { desired } }`; null for other jobs.',
      resolve: async ({ id, type }, _args, context) =>
        type === 'scheduleUpdateTwin' ? patchIn(await operationOf(context, id, true)) : null,
    }),
    failureReason: t.exposeString('failureReason', {
      nullable: true,
      description: 'Why the job as a whole failed; null when it did not.',
    }),
    statusMessage: t.exposeString('statusMessage', {
      nullable: true,
      description: 'The reason that was given when it was cancelled.',
    }),
    deviceJobStatistics: t.field({
      type: Statistics,
      select: counters,
      description: 'How far it is.',
      resolve: (job) => job,
    }),
  }),
})

builder.queryField('job', (t) =>
  t.prismaField({
    type: Job,
    nullable: true,
    authScopes: { operation: 'readJobs' },
    description: 'The job of this name; null when there is none, or none any more.',
    args: { jobId: t.arg.string({ required: true, description: 'Its name, with case.' }) },
    resolve: (query, _root, { jobId }, { deps }) => deps.db.prisma.job.findUnique({ ...query, where: { id: jobId } }),
  }),
)
