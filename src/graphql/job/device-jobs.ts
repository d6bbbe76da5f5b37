import type { DeviceJobStatus as Status } from '../../job/state.ts'
import type { DeviceJobStatistics } from '../../job/statistics.ts'
import {
  countDeviceJobs,
  type DeviceJobListPlace,
  type DeviceJobSelection,
  findDeviceJobs,
  type DeviceJobOrder as Order,
} from '../../job/store/device-job-list.ts'
import {
  countDeviceJobsByDevice,
  type DeviceJobInTime,
  type DeviceJobView,
  findDeviceJobsByDevice,
} from '../../job/store/device-jobs.ts'
import { compileCondition } from '../../query/compiler.ts'
import { deviceFields } from '../../query/fields.ts'
import { parseCondition } from '../../query/parser.ts'
import { builder } from '../builder.ts'
import {
  forwardArguments,
  type KeysetList,
  type Page,
  pageArguments,
  pageComplexity,
  resolvePage,
} from '../connection.ts'
import { Device } from '../device/device.ts'
import { perParentInTime } from '../loaders.ts'
import { DeviceJob, DeviceJobStatus } from './device-job.ts'
import { counters, Job } from './job.ts'
import { type JobPlace, OrderDirection, parseJobPlace } from './jobs.ts'

