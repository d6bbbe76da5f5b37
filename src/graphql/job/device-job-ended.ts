import { encodeCursor } from '../../cursor.ts'
import { readInTime } from '../../database/bounded-read.ts'
import { NotFoundError } from '../../errors.ts'
import { findDeviceJobsByKey } from '../../job/store/device-jobs.ts'
import { beforeAll, type EndedPlace, findEndedPlaces, findJobKey } from '../../job/store/ended.ts'
import { builder } from '../builder.ts'
import { type KeysetList, readCursor } from '../connection.ts'
import { askerOf } from '../context.ts'
import { maxPageSize } from '../limits.ts'
import { live } from '../live/live.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { DeviceJob } from './device-job.ts'
import { Job } from './job.ts'

/** Places that are looked up at once: finding some of those of one version means to sort all of them. */
const maxFound = 1000

/** One event. Which device jobs they are; read when it is sent, for their payloads may be large. */
type Batch = {
  readonly jobId: string
  readonly cursor: string
  readonly deviceIds: readonly string[]
  readonly upTo: EndedPlace
  readonly isLast: boolean
  /** The last of those that were looked up, and others follow already. */
  readonly hasMore: boolean
}

const DeviceJobEndedUpdate = builder.objectRef<Batch>('DeviceJobEndedUpdate').implement({
  description: 'Device jobs that have ended, in the order in which they did.',
  fields: (t) => ({
    job: t.prismaField({
      type: Job,
      description: 'The job, as it is when this is sent.',
      resolve: (query, { jobId }, _args, { deps }) =>
        deps.db.prisma.job.findUniqueOrThrow({ ...query, where: { id: jobId } }),
    }),
    cursor: t.exposeString('cursor', {
      description: 'Where these end: as `after` it goes on behind them, at any time and at any instance. Opaque.',
    }),
    deviceJobs: t.field({
      type: [DeviceJob],
      complexity: { field: 1, multiplier: maxPageSize },
      description: `The device jobs: 1 to ${maxPageSize}.`,
      resolve: async ({ jobId, deviceIds }, _args, { deps }) => {
        const rows = await findDeviceJobsByKey(
          deps.db.reads,
          deviceIds.map((deviceId) => ({ jobId, deviceId })),
        )
        const found = new Map(rows.map((row) => [row.deviceId, row]))
        return deviceIds.flatMap((deviceId) => found.get(deviceId) ?? [])
      },
    }),
  }),
})

/** A place that the job has not come to is none of its list. */
const listOf = (job: { readonly jobKey: string; readonly version: number }): KeysetList<EndedPlace, EndedPlace> => ({
  name: `job:${job.jobKey}:ended`,
  keysOf: ({ version, deviceId }) => [String(version), deviceId],
  parseKeys([version = '', deviceId, ...others]) {
    if (deviceId === undefined || others.length > 0 || !/^\d{1,10}$/.test(version)) return undefined
    return Number(version) > job.version ? undefined : { version: Number(version), deviceId }
  },
})

/** What was found behind a place. Null: nothing, and nothing will be. */
type Found = { readonly after: EndedPlace; readonly batches: readonly Batch[] | null }

const endedJobs = sharedReads<Found>()

builder.subscriptionField('deviceJobEnded', (t) =>
  t.field({
    type: DeviceJobEndedUpdate,
    authScopes: { operation: 'readJobs' },
    description:
      'Every device job of a job exactly once, in the order in which they ended: those that have ended already, then the others as they do. Devices that the job never reached end with the job, after all others. Completes after the last. A slow client is behind, and misses nothing.',
    args: {
      jobId: t.arg.string({ required: true, description: 'The job. An unknown one is an error NOT_FOUND.' }),
      after: t.arg.string({
        description:
          'The `cursor` of an update: only what comes behind it. One of another job, or none at all, is an error INVALID_CURSOR.',
      }),
    },
    subscribe: async (_root, { jobId, after }, context) => {
      const { deps } = context
      const job = await findJobKey(deps.db.reads, jobId)
      if (job === undefined) throw new NotFoundError('job', jobId)
      const { jobKey } = job
      const list = listOf(job)
      let place = after == null ? beforeAll : readCursor(list, after, 'after')

      const findAfter = async (from: EndedPlace): Promise<Found> => {
        const found = await readInTime(deps, askerOf(context), (db) => findEndedPlaces(db, jobKey, from, maxFound))
        if (found === undefined) return { after: from, batches: null }
        const { places, more, over } = found
        const batches: Batch[] = []
        for (let start = 0; start < places.length; start += maxPageSize) {
          const members = places.slice(start, start + maxPageSize)
          const upTo = members.at(-1) ?? from
          const isEnd = start + maxPageSize >= places.length
          batches.push({
            jobId,
            cursor: encodeCursor(list.name, list.keysOf(upTo)),
            deviceIds: members.map(({ deviceId }) => deviceId),
            upTo,
            isLast: isEnd && over,
            hasMore: isEnd && more,
          })
        }
        return { after: from, batches: over && batches.length === 0 ? null : batches }
      }
      const goOn = (batches: readonly Batch[] | null): readonly Batch[] | null => {
        place = batches?.at(-1)?.upTo ?? place
        return batches
      }
      return live(context, deps.events.listen('job', jobId), {
        keyOf: () => jobId,
        first: async () => {
          const from = place
          return goOn((await endedJobs.first(context, () => findAfter(from))).batches)
        },
        read: async (_key, event) => {
          const from = place
          const { after, batches } = await endedJobs.after(context, event, () => findAfter(from))
          // Who read first may have been told of more or less than this client.
          const isMine = after.version === from.version && after.deviceId === from.deviceId
          return goOn(isMine ? batches : (await readThroughOutage(context, () => findAfter(from))).batches)
        },
        again: ({ hasMore }) => (hasMore ? jobId : undefined),
        isLast: ({ isLast }) => isLast,
      })
    },
    resolve: (batch) => batch,
  }),
)
