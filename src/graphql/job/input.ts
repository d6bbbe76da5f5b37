import { builder } from '../builder.ts'
import { TwinPatchInput } from '../device/twin-patch.ts'

const queryCondition =
  "Which devices: the WHERE part of an IoT Hub query, such as `tags.site = 'north'`; `*` is all. They are fixed when the job starts. At most 8192 characters."
const jobId = 'Up to 64 letters, digits and dashes, unique among all jobs that are kept. Made by the hub when left out.'
const startTime = 'When to start: at most 30 days ahead; now when left out or past.'
const maxExecutionTimeInSeconds =
  'How long after `startTime` whatever has not ended fails: 1 to 2592000 seconds (30 days).'

const CloudToDeviceMethodInput = builder.inputType('CloudToDeviceMethodInput', {
  description: 'A direct method to be called.',
  fields: (t) => ({
    methodName: t.string({
      required: true,
      description:
        'Its name, as the device knows it: 1 to 100 printable ASCII characters, without `$()<>@,;:\\"/[]?={}+#`.',
    }),
    payload: t.field({
      type: 'JSON',
      description: 'What it is called with: at most 128 KB of JSON. `null` when left out.',
    }),
    responseTimeoutInSeconds: t.int({
      defaultValue: 30,
      description: 'How long a device that has the call may take to answer: 5 to 300 seconds.',
    }),
    connectTimeoutInSeconds: t.int({
      description:
        'How long after the start of the job a device may take to connect: 1 to 300 seconds; 0 or left out, as long as the job has time.',
    }),
  }),
})

const JobExpectationInput = builder.inputType('JobExpectationInput', {
  description: 'What must hold of the devices for a job to be scheduled. Left-out members demand nothing.',
  fields: (t) => ({
    fingerprint: t.string({
      description:
        "A preview's: refused when other devices meet the condition now, one of them was deleted, or replaced under the same name. Also refused when they cannot be counted within 20 seconds.",
    }),
    maxDevices: t.int({
      description:
        'Refused when more devices meet the condition now. Holds when the job starts, too: it fails then, and does nothing to any device.',
    }),
  }),
})
const expect =
  'What a preview has shown and must still hold, so that a job does not meet other devices than you have seen.'

/** Checked by job/request.ts. */
export const PreviewJobInput = builder.inputType('PreviewJobInput', {
  description: 'A job that is thought of. At most one of `cloudToDeviceMethod` and `updateTwin` may be given.',
  fields: (t) => ({
    jobId: t.string({ description: 'The name it would have; an AlreadyExistsError when it is taken.' }),
    queryCondition: t.string({ required: true, description: queryCondition }),
    cloudToDeviceMethod: t.field({ type: CloudToDeviceMethodInput, description: 'The method it would call.' }),
    updateTwin: t.field({ type: TwinPatchInput, description: 'What it would merge into each twin.' }),
    startTime: t.field({ type: 'DateTime', description: startTime }),
    maxExecutionTimeInSeconds: t.int({ defaultValue: 3600, description: maxExecutionTimeInSeconds }),
  }),
})

/** Checked by job/request.ts. */
export const ScheduleDeviceMethodInput = builder.inputType('ScheduleDeviceMethodInput', {
  description: 'A job that calls a direct method on many devices.',
  fields: (t) => ({
    jobId: t.string({ description: jobId }),
    queryCondition: t.string({ required: true, description: queryCondition }),
    startTime: t.field({ type: 'DateTime', description: startTime }),
    maxExecutionTimeInSeconds: t.int({ defaultValue: 3600, description: maxExecutionTimeInSeconds }),
    cloudToDeviceMethod: t.field({
      type: CloudToDeviceMethodInput,
      required: true,
      description: 'The method to call.',
    }),
    expect: t.field({ type: JobExpectationInput, description: expect }),
  }),
})

/** Checked by job/request.ts. */
export const ScheduleTwinUpdateInput = builder.inputType('ScheduleTwinUpdateInput', {
  description: 'A job that merges a patch into many twins.',
  fields: (t) => ({
    jobId: t.string({ description: jobId }),
    queryCondition: t.string({ required: true, description: queryCondition }),
    startTime: t.field({ type: 'DateTime', description: startTime }),
    maxExecutionTimeInSeconds: t.int({ defaultValue: 3600, description: maxExecutionTimeInSeconds }),
    updateTwin: t.field({ type: TwinPatchInput, required: true, description: 'What to merge into each twin.' }),
    expect: t.field({ type: JobExpectationInput, description: expect }),
  }),
})

/** Checked by job/commands.ts. */
export const CancelJobInput = builder.inputType('CancelJobInput', {
  description: 'A job to be cancelled.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job.' }),
    reason: t.string({
      description: "Why: at most 1024 characters. Becomes the job's `statusMessage` and stands in its `history`.",
    }),
  }),
})