const DeviceJobConnection = builder.connectionObject(
  {
    type: DeviceJob,
    name: 'DeviceJobConnection',
    description: 'A page of device jobs.',
    fields: (t) => ({
      totalCount: t.int({
        description: 'How many there are on all pages; with a filter, those that pass it. Counted only when asked for.',
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  },
  { name: 'DeviceJobEdge', description: 'A device job in a page.' },
)

/** What a list costs beside its rows: to find them, a whole job may have to be looked through, or all jobs. */
const ownComplexity = 10
/** The same, where more than counters is needed to find and count them. */
const ownComplexityOfFilter = 30

// Of a job

const DeviceJobFilter = builder.inputType('DeviceJobFilter', {
  description: 'Which device jobs: those for which all that is given holds.',
  fields: (t) => ({
    status: t.field({ type: [DeviceJobStatus], description: 'In one of these statuses.' }),
    errorCode: t.stringList({ description: 'Failed with one of these codes; see `DeviceJobError.code`.' }),
    responseStatus: t.intList({ description: 'The device answered with one of these statuses.' }),
    queryCondition: t.string({
      description:
        'The device meets this condition now, such as `tags.building = 43`: the language of jobs. A device that has been deleted since meets none but `*`. Anything but `*` needs the right serviceConnect.',
    }),
  }),
})

type Filter = typeof DeviceJobFilter.$inferInput

const DeviceJobOrderField = builder.enumType('DeviceJobOrderField', {
  description: 'What the device jobs of a job can be ordered by.',
  values: {
    DEVICE_ID: { value: 'deviceId', description: 'The names of the devices, compared byte by byte.' },
    END_TIME: {
      value: 'endTime',
      description:
        'When they ended. Those that have not come last, in the order of their names, and so do those that ended all at once with their job.',
    },
  } as const,
})

const DeviceJobOrder = builder.inputType('DeviceJobOrder', {
  description: 'The order of the device jobs of a job.',
  fields: (t) => ({
    field: t.field({ type: DeviceJobOrderField, required: true, description: 'What to compare.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'Which end comes first.' }),
  }),
})

const listOfJob = (jobId: string, { field, direction }: Order): KeysetList<DeviceJobView, DeviceJobListPlace> => ({
  name: `job:${jobId}:deviceJobs:${field}:${direction}`,
  keysOf: ({ deviceId, version }) => (field === 'deviceId' ? [deviceId] : [String(version ?? ''), deviceId]),
  parseKeys(texts) {
    const [version, deviceId, ...others] = field === 'deviceId' ? ['', ...texts] : texts
    if (version === undefined || deviceId === undefined || others.length > 0) return undefined
    return /^\d{0,9}$/.test(version) ? { version: version === '' ? null : Number(version), deviceId } : undefined
  },
})

type JobArguments = {
  readonly selection: DeviceJobSelection
  readonly order: Order
  readonly page: Page<DeviceJobListPlace>
}

const findOfJob = perParentInTime(
  (db, jobIds, { selection, order, page }: JobArguments) => findDeviceJobs(db, jobIds, selection, order, page),
  ({ jobId }) => jobId,
)
const countOfJob = perParentInTime(countDeviceJobs, ({ jobId }) => jobId)

const counterOf: Readonly<Record<Status, keyof DeviceJobStatistics>> = {
  pending: 'pendingCount',
  running: 'runningCount',
  completed: 'succeededCount',
  failed: 'failedCount',
  canceled: 'cancelledCount',
}

/** `*` is no condition. QueryConditionError. */
function selectionOf(filter: Filter | null | undefined): DeviceJobSelection {
  const { status, errorCode, responseStatus, queryCondition } = filter ?? {}
  const condition = queryCondition == null ? undefined : parseCondition(queryCondition)
  return {
    ...(status != null && { statuses: [...new Set(status)] }),
    ...(errorCode != null && { errorCodes: errorCode }),
    ...(responseStatus != null && { responseStatuses: responseStatus }),
    ...(condition !== undefined &&
      condition.kind !== 'all' && { condition: compileCondition(condition, deviceFields) }),
  }
}

builder.prismaObjectField(Job, 'deviceJobs', (t) =>
  t.field({
    type: DeviceJobConnection,
    select: { id: true, ...counters },
    // A condition can ask for any value of a twin, so it takes the right to read twins.
    authScopes: (_job, { filter }) => ({
      operation: (filter?.queryCondition ?? '*').trim() === '*' ? 'readJobs' : 'readTwins',
    }),
    complexity: (args) => {
      const { status: _, ...others } = args.filter ?? {}
      return pageComplexity(args, Object.keys(others).length === 0 ? ownComplexity : ownComplexityOfFilter)
    },
    description:
      'Its device jobs, by the names of the devices unless `orderBy` says otherwise. There are none until it has started. A condition that does not parse is an error of the request, whose `extensions` are `{ code: "QUERY_CONDITION", line, column }`.',
    args: {
      filter: t.arg({ type: DeviceJobFilter, description: 'Which; all when left out.' }),
      orderBy: t.arg({ type: DeviceJobOrder, description: 'DEVICE_ID ASC when left out.' }),
      ...pageArguments(),
    },
    resolve: (job, { filter, orderBy, ...args }, context) => {
      const selection = selectionOf(filter)
      if (selection.condition !== undefined) context.deps.throttles.take('queries')
      const order = orderBy ?? { field: 'deviceId', direction: 'asc' }
      const { statuses, ...others } = selection
      return resolvePage(
        listOfJob(job.id, order),
        args,
        (page) => findOfJob(context, job.id, { selection, order, page }),
        async () => {
          if (Object.keys(others).length > 0) return (await countOfJob(context, job.id, selection))[0]?.count ?? 0
          // The job's own counters: nothing has to be counted for it, however many they are.
          return statuses?.reduce((sum, status) => sum + job[counterOf[status]], 0) ?? job.deviceCount
        },
      )
    },
  }),
)

// Of a device

const listOfDevice = (deviceId: string): KeysetList<DeviceJobInTime, JobPlace> => ({
  name: `device:${deviceId}:deviceJobs`,
  keysOf: ({ jobCreatedTime, jobId }) => [jobCreatedTime.toISOString(), jobId],
  parseKeys: parseJobPlace,
})

const findOfDevice = perParentInTime(findDeviceJobsByDevice, ({ deviceId }) => deviceId)
const countOfDevice = perParentInTime(countDeviceJobsByDevice, ({ deviceId }) => deviceId)

builder.prismaObjectField(Device, 'deviceJobs', (t) =>
  t.field({
    type: DeviceJobConnection,
    authScopes: { operation: 'readJobs' },
    select: { id: true },
    complexity: (args) => pageComplexity(args, ownComplexity),
    description: 'Its part in jobs that have started and are still kept, the job that was scheduled last first.',
    args: forwardArguments(),
    resolve: ({ id }, args, context) =>
      resolvePage(
        listOfDevice(id),
        args,
        ({ cursor, limit }) => findOfDevice(context, id, { cursor, limit }),
        async () => (await countOfDevice(context, id, undefined))[0]?.count ?? 0,
      ),
  }),
)
