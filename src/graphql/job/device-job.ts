import {
  type DeviceJobPayload,
  type DeviceJobView,
  findDeviceJobsByKey,
  findPayloads,
} from '../../job/store/device-jobs.ts'
import type { DeviceJobKey } from '../../job/store/facts.ts'
import { builder } from '../builder.ts'
import { Device } from '../device/device.ts'
import { perParent } from '../loaders.ts'
import { asWritten, memoized } from '../transport/written.ts'
import { Job } from './job.ts'

/** Where one device is in one job. */
export const DeviceJobStatus = builder.enumType('DeviceJobStatus', {
  description: 'Where one device is in one job.',
  values: {
    PENDING: { value: 'pending', description: 'It waits for its turn, or for the device to connect.' },
    RUNNING: { value: 'running', description: 'The call was sent and is not answered yet.' },
    COMPLETED: {
      value: 'completed',
      description: 'The twin was patched, or the device answered, with whatever status.',
    },
    FAILED: { value: 'failed', description: 'It was not done, or nobody knows; see `error`.' },
    CANCELLED: { value: 'canceled', description: 'The job was cancelled before it had its turn.' },
  } as const,
})

type Answer = DeviceJobKey & { readonly status: number }

const payloadsOf = perParent(
  async (db, keys: readonly DeviceJobKey[], _args: undefined, _now, answer) => {
    await answer.enter()
    const { payloads, bytes } = await findPayloads(db, keys, answer.left)
    answer.take(bytes)
    return payloads
  },
  (row) => nodeId(row),
  (key) => nodeId(key),
)

const textOf = memoized(({ payload }: DeviceJobPayload) => asWritten(payload ?? 'null'))

const DeviceMethodResponse = builder.objectRef<Answer>('DeviceMethodResponse').implement({
  description: 'What a device answered to a method call.',
  fields: (t) => ({
    status: t.exposeInt('status', { description: "The device's own status, by convention like one of HTTP." }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it said: at most 128 KB.',
      resolve: async (key, _args, context) => {
        const [answered] = await payloadsOf(context, key, undefined)
        return answered === undefined ? null : textOf(answered)
      },
    }),
  }),
})

type Failure = { readonly code: string; readonly description: string }

const DeviceJobError = builder.objectRef<Failure>('DeviceJobError').implement({
  description: 'Why a device job failed.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'For programs: JobRunPreconditionFailed, DeviceNotFound, DeviceNotOnline, DeviceDisabled, GatewayTimeout, ArgumentInvalid, BadDeviceResponse; others may come.',
    }),
    description: t.exposeString('description', { description: 'For people.' }),
  }),
})

/** A device id holds no slash, and neither does a job id. */
const nodeId = ({ jobId, deviceId }: Pick<DeviceJobView, 'jobId' | 'deviceId'>): string => `${jobId}/${deviceId}`

/** A device job, as job/store/jobs.ts reads it. */
export const DeviceJob = builder.node(builder.objectRef<DeviceJobView>('DeviceJob'), {
  id: { resolve: nodeId },
  description: 'The part of a job that concerns one device.',
  authScopes: { operation: 'readJobs' },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'jobId' in value && 'deviceId' in value,
  loadMany: async (ids, { deps }) => {
    const keys = ids.map((id) => {
      const [jobId = '', deviceId = ''] = id.split('/')
      return { jobId, deviceId }
    })
    const found = new Map((await findDeviceJobsByKey(deps.db.reads, keys)).map((row) => [nodeId(row), row]))
    return ids.map((id) => found.get(id) ?? null)
  },
  fields: (t) => ({
    job: t.prismaField({
      type: Job,
      description: 'The job.',
      resolve: (query, { jobId }, _args, { deps }) =>
        deps.db.prisma.job.findUniqueOrThrow({ ...query, where: { id: jobId } }),
    }),
    device: t.prismaField({
      type: Device,
      nullable: true,
      description: 'The device; null when it has been deleted since.',
      resolve: (query, { deviceId }, _args, { deps }) =>
        deps.db.prisma.device.findUnique({ ...query, where: { id: deviceId } }),
    }),
    deviceId: t.exposeString('deviceId', { description: 'The name of the device.' }),
    status: t.field({ type: DeviceJobStatus, description: 'Where it is.', resolve: ({ status }) => status }),
    startTime: t.expose('dispatchedTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When the method call was sent; null before, and for twin updates.',
    }),
    endTime: t.expose('endedTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ended.',
    }),
    outcome: t.field({
      type: DeviceMethodResponse,
      nullable: true,
      description: 'What the device answered; null while it has not, and for twin updates.',
      resolve: ({ jobId, deviceId, responseStatus }) =>
        responseStatus === null ? null : { jobId, deviceId, status: responseStatus },
    }),
    error: t.field({
      type: DeviceJobError,
      nullable: true,
      description: 'Why it failed; null unless it did.',
      resolve: ({ errorCode, errorDescription }) =>
        errorCode === null ? null : { code: errorCode, description: errorDescription ?? errorCode },
    }),
  }),
})
