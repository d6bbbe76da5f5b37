import {
  countDeviceJobsByDevice,
  type DeviceJobInTime,
  type DeviceJobView,
  findDeviceJobs,
  findDeviceJobsByDevice,
} from '../job/device-job-store.ts'
import type { DeviceJobStatus as Status } from '../job/state.ts'
import type { DeviceJobStatistics } from '../job/statistics.ts'
import { builder } from './builder.ts'
import {
  forwardArguments,
  type KeysetList,
  type Page,
  pageArguments,
  pageComplexity,
  resolvePage,
} from './connection.ts'
import { Device } from './device.ts'
import { DeviceJob, DeviceJobStatus } from './device-job.ts'
import { counters, Job } from './job.ts'
import { type JobPlace, parseJobPlace } from './jobs.ts'
import { perParent } from './loaders.ts'

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

// Of a job

const DeviceJobFilter = builder.inputType('DeviceJobFilter', {
  description: 'Which device jobs.',
  fields: (t) => ({ status: t.field({ type: [DeviceJobStatus], description: 'In one of these statuses.' }) }),
})

const listOfJob = (jobId: string): KeysetList<DeviceJobView, string> => ({
  name: `job:${jobId}:deviceJobs`,
  keysOf: ({ deviceId }) => [deviceId],
  parseKeys: ([id, ...others]) => (others.length === 0 ? id : undefined),
})

type JobArguments = { readonly statuses: readonly Status[] | undefined; readonly page: Page<string> }

const findOfJob = perParent(
  (db, jobIds, { statuses, page }: JobArguments) => findDeviceJobs(db, jobIds, { statuses }, page),
  ({ jobId }) => jobId,
)

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
    complexity: (args) => pageComplexity(args, ownComplexity),
    description: 'Its device jobs, by the names of the devices. There are none until it has started.',
    args: {
      filter: t.arg({ type: DeviceJobFilter, description: 'Which; all when left out.' }),
      ...pageArguments(),
    },
    resolve: (job, { filter, ...args }, context) => {
      const statuses = filter?.status == null ? undefined : [...new Set(filter.status)]
      return resolvePage(
        listOfJob(job.id),
        args,
        (page) => findOfJob(context, job.id, { statuses, page }),
        // The job's own counters: nothing has to be counted for it, however many they are.
        () => statuses?.reduce((sum, status) => sum + job[counterOf[status]], 0) ?? job.deviceCount,
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

const findOfDevice = perParent(findDeviceJobsByDevice, ({ deviceId }) => deviceId)
const countOfDevice = perParent(countDeviceJobsByDevice, ({ deviceId }) => deviceId)

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
