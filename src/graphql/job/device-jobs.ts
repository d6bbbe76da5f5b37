import type { Deps } from '../../deps.ts'
import { withGroups } from '../../device-group/commands.ts'
import type { DeviceJobResult as Result, ShownDeviceJobStatus as Status } from '../../job/state.ts'
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
import { deviceConditionOf } from '../../query/device-condition.ts'
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
import { mayFail } from '../may-fail.ts'
import { OrderDirection } from '../order-direction.ts'
import { DeviceJob, DeviceJobResult, DeviceJobStatus } from './device-job.ts'
import { isForeign } from './foreign-job.ts'
import { counters, Job, ofJob } from './job.ts'
import { parseJobPlace, type TimedJobPlace } from './jobs.ts'

const DeviceJobConnection = builder.connectionObject(
  {
    type: DeviceJob,
    name: 'DeviceJobConnection',
    description: 'A page of device jobs.',
    fields: (t) => ({
      totalCount: t.int({
        ...mayFail('Number of device jobs on all pages, after the filter if there is one. Counted only when selected.'),
        resolve: ({ totalCount }) => totalCount(),
      }),
    }),
  },
  { name: 'DeviceJobEdge', description: 'A device job on a page, with its cursor.' },
)

/** The complexity of a list in addition to its rows: to find them, a whole job may have to be searched, or all jobs. */
const ownComplexity = 10
/** The same for a list with a filter that the counters of the job cannot answer. */
const ownComplexityOfFilter = 30

// Of a job

const DeviceJobFilter = builder.inputType('DeviceJobFilter', {
  description: 'Selects device jobs that match all given fields.',
  fields: (t) => ({
    status: t.field({ type: [DeviceJobStatus], description: 'The status is one of these.' }),
    result: t.field({
      type: [DeviceJobResult],
      description: 'The result is one of these.',
    }),
    errorCode: t.stringList({
      description: 'The device job failed with one of these codes. See `DeviceJobError.code`.',
    }),
    skipped: t.boolean({
      description: 'Whether the device was skipped because the patch would not have changed its twin.',
    }),
    responseStatus: t.intList({ description: 'The device answered with one of these response statuses.' }),
    queryCondition: t.string({
      description:
        'The device matches this condition now, such as `tags.building = 43`, in the query language of jobs. A deleted device matches only `*`. Any condition other than `*` requires the right serviceConnect.',
    }),
  }),
})

type Filter = typeof DeviceJobFilter.$inferInput

const DeviceJobOrderField = builder.enumType('DeviceJobOrderField', {
  description: 'The sort keys of the device jobs of a job.',
  values: {
    DEVICE_ID: { value: 'deviceId', description: 'The device ID, compared byte by byte.' },
    END_TIME: {
      value: 'endTime',
      description:
        'The end time. Device jobs that have not ended come last, ordered by device ID. So do device jobs that ended all at once with their job.',
    },
  } as const,
})

