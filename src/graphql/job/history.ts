import type { JobHistoryEvent } from '../../job/history.ts'
import { findHistories } from '../../job/store/history.ts'
import { builder } from '../builder.ts'
import { perParent } from '../loaders.ts'
import { JobStatus } from './enums.ts'
import { Job } from './job.ts'

const JobEventType = builder.enumType('JobEventType', {
  description: 'What became of a job.',
  values: {
    SCHEDULED: { value: 'scheduled', description: 'It was created: its status says whether it is due already.' },
    QUEUED: { value: 'queued', description: 'Its start time came.' },
    STARTED: { value: 'started', description: 'Its devices were fixed.' },
    COMPLETED: {
      value: 'completed',
      description: 'Every device job has ended; at the start of a job for which there was no device.',
    },
    FAILED: { value: 'failed', description: 'It could not be carried out as a whole; `reason` says why.' },
    CANCELLED: { value: 'cancelled', description: 'It was cancelled. It may have calls under way.' },
    ENDED: { value: 'ended', description: 'It was cancelled before, and the last call under way has ended now.' },
  } as const,
})

const JobEventCause = builder.enumType('JobEventCause', {
  description: 'What moved a job.',
  values: {
    USER: { value: 'user', description: 'A client asked; `actor` says with whose token.' },
    SCHEDULE: { value: 'schedule', description: 'It was its time, or its turn.' },
    DEVICES: { value: 'devices', description: 'None of its devices had anything left to do.' },
    DEADLINE: { value: 'deadline', description: 'Its time was up.' },
    HUB: { value: 'hub', description: 'The hub found that it cannot be carried out.' },
  } as const,
})

const JobEvent = builder.objectRef<JobHistoryEvent>('JobEvent').implement({
  description: 'What became of a job at one moment. Kept as long as the job is.',
  fields: (t) => ({
    time: t.expose('time', { type: 'DateTime', description: 'When.' }),
    type: t.field({ type: JobEventType, description: 'What.', resolve: ({ type }) => type }),
    status: t.field({
      type: JobStatus,
      description: 'The status of the job after it.',
      resolve: ({ status }) => status,
    }),
    cause: t.field({ type: JobEventCause, description: 'What moved it.', resolve: ({ cause }) => cause }),
    actor: t.exposeString('actor', {
      nullable: true,
      description: 'The policy whose token was shown; null when nobody asked for it.',
    }),
    reason: t.exposeString('reason', {
      nullable: true,
      description: 'Why: as given with a cancellation or a retry; for a job that failed, its `failureReason`.',
    }),
    version: t.exposeInt('version', {
      description:
        'The version of the job after it, as `deviceJobStatistics` tells it; device jobs make others between.',
    }),
  }),
})

// A job has a few events, found by its key: those of 100 jobs among a million take a fifth of a millisecond.
const findOfJob = perParent(findHistories, ({ jobKey }) => jobKey)

builder.prismaObjectField(Job, 'history', (t) =>
  t.field({
    type: [JobEvent],
    select: { key: true },
    complexity: 5, // scheduled, queued, started, cancelled, ended: no job has more
    description: 'What became of it, the oldest event first. Empty for jobs that were made before histories were kept.',
    resolve: ({ key }, _args, context) => findOfJob(context, String(key), undefined),
  }),
)
