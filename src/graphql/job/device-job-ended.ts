import { encodeCursor } from '../../cursor.ts'
import { readInTime } from '../../database/bounded-read.ts'
import { NotFoundError } from '../../errors.ts'
import { findDeviceJobsByKey } from '../../job/store/device-jobs.ts'
import {
  beforeAll,
  type EndedPlace,
  type EndedPlaces,
  findEndedPlaces,
  findJobKey,
} from '../../job/store/ended-device-jobs.ts'
import { builder } from '../builder.ts'
import { type KeysetList, readCursor } from '../connection.ts'
import { askerOf } from '../context.ts'
import { maxPageSize } from '../limits.ts'
import { setEventId } from '../live/event-id.ts'
import { pacedRows } from '../live/paced-rows.ts'
import { sharedReads } from '../live/shared-reads.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { DeviceJob } from './device-job.ts'
import { Job, readJob } from './job.ts'

/**
 * Maximum number of places in one read. To find some of the places of one version, the database has to sort all of
 * them.
 */
const maxFound = 1000

/** One update: the device jobs by ID. They are read when the update is sent, because their payloads may be large. */
type Batch = {
  readonly jobId: string
  readonly cursor: string
  readonly deviceIds: readonly string[]
  readonly isLast: boolean
  /** Whether this is the last batch of one read, and more have already ended. */
  readonly hasMore: boolean
}

const DeviceJobEndedUpdate = builder.objectRef<Batch>('DeviceJobEndedUpdate').implement({
  description: 'Device jobs that have ended, in the order in which they ended.',
  fields: (t) => ({
    job: t.field({
      type: Job,
      ...mayFail('The job, in its state when this update is sent.'),
      resolve: ({ jobId }, _args, context, info) => readJob(context, info, jobId),
    }),
    cursor: t.exposeString('cursor', {
      description:
        'The position after these device jobs. Pass it as `after` to continue from here, at any time and at any instance. Opaque.',
    }),
    deviceJobs: t.field({
      type: [DeviceJob],
      complexity: { field: 1, multiplier: maxPageSize },
      description: `The device jobs of this update: 1 to ${maxPageSize}.`,
      resolve: async ({ jobId, deviceIds }, _args, { deps, viewer }) => {
        const rows = await findDeviceJobsByKey(
          deps.db.reads,
          viewer.scope,
          deviceIds.map((deviceId) => ({ jobId, deviceId })),
        )
        const found = new Map(rows.map((row) => [row.deviceId, row]))
        return deviceIds.flatMap((deviceId) => found.get(deviceId) ?? [])
      },
    }),
  }),
})

/** The list of ended device jobs. A place that the job has not reached does not belong to it. */
const listOf = (job: { readonly jobKey: string; readonly version: number }): KeysetList<EndedPlace, EndedPlace> => ({
  name: `job:${job.jobKey}:ended`,
  keysOf: ({ version, deviceId }) => [String(version), deviceId],
  parseKeys([version = '', deviceId, ...others]) {
    if (deviceId === undefined || others.length > 0 || !/^\d{1,10}$/.test(version)) return undefined
    return Number(version) > job.version ? undefined : { version: Number(version), deviceId }
  },
})

/**
 * The batches after a place, and the place where the next read goes on. Null: there are no more, and there will be no
 * more.
 */
type Found = { readonly after: EndedPlace; readonly reached: EndedPlace; readonly batches: readonly Batch[] | null }

const endedJobs = sharedReads<Found>()

builder.subscriptionField('deviceJobEnded', (t) =>
  t.field({
    type: DeviceJobEndedUpdate,
    authScopes: { right: 'readJobs' },
    description:
      'Sends every device job of a job exactly once, or those of devices in your scope if the job was not scheduled under it, in the order in which they ended: first those that have already ended, then the others as they end. Device jobs that the job never reached end with the job, after all others. Completes after the last device job. A slow client falls behind but misses nothing.',
    args: {
      jobId: t.arg.string({ required: true, description: 'The job ID. An unknown job is a request error NOT_FOUND.' }),
      after: t.arg.string({
        description:
          'The `cursor` of an update. Only later device jobs are sent. A cursor of another job, or text that is not a cursor, is a request error INVALID_CURSOR.',
      }),
    },
    subscribe: async (_root, { jobId, after }, context) => {
      const { deps, viewer } = context
      const job = await findJobKey(deps.db.reads, jobId)
      if (job === undefined) throw new NotFoundError('job', jobId)
      const { jobKey } = job
      const list = listOf(job)
      const cursor = context.lastEventId ?? after
      let place = cursor == null ? beforeAll : readCursor(list, cursor, 'after')

      const batchesOf = ({ places, more, over }: EndedPlaces): readonly Batch[] => {
        const batches: Batch[] = []
        for (let start = 0; start < places.length; start += maxPageSize) {
          const members = places.slice(start, start + maxPageSize)
          const upTo = members.at(-1) ?? beforeAll
          const isEnd = start + maxPageSize >= places.length
          const cursor = encodeCursor(list.name, list.keysOf(upTo))
          const deviceIds = members.map(({ deviceId }) => deviceId)
          const batch = { jobId, cursor, deviceIds, isLast: isEnd && over, hasMore: isEnd && more }
          batches.push(setEventId(batch, cursor))
        }
        return batches
      }
      const findAfter = async (from: EndedPlace): Promise<Found> => {
        let reached = from
        for (;;) {
          const found = await readInTime(deps, askerOf(context), (db) =>
            findEndedPlaces(db, viewer.scope, jobKey, reached, maxFound),
          )
          if (found === undefined) return { after: from, reached, batches: null }
          reached = found.reached
          // Of a foreign job, all places of a read may belong to devices outside the scope.
          if (found.places.length === 0 && found.more) continue
          const batches = batchesOf(found)
          return { after: from, reached, batches: found.over && batches.length === 0 ? null : batches }
        }
      }
      const goOn = ({ reached, batches }: Found): readonly Batch[] | null => {
        place = reached
        return batches
      }
      return pacedRows(context, deps.events.listen('job', jobId), {
        keyOf: () => jobId,
        first: async () => {
          const from = place
          return goOn(await endedJobs.first(context, () => findAfter(from)))
        },
        read: async (_key, event) => {
          const from = place
          const found = await endedJobs.after(context, event, () => findAfter(from))
          const { after } = found
          // The subscription that read first may have been at another place than this one.
          const isMine = after.version === from.version && after.deviceId === from.deviceId
          return goOn(isMine ? found : await readThroughOutage(context, () => findAfter(from)))
        },
        again: ({ hasMore }) => (hasMore ? jobId : undefined),
        isLast: ({ isLast }) => isLast,
      })
    },
    resolve: (batch) => batch,
  }),
)
