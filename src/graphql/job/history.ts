import type { DeviceJobCancellation } from '../../job/cancel-device-jobs.ts'
import type { JobHistoryEvent } from '../../job/history.ts'
import { findHistories, findSchedulers } from '../../job/store/history.ts'
import { builder } from '../builder.ts'
import { maxPageSize } from '../limits.ts'
import { perParent } from '../loaders.ts'
import { mayFail } from '../may-fail.ts'
import { withoutScope } from '../without-scope.ts'
import { JobAbort } from './abort-rule.ts'
import { JobStatus } from './enums.ts'
import { isForeign } from './foreign-job.ts'
import { Job, ofJob } from './job.ts'
import { countOf, listComplexity, sizeOf } from './short-list.ts'

const JobEventType = builder.enumType('JobEventType', {
  description: 'The type of a job event.',
  values: {
    SCHEDULED: { value: 'scheduled', description: 'The job was created. `status` shows whether it is already due.' },
    APPROVED: {
      value: 'approved',
      description:
        'Somebody else than who scheduled the job approved it, so that it waits for its start time; or approved the wave after `wave`.',
    },
    REJECTED: {
      value: 'rejected',
      description: 'The job was rejected instead of approved, and has ended; or the wave after `wave` was.',
    },
    DEVICES_SELECTED: {
      value: 'devicesSelected',
      description: 'The devices were selected before the start, as `targets` says. See `deviceCount`.',
    },
    QUEUED: { value: 'queued', description: 'The start time was reached.' },
    WAITING: {
      value: 'waiting',
      description:
        'The job should have started, and waits for another one with some of the same devices, as `onOverlap` says. `reason` has the first job that it waits for, and `Job.blockers` the present one.',
    },
    STARTED: {
      value: 'started',
      description: 'The job started. Its device list is frozen from now on, unless it is continuous.',
    },
    DEVICES_JOINED: {
      value: 'devicesJoined',
      description:
        'Devices that started to match joined the continuous job. Those of a day are one event, until another one follows. See `deviceCount`.',
    },
    WAVE_OPENED: {
      value: 'waveOpened',
      description: 'A wave was opened, by a client or because the gate before it had passed. See `wave`.',
    },
    GATE_PASSED: {
      value: 'gatePassed',
      description: 'The gate of a wave has passed, and the next wave waits for an approval. See `wave`.',
    },
    PAUSED: { value: 'paused', description: 'The job was paused. Calls may still be in progress.' },
    RESUMED: {
      value: 'resumed',
      description: 'The job was resumed. `status` shows whether it runs or waits for its start.',
    },
    UPDATED: { value: 'updated', description: 'A client changed the job. See `changed`.' },
    DEVICES_CANCELLED: {
      value: 'devicesCancelled',
      description: 'A client cancelled device jobs. The job goes on with the others. See `cancellation`.',
    },
    COMPLETED: {
      value: 'completed',
      description: 'Every device job has ended. A job without devices completes at its start.',
    },
    FAILED: { value: 'failed', description: 'The job as a whole could not be carried out. See `reason`.' },
    CANCELLED: { value: 'cancelled', description: 'The job was cancelled. Calls may still be in progress.' },
    ENDED: { value: 'ended', description: 'The last call in progress of a cancelled job has ended.' },
  } as const,
})

const JobEventCause = builder.enumType('JobEventCause', {
  description: 'The cause of a job event.',
  values: {
    USER: { value: 'user', description: 'A client requested it. `actor` has its person or policy.' },
    SCHEDULE: {
      value: 'schedule',
      description:
        'The start time was reached, or a slot was free. Of the event SCHEDULED: a job schedule has made the job, on behalf of `actor`.',
    },
    DEVICES: {
      value: 'devices',
      description: 'All device jobs have ended, the job had no devices, or devices joined it.',
    },
    DEADLINE: { value: 'deadline', description: 'The deadline was reached.' },
    HUB: {
      value: 'hub',
      description:
        'The hub found that the job cannot be carried out, or that it has to wait for another job, or has selected its devices.',
    },
    RULE: { value: 'rule', description: 'An abort rule of the job acted. See `abort`.' },
    GATE: { value: 'gate', description: 'A gate has passed or failed. See `wave`, and `reason` for what it counted.' },
  } as const,
})

const Cancellation = builder.objectRef<DeviceJobCancellation>('DeviceJobCancellation').implement({
  description: 'Which device jobs a client has cancelled.',
  fields: (t) => ({
    deviceId: t.string({
      nullable: true,
      description: 'The device whose device job was cancelled. Null for a condition.',
      resolve: ({ deviceId }) => deviceId ?? null,
    }),
    queryCondition: t.string({
      nullable: true,
      description: 'The condition that the devices matched. Null for a single device.',
      resolve: ({ queryCondition }) => queryCondition ?? null,
    }),
    cancelledCount: t.exposeInt('cancelled', { description: 'Number of device jobs that were cancelled.' }),
    callsInProgress: t.exposeInt('underWay', {
      description: 'Number of selected device jobs whose calls were in progress, and went on.',
    }),
  }),
})

