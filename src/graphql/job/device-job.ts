import { deviceJobResult, shownStatus } from '../../job/state.ts'
import { type EarlierAttempt, findEarlierAttempts } from '../../job/store/attempts.ts'
import {
  type DeviceJobPayload,
  type DeviceJobView,
  findDeviceJobsByKey,
  findPayloads,
} from '../../job/store/device-jobs.ts'
import type { DeviceJobKey } from '../../job/store/facts.ts'
import { asWritten, memoized } from '../../json/json-as-written.ts'
import { builder } from '../builder.ts'
import { Device, findDevice } from '../device/device.ts'
import { methodResponse } from '../device/method-fields.ts'
import { documentsPerParent, perParent } from '../loaders.ts'
import { mayFail } from '../may-fail.ts'
import { Job, readJob } from './job.ts'

/** The status of a device job. */
export const DeviceJobStatus = builder.enumType('DeviceJobStatus', {
  description: 'The status of a device job.',
  values: {
    PENDING: { value: 'pending', description: 'The device job waits for its turn, or for the device to connect.' },
    RETRYING: {
      value: 'retrying',
      description:
        'The call failed in a way that `rollout.retry` of the job repeats, and the device job waits for the next attempt. Counts as pending in statistics.',
    },
    RUNNING: { value: 'running', description: 'The method call was sent. The device has not answered yet.' },
    COMPLETED: {
      value: 'completed',
      description: 'The twin was patched or skipped, or the device answered, with any status.',
    },
    FAILED: { value: 'failed', description: 'The operation was not performed, or its result is unknown. See `error`.' },
    CANCELLED: {
      value: 'canceled',
      description:
        'The job or this device job was cancelled before the device had its turn, or this device job while it waited for another attempt.',
    },
  } as const,
})

/** The result of a device job. job/state.ts has the rule. */
export const DeviceJobResult = builder.enumType('DeviceJobResult', {
  description:
    'The result of a device job, for badges and filters. Unlike `DeviceJobStatus`, it distinguishes devices that did what was asked from devices that refused. New values may be added.',
  values: {
    PENDING: {
      value: 'pending',
      description: 'The device job waits for its turn, for the device to connect, or for another attempt.',
    },
    RUNNING: { value: 'running', description: 'The method call was sent. The device has not answered yet.' },
    SUCCEEDED: {
      value: 'succeeded',
      description: 'The twin was patched or skipped, or the device answered with a status below 400.',
    },
    REFUSED: {
      value: 'refused',
      description: 'The device answered with a status of 400 or more. Its status is COMPLETED, because the method ran.',
    },
    FAILED: { value: 'failed', description: 'The operation was not performed, or its result is unknown. See `error`.' },
    CANCELLED: {
      value: 'cancelled',
      description:
        'The job or this device job was cancelled before the device had its turn, or this device job while it waited for another attempt.',
    },
  } as const,
})

type Answer = DeviceJobKey & { readonly status: number }

const payloadsOf = documentsPerParent(
  async (db, scope, keys: readonly DeviceJobKey[], _args: undefined, _now, answer) => {
    const { payloads } = await answer.read((maxBytes) => findPayloads(db, scope, keys, maxBytes))
    return payloads
  },
  (row) => nodeId(row),
  (key) => nodeId(key),
)

const textOf = memoized(({ payload }: DeviceJobPayload) => asWritten(payload ?? 'null'))

const DeviceMethodResponse = methodResponse<Answer>(
  'DeviceMethodResponse',
  'The answer of a device to a method call.',
  async (key, context) => {
    const [answered] = await payloadsOf(context, key, undefined)
    return answered === undefined ? null : textOf(answered)
  },
)

type Failure = { readonly code: string; readonly description: string }

const errorOf = ({
  errorCode,
  errorDescription,
}: Pick<DeviceJobView, 'errorCode' | 'errorDescription'>): Failure | null =>
  errorCode === null ? null : { code: errorCode, description: errorDescription ?? errorCode }

const DeviceJobError = builder.objectRef<Failure>('DeviceJobError').implement({
  description: 'The reason why a device job failed.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'The error code, for programs: JobRunPreconditionFailed, DeviceNotFound, DeviceNotOnline, DeviceDisabled, GatewayTimeout, OutcomeUnknown, ArgumentInvalid or BadDeviceResponse. New codes may be added.',
    }),
    description: t.exposeString('description', { description: 'The error message, for people.' }),
  }),
})

/** The node ID of a device job. Neither a device ID nor a job ID contains a slash. */
const nodeId = ({ jobId, deviceId }: Pick<DeviceJobView, 'jobId' | 'deviceId'>): string => `${jobId}/${deviceId}`