const DeviceJobOrder = builder.inputType('DeviceJobOrder', {
  description: 'The order of the device jobs of a job.',
  fields: (t) => ({
    field: t.field({ type: DeviceJobOrderField, required: true, description: 'The sort key.' }),
    direction: t.field({ type: OrderDirection, required: true, description: 'The sort direction.' }),
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
  (db, scope, jobIds, { selection, order, page }: JobArguments) =>
    findDeviceJobs(db, scope, jobIds, selection, order, page),
  ({ jobId }) => jobId,
)
const countOfJob = perParentInTime(countDeviceJobs, ({ jobId }) => jobId)

/**
 * The number of device jobs with a status or a result, by the counters of their job, which count those that are retrying as
 * pending.
 */
const countOf: Readonly<Record<Status | Result, (statistics: DeviceJobStatistics) => number>> = {
  pending: ({ pendingCount }) => pendingCount,
  retrying: () => 0,
  running: ({ runningCount }) => runningCount,
  completed: ({ succeededCount }) => succeededCount,
  succeeded: ({ succeededCount, refusedCount }) => succeededCount - refusedCount,
  refused: ({ refusedCount }) => refusedCount,
  failed: ({ failedCount }) => failedCount,
  canceled: ({ cancelledCount }) => cancelledCount,
  cancelled: ({ cancelledCount }) => cancelledCount,
}

/** The selection of a filter. `*` counts as no condition. QueryConditionError. */
async function selectionOf(deps: Deps, filter: Filter | null | undefined): Promise<DeviceJobSelection> {
  const { status, result, errorCode, responseStatus, skipped, queryCondition } = filter ?? {}
  const condition = queryCondition == null ? undefined : parseCondition(await withGroups(deps, queryCondition))
  return {
    ...(status != null && { statuses: [...new Set(status)] }),
    ...(result != null && { results: [...new Set(result)] }),
    ...(errorCode != null && { errorCodes: errorCode }),
    ...(responseStatus != null && { responseStatuses: responseStatus }),
    ...(skipped != null && { skipped }),
    ...(condition !== undefined && condition.kind !== 'all' && { condition: deviceConditionOf(condition) }),
  }
}

builder.objectField(Job, 'deviceJobs', (t) =>
  t.field({
    type: DeviceJobConnection,
    ...ofJob('id', 'rollout', ...counters),
    // A condition can test any value of a twin, so it requires the right to read twins.
    authScopes: (_job, { filter }) => ({
      right: (filter?.queryCondition ?? '*').trim() === '*' ? 'readJobs' : 'readTwins',
    }),
    complexity: (args) => {
      const { status: _status, result: _result, ...others } = args.filter ?? {}
      return pageComplexity(args, Object.keys(others).length === 0 ? ownComplexity : ownComplexityOfFilter)
    },
    ...mayFail(
      'The device jobs of the job. Empty until the devices are selected. A condition that does not parse is a request error with the `extensions` `{ code: "QUERY_CONDITION", line, column }`.',
    ),
    args: {
      filter: t.arg({ type: DeviceJobFilter, description: 'Selects device jobs. All when omitted.' }),
      orderBy: t.arg({ type: DeviceJobOrder, description: 'The order. DEVICE_ID ASC when omitted.' }),
      ...pageArguments(),
    },
    resolve: async (job, { filter, orderBy, ...args }, context) => {
      const selection = await selectionOf(context.deps, filter)
      if (selection.condition !== undefined) context.deps.throttles.take('queries')
      const order = orderBy ?? { field: 'deviceId', direction: 'asc' }
      const { statuses, results, ...others } = selection
      return resolvePage(
        listOfJob(job.id, order),
        args,
        (page) => findOfJob(context, job.id, { selection, order, page }),
        async () => {
          const areCounted =
            Object.keys(others).length === 0 &&
            (statuses === undefined || results === undefined) &&
            (job.rollout?.retry === undefined || statuses?.includes('pending') === statuses?.includes('retrying'))
          if (!areCounted || isForeign(job, context))
            return (await countOfJob(context, job.id, selection))[0]?.count ?? 0
          // The counters of the job have the number, so no rows have to be counted.
          const selected: readonly (Status | Result)[] | undefined = statuses ?? results
          return selected?.reduce((sum, one) => sum + countOf[one](job), 0) ?? job.deviceCount
        },
      )
    },
  }),
)

// Of a device

const listOfDevice = (deviceId: string): KeysetList<DeviceJobInTime, TimedJobPlace> => ({
  name: `device:${deviceId}:deviceJobs`,
  keysOf: ({ jobCreatedTime, jobId }) => [jobCreatedTime.toISOString(), jobId],
  parseKeys: parseJobPlace,
})

const findOfDevice = perParentInTime(findDeviceJobsByDevice, ({ deviceId }) => deviceId)
const countOfDevice = perParentInTime(countDeviceJobsByDevice, ({ deviceId }) => deviceId)

builder.objectField(Device, 'deviceJobs', (t) =>
  t.field({
    type: DeviceJobConnection,
    authScopes: { right: 'readJobs' },
    complexity: (args) => pageComplexity(args, ownComplexity),
    ...mayFail(
      'The device jobs of this device, in jobs that have selected their devices and are still kept. Ordered by the creation time of the job, the newest first.',
    ),
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
