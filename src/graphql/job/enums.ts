import { builder } from '../builder.ts'

/** What a job does to each of its devices. */
export const JobType = builder.enumType('JobType', {
  description: 'What a job does to each of its devices.',
  values: {
    SCHEDULE_DEVICE_METHOD: {
      value: 'scheduleDeviceMethod',
      description: 'The job calls a direct method on each device.',
    },
    SCHEDULE_UPDATE_TWIN: {
      value: 'scheduleUpdateTwin',
      description: 'The job merges a patch into the twin of each device.',
    },
  } as const,
})

/** The status of a job. */
export const JobStatus = builder.enumType('JobStatus', {
  description:
    'The status of a job. A job that has run to its end is COMPLETED, even if devices failed. `Job.outcome` has the result.',
  values: {
    WAITING_FOR_APPROVAL: {
      value: 'waitingForApproval',
      description: 'The job waits until somebody else than who scheduled it approves or rejects it.',
    },
    SCHEDULED: { value: 'scheduled', description: 'The job waits for its start time.' },
    QUEUED: { value: 'queued', description: 'The job is due and waits until a running job frees a slot.' },
    RUNNING: { value: 'running', description: 'The devices are selected, and the job processes them.' },
    PAUSED: {
      value: 'paused',
      description:
        'A client or an abort rule has paused the job. It sends no calls and changes no twins until it is resumed. Calls in progress may still be answered.',
    },
    COMPLETED: { value: 'completed', description: 'Every device job has ended.' },
    FAILED: { value: 'failed', description: 'The job as a whole could not be carried out. See `failureReason`.' },
    CANCELLED: {
      value: 'cancelled',
      description: 'The job was cancelled. It ends when its calls in progress have ended.',
    },
  } as const,
})

/** When a job selects its devices. */
export const JobTargets = builder.enumType('JobTargets', {
  description: 'When a job selects its devices.',
  values: {
    AT_START: { value: 'atStart', description: 'When the job starts.' },
    AT_CREATION: {
      value: 'atCreation',
      description:
        'Right after the job is created, whenever it starts; `Job.selectedTime` says when. Later changes of devices do not matter. A device that is deleted before its turn fails.',
    },
    CONTINUOUS: {
      value: 'continuous',
      description:
        'When the job starts and from then on: a device that starts to match joins the job, each device once. The job runs until its deadline, or until it is cancelled.',
    },
  } as const,
})

/** What a job does when others have some of its devices. */
export const JobOverlapPolicy = builder.enumType('JobOverlapPolicy', {
  description: 'What a job does when other jobs have some of the same devices.',
  values: {
    PARALLEL: { value: 'parallel', description: 'It starts all the same. A device may be called by both at a time.' },
    QUEUE: {
      value: 'queue',
      description:
        'It waits. It does not start while a job that has started has an open device job of one of its devices. Meanwhile it takes no slot, and its deadline stays where it is.',
    },
    REFUSE: {
      value: 'refuse',
      description:
        'It is not scheduled while an open job that may run at the same time has some of its devices: the result is a ConflictError. Where that turns out at its start only, it fails then and changes no device.',
    },
  } as const,
})

/** The outcome of a job that has ended. job/state.ts has the rule. */
export const JobOutcome = builder.enumType('JobOutcome', {
  description: 'The outcome of a job that has ended.',
  values: {
    SUCCEEDED: { value: 'succeeded', description: 'Every device succeeded, except for those that were cancelled.' },
    PARTIALLY_FAILED: {
      value: 'partiallyFailed',
      description: 'Some devices succeeded. Others failed, or answered with a status of 400 or more.',
    },
    FAILED: {
      value: 'failed',
      description:
        'The job as a whole failed, or no device succeeded: each one failed, or answered with a status of 400 or more.',
    },
    CANCELLED: { value: 'cancelled', description: 'The job was cancelled, or each of its device jobs was.' },
    NO_DEVICES: { value: 'noDevices', description: 'No device matched the condition when the devices were selected.' },
  } as const,
})