const earlierAttempts = perParent(
  (db, scope, keys: readonly DeviceJobKey[], _args: undefined) => findEarlierAttempts(db, scope, keys),
  nodeId,
  nodeId,
)

const DeviceJobAttempt = builder.objectRef<EarlierAttempt>('DeviceJobAttempt').implement({
  description: 'An attempt at a device job after which the call was, or will be, sent again.',
  fields: (t) => ({
    number: t.exposeInt('attempt', { description: 'Its number; 1 is the first.' }),
    startTime: t.expose('dispatchedTime', { type: 'DateTime', description: 'When the call was sent.' }),
    endTime: t.expose('endedTime', {
      type: 'DateTime',
      description: 'When the device answered, or when its time was up.',
    }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'The status with which the device answered. Null without an answer.',
    }),
    error: t.field({
      type: DeviceJobError,
      nullable: true,
      description: 'Why the attempt failed. Null when the device answered.',
      resolve: errorOf,
    }),
    nextTime: t.expose('notBefore', {
      type: 'DateTime',
      description: 'From when on the next attempt could be made. The limits of the job, and the device, may delay it.',
    }),
  }),
})

/** A device job, as the stores of jobs read it. */
export const DeviceJob = builder.node(builder.objectRef<DeviceJobView>('DeviceJob'), {
  id: { resolve: nodeId },
  description: 'The part of a job that concerns one device.',
  authScopes: { right: 'readJobs' },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'jobId' in value && 'deviceId' in value,
  loadMany: async (ids, { deps, viewer }) => {
    const keys = ids.map((id) => {
      const [jobId = '', deviceId = ''] = id.split('/')
      return { jobId, deviceId }
    })
    const rows = await findDeviceJobsByKey(deps.db.reads, viewer.scope, keys)
    const found = new Map(rows.map((row) => [nodeId(row), row]))
    return ids.map((id) => found.get(id) ?? null)
  },
  fields: (t) => ({
    job: t.field({
      type: Job,
      ...mayFail('The job that this device job belongs to.'),
      resolve: ({ jobId }, _args, context, info) => readJob(context, info, jobId),
    }),
    device: t.field({
      type: Device,
      nullable: true,
      // Whether the device still exists is also something about it.
      authScopes: { right: ['readDevices', 'readTwins'] },
      description: 'The device. Null when it has been deleted, or is not in your scope.',
      resolve: ({ deviceId }, _args, context, info) => findDevice(context, info, deviceId),
    }),
    deviceId: t.exposeString('deviceId', { description: 'The device ID.' }),
    status: t.field({
      type: DeviceJobStatus,
      description: 'The status of the device job.',
      resolve: shownStatus,
    }),
    result: t.field({
      type: DeviceJobResult,
      description: 'The result of the device job, or its status before it has ended.',
      resolve: ({ status, responseStatus }) => deviceJobResult(status, responseStatus),
    }),
    skipped: t.exposeBoolean('skipped', {
      description:
        'Whether the device was skipped because the patch would not have changed its twin. Its `result` is SUCCEEDED. Only in jobs with `skipCompliant`.',
    }),
    startTime: t.expose('dispatchedTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When the method call was sent. Null until then, and for twin updates.',
    }),
    endTime: t.expose('endedTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When the device job ended. Null until then.',
    }),
    outcome: t.field({
      type: DeviceMethodResponse,
      nullable: true,
      description: 'The answer of the device. Null until the device has answered, and for twin updates.',
      resolve: ({ jobId, deviceId, responseStatus }) =>
        responseStatus === null ? null : { jobId, deviceId, status: responseStatus },
    }),
    attempts: t.int({
      description:
        'How many times the method call was sent. More than 1 only when `rollout.retry` of the job repeats calls. 0 for twin updates.',
      resolve: ({ repeatedCount, dispatchedTime }) => repeatedCount + (dispatchedTime === null ? 0 : 1),
    }),
    earlierAttempts: t.field({
      type: [DeviceJobAttempt],
      complexity: { field: 1, multiplier: 5 },
      ...mayFail(
        'The attempts before the last, in order: each was repeated, or will be. Empty when no call was repeated. The other fields show the last attempt.',
      ),
      resolve: ({ jobId, deviceId, repeatedCount }, _args, context) =>
        repeatedCount === 0 ? [] : earlierAttempts(context, { jobId, deviceId }, undefined).then((rows) => [...rows]),
    }),
    error: t.field({
      type: DeviceJobError,
      nullable: true,
      description: 'The reason why the device job failed. Null unless it has failed.',
      resolve: errorOf,
    }),
  }),
})