const JobEvent = builder.objectRef<JobHistoryEvent>('JobEvent').implement({
  description: 'What happened to a job. Kept as long as the job.',
  fields: (t) => ({
    time: t.expose('time', { type: 'DateTime', description: 'When the event happened.' }),
    type: t.field({ type: JobEventType, description: 'The type of the event.', resolve: ({ type }) => type }),
    status: t.field({
      type: JobStatus,
      description: 'The status of the job after the event.',
      resolve: ({ status }) => status,
    }),
    cause: t.field({ type: JobEventCause, description: 'The cause of the event.', resolve: ({ cause }) => cause }),
    actor: t.exposeString('actor', {
      nullable: true,
      description:
        'The name of the person or of the shared access policy that requested it. Null when no client requested it.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description:
        'The reason that was given for an approval, a rejection, a cancellation (of the job or of device jobs), a pause, a resumption, a change or a retry. For a job of a job schedule, the planned time. For a failed job, its `failureReason`. For an abort rule and a gate, what it counted. For a job that waits, the job that it waits for. Null when there is no reason, and for a job that was not scheduled under your scope.',
    }),
    changed: t.stringList({
      description:
        'The members of the job that a client has changed, by their names in `UpdateJobInput`. Empty for other events.',
      resolve: ({ changed }) => [...(changed ?? [])],
    }),
    cancellation: t.field({
      type: Cancellation,
      nullable: true,
      description:
        'The device jobs that a client has cancelled. Null for other types, and for a job that was not scheduled under your scope.',
      resolve: ({ cancellation }) => cancellation,
    }),
    abort: t.field({
      type: JobAbort,
      nullable: true,
      description:
        'The abort rule that paused or cancelled the job, and what it counted. Null for other causes, and for a job that was not scheduled under your scope.',
      resolve: ({ crossing }) => crossing,
    }),
    wave: t.exposeInt('wave', {
      nullable: true,
      description:
        'The wave that was opened, or whose gate passed, failed, or was approved or rejected. Null for other events.',
    }),
    deviceCount: t.exposeInt('deviceCount', {
      nullable: true,
      description:
        'The number of devices that were selected or joined. Null for other events, and for a job that was not scheduled under your scope.',
    }),
    version: t.exposeInt('version', {
      description:
        'The version of the job after the event, as in `deviceJobStatistics`. Changes of device jobs create versions between events.',
    }),
  }),
})

/** More than most jobs have: one that is neither paused nor changed has at most five. */
const usualEvents = 20

// Events are found by the key of their job: those of 100 jobs among a million take 0.2 ms.
const findOfJob = perParent(withoutScope(findHistories), ({ jobKey }) => jobKey)
const findSchedulerOf = perParent(withoutScope(findSchedulers), ({ jobKey }) => jobKey)

builder.objectField(Job, 'history', (t) =>
  t.field({
    type: [JobEvent],
    ...ofJob('key'),
    complexity: ({ last }) => listComplexity(countOf(last, usualEvents, maxPageSize)),
    ...mayFail(
      `The newest events of the job, the oldest of them first: ${usualEvents} unless \`last\` says otherwise. A job that is paused or changed often has up to about 1,000. Empty for jobs that were created before the hub kept histories.`,
    ),
    args: {
      last: t.arg.int({
        defaultValue: usualEvents,
        description: `Maximum number of events: 1 to ${maxPageSize}.`,
      }),
      before: t.arg.int({
        description: 'Only events of a smaller `version`: with that of the first event, the events before it.',
      }),
    },
    resolve: async (job, { last, before }, context) => {
      const page = { last: sizeOf(last, usualEvents, maxPageSize, 'last'), before: before ?? null }
      const events = await findOfJob(context, job.key, page)
      return isForeign(job, context)
        ? events.map((event) => ({ ...event, reason: null, crossing: null, cancellation: null, deviceCount: null }))
        : [...events]
    },
  }),
)

builder.objectField(Job, 'createdBy', (t) =>
  t.string({
    nullable: true,
    ...ofJob('key', 'createdBy'),
    description:
      'The name of the person or policy that scheduled the job. Null for jobs that were created before the hub kept it.',
    // The histories of older jobs have it.
    resolve: async ({ key, createdBy }, _args, context) =>
      createdBy ?? (await findSchedulerOf(context, key, undefined))[0]?.actor ?? null,
  }),
)
