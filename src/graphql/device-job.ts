import type { DeviceJobStatus as Status } from '../job/state.ts'
import type { DeviceJobStatistics } from '../job/statistics.ts'
import { type DeviceJobView, findDeviceJobs, findDeviceJobsByKey } from '../job/store.ts'
import { builder } from './builder.ts'
import { type KeysetList, pageArguments, pageComplexity, resolvePage } from './connection.ts'
import { Device } from './device.ts'
import { counters, Job } from './job.ts'

const DeviceJobStatus = builder.enumType('DeviceJobStatus', {
  description: 'Where one device is in one job.',
  values: {
    PENDING: { value: 'pending', description: 'It waits for its turn, or for the device to connect.' },
    RUNNING: { value: 'running', description: 'The call was sent and is not answered yet.' },
    COMPLETED: {
      value: 'completed',
      description: 'The twin was patched, or the device answered, with whatever status.',
    },
    FAILED: { value: 'failed', description: 'It was not done, or nobody knows; see `error`.' },
    CANCELED: { value: 'canceled', description: 'The job was cancelled before it had its turn.' },
  } as const,
})

type Answer = { readonly status: number; readonly payload: string | null }

const DeviceMethodResponse = builder.objectRef<Answer>('DeviceMethodResponse').implement({
  description: 'What a device answered to a method call.',
  fields: (t) => ({
    status: t.exposeInt('status', { description: "The device's own status, by convention like one of HTTP." }),
    payload: t.field({
      type: 'JSON',
      nullable: true,
      description: 'What it said: at most 128 KB.',
      resolve: ({ payload }) => (payload === null ? null : JSON.parse(payload)),
    }),
  }),
})

type Failure = { readonly code: string; readonly description: string }

const DeviceJobError = builder.objectRef<Failure>('DeviceJobError').implement({
  description: 'Why a device job failed.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description:
        'For programs: JobRunPreconditionFailed, DeviceNotFound, GatewayTimeout, ArgumentInvalid, BadDeviceResponse; others may come.',
    }),
    description: t.exposeString('description', { description: 'For people.' }),
  }),
})

/** A device id holds no slash, and neither does a job id. */
const nodeId = ({ jobId, deviceId }: Pick<DeviceJobView, 'jobId' | 'deviceId'>): string => `${jobId}/${deviceId}`

const DeviceJob = builder.node(builder.objectRef<DeviceJobView>('DeviceJob'), {
  id: { resolve: nodeId },
  description: 'The part of a job that concerns one device.',
  authScopes: { operation: 'readJobs' },
  isTypeOf: (value) => typeof value === 'object' && value !== null && 'jobId' in value && 'deviceId' in value,
  loadMany: async (ids, { deps }) => {
    const keys = ids.map((id) => {
      const [jobId = '', deviceId = ''] = id.split('/')
      return { jobId, deviceId }
    })
    const found = new Map((await findDeviceJobsByKey(deps.db, keys)).map((row) => [nodeId(row), row]))
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
      resolve: ({ responseStatus, responsePayload }) =>
        responseStatus === null ? null : { status: responseStatus, payload: responsePayload },
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

const DeviceJobFilter = builder.inputType('DeviceJobFilter', {
  description: 'Which device jobs.',
  fields: (t) => ({ status: t.field({ type: [DeviceJobStatus], description: 'In one of these statuses.' }) }),
})

const DeviceJobConnection = builder.connectionObject(
  {
    type: DeviceJob,
    name: 'DeviceJobConnection',
    description: 'A page of device jobs, by the names of the devices.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many device jobs pass the filter, on all pages.',
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  },
  { name: 'DeviceJobEdge', description: 'A device job in a page.' },
)

const deviceJobsOf = (jobId: string): KeysetList<DeviceJobView, string> => ({
  name: `deviceJobs:${jobId}`,
  keysOf: ({ deviceId }) => [deviceId],
  parseKeys: ([id, ...others]) => (others.length === 0 ? id : undefined),
})

const counterOf: Readonly<Record<Status, keyof DeviceJobStatistics>> = {
  pending: 'pendingCount',
  running: 'runningCount',
  completed: 'succeededCount',
  failed: 'failedCount',
  canceled: 'canceledCount',
}

builder.prismaObjectField(Job, 'deviceJobs', (t) =>
  t.field({
    type: DeviceJobConnection,
    select: { id: true, ...counters },
    // Each job's page is a statement of its own.
    complexity: (args) => pageComplexity(args, 10),
    description: 'Its device jobs, by the names of the devices. There are none until it has started.',
    args: {
      filter: t.arg({ type: DeviceJobFilter, description: 'Which; all when left out.' }),
      ...pageArguments(),
    },
    resolve: (job, { filter, ...page }, { deps }) => {
      const statuses = filter?.status == null ? undefined : [...new Set(filter.status)]
      return resolvePage(
        deviceJobsOf(job.id),
        page,
        (wanted) => findDeviceJobs(deps.db, job.id, { statuses }, wanted),
        // The job's own counters: nothing has to be counted for it, however many they are.
        () => statuses?.reduce((sum, status) => sum + job[counterOf[status]], 0) ?? job.deviceCount,
      )
    },
  }),
)
