import { builder } from '../builder.ts'

/** As the job's row has them. */
export const jobTypes = ['scheduleDeviceMethod', 'scheduleUpdateTwin'] as const
/** As the job's row has them. */
export const jobStatuses = ['queued', 'scheduled', 'running', 'completed', 'failed', 'cancelled'] as const

/** What a job does to each of its devices. */
export const JobType = builder.enumType('JobType', {
  description: 'What a job does to each of its devices.',
  values: {
    SCHEDULE_DEVICE_METHOD: { value: 'scheduleDeviceMethod', description: 'It calls a direct method.' },
    SCHEDULE_UPDATE_TWIN: { value: 'scheduleUpdateTwin', description: 'It merges a patch into the twin.' },
  } as const,
})

/** Where a job is in its life. */
export const JobStatus = builder.enumType('JobStatus', {
  description: 'Where a job is in its life. A job that has done what it could is COMPLETED, whatever came of it.',
  values: {
    SCHEDULED: { value: 'scheduled', description: 'Its start time has not come.' },
    QUEUED: { value: 'queued', description: 'It is due and waits for one of the running jobs to make room.' },
    RUNNING: { value: 'running', description: 'Its devices are fixed and being worked on.' },
    COMPLETED: { value: 'completed', description: 'Every device job has ended.' },
    FAILED: { value: 'failed', description: 'The job as a whole could not be carried out; see `failureReason`.' },
    CANCELLED: { value: 'cancelled', description: 'It was cancelled. It ends when its calls under way have.' },
  } as const,
})

/** What came of a job that has ended; see job/state.ts. */
export const JobOutcome = builder.enumType('JobOutcome', {
  description: 'What came of a job that has ended.',
  values: {
    SUCCEEDED: { value: 'succeeded', description: 'Nothing failed, also when there were no devices.' },
    PARTIALLY_FAILED: { value: 'partiallyFailed', description: 'Some devices failed.' },
    FAILED: { value: 'failed', description: 'The job failed, or not one of its devices succeeded.' },
    CANCELLED: { value: 'cancelled', description: 'It was cancelled.' },
  } as const,
})
