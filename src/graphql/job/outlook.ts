import { type JobBlocker as Blocker, blockersOf, neededFindings } from '../../job/blockers.ts'
import type { PreviewCount as Count } from '../../job/preview.ts'
import { etaOf, type JobInTime, noOutcomes, throughputOf } from '../../job/progress.ts'
import { countNotConnected, findQueuePositions, findRecentOutcomes } from '../../job/store/progress.ts'
import { boundedReads } from '../bounded-reads.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { perParentInTime } from '../loaders.ts'
import { memberOf } from '../member.ts'
import { PreviewCount } from './capped-count.ts'
import { jobStatuses, jobTypes } from './enums.ts'
import { counters, Job } from './job.ts'

/** Devices that are not connected are counted up to this. */
const mostNotConnected = 10_000

// Read for all jobs of a page at once, and once for all fields that need them. The outcomes of 100 jobs, and a queue of
// hundreds of thousands, take the database a second or more.
const recentOutcomes = perParentInTime(findRecentOutcomes, ({ jobId }) => jobId)
const queuePositions = perParentInTime(findQueuePositions, ({ jobId }) => jobId)
// All pending device jobs may have to be looked at, and no event tells of devices that connect: it may be somewhat old.
const notConnected = boundedReads('devices that are not connected', countNotConnected, ({ jobId }) => jobId)

const awayFrom = async (context: Context, jobId: string) =>
  (await notConnected(context.deps, jobId, { limit: mostNotConnected + 1 }))[0]

const cappedAt = (maximum: number, count: number): Count =>
  count > maximum ? { value: maximum, precision: 'atLeast' } : { value: count, precision: 'exact' }

// Blockers

const JobBlockerReason = builder.enumType('JobBlockerReason', {
  description: 'What a job can wait for.',
  values: {
    START_TIME: { value: 'startTime', description: 'Its time; see `until`.' },
    SLOT: { value: 'slot', description: 'One of the running jobs has to make room; see `position`.' },
    DEVICES_NOT_CONNECTED: {
      value: 'devicesNotConnected',
      description: 'Devices have to connect before their method can be called; see `deviceCount`.',
    },
    CALLS_UNDER_WAY: {
      value: 'callsUnderWay',
      description: 'Nothing is left to do but to await the answers to the last calls; see `deviceCount`.',
    },
  } as const,
})

const JobBlocker = builder.objectRef<Blocker>('JobBlocker').implement({
  description: 'Something that a job waits for.',
  fields: (t) => ({
    reason: t.field({ type: JobBlockerReason, description: 'What it is.', resolve: ({ reason }) => reason }),
    message: t.exposeString('message', { description: 'The same for people.' }),
    until: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When it is over; only for START_TIME.',
      resolve: (blocker) => (blocker.reason === 'startTime' ? blocker.until : null),
    }),
    position: t.int({
      nullable: true,
      description: 'Which of the waiting jobs it is, 1 is next; only for SLOT.',
      resolve: (blocker) => (blocker.reason === 'slot' ? blocker.position : null),
    }),
    deviceCount: t.field({
      type: PreviewCount,
      nullable: true,
      description: `How many devices it is about, counted up to ${mostNotConnected}; only for DEVICES_NOT_CONNECTED and CALLS_UNDER_WAY.`,
      resolve: (blocker) => ('deviceCount' in blocker ? blocker.deviceCount : null),
    }),
  }),
})

builder.prismaObjectField(Job, 'blockers', (t) =>
  t.field({
    type: [JobBlocker],
    select: { id: true, type: true, status: true, startTime: true, endTime: true, ...counters },
    // All devices of the job may have to be looked at.
    complexity: { field: 20, multiplier: 1 },
    description:
      'What it waits for. Nothing when it has ended, or goes on by itself, at whatever pace the throttle of jobs sets. Devices that are not connected are counted now and then where the job is large; an error LIMIT_EXCEEDED when the hub has no time for that.',
    resolve: async (row, _args, context) => {
      const job = { ...row, type: memberOf(jobTypes, row.type), status: memberOf(jobStatuses, row.status) }
      const needed = neededFindings(job)
      const position = needed.position ? (await queuePositions(context, job.id, undefined))[0]?.position : undefined
      const away = needed.notConnected ? await awayFrom(context, job.id) : undefined
      const findings = { position, notConnected: away && cappedAt(mostNotConnected, away.count) }
      return blockersOf(job, findings, context.deps.clock.now())
    },
  }),
)

// Pace

const timed = { id: true, status: true, startedTime: true, endTime: true, deadline: true, ...counters } as const

type Row = Omit<JobInTime, 'status'> & { readonly id: string; readonly status: string }

const inTime = (row: Row): JobInTime => ({ ...row, status: memberOf(jobStatuses, row.status) })

async function throughput(row: Row, context: Context): Promise<number> {
  const goesOn = row.startedTime !== null && row.endTime === null
  const [recent] = goesOn ? await recentOutcomes(context, row.id, undefined) : []
  return throughputOf(inTime(row), recent ?? noOutcomes, context.deps.clock.now())
}

builder.prismaObjectField(Job, 'throughput', (t) =>
  t.float({
    select: timed,
    complexity: { field: 5, multiplier: 1 },
    description:
      'How many of its device jobs end a second: in the last ten seconds while it runs, from start to end when it has ended, without those that were spared by its cancellation. 0 until it has started.',
    resolve: (job, _args, context) => throughput(job, context),
  }),
)

builder.prismaObjectField(Job, 'eta', (t) =>
  t.field({
    type: 'DateTime',
    nullable: true,
    select: timed,
    complexity: { field: 20, multiplier: 1 },
    description:
      'When it will have ended, should it go on as fast as in the last ten seconds: at its deadline at the latest, and also when nothing moves. When all that is pending waits for devices to connect, not before the end of that wait. Null when it does not run.',
    resolve: async (row, _args, context) => {
      const job = inTime(row)
      if (job.status !== 'running') return null
      const [pace, away] = await Promise.all([throughput(row, context), awayFrom(context, row.id)])
      return etaOf(job, pace, away, context.deps.clock.now())
    },
  }),
)
