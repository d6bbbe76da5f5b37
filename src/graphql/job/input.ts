import { builder } from '../builder.ts'
import { methodFields } from '../device/method-fields.ts'
import { TwinPatchInput } from '../device/twin-patch.ts'
import { JobOverlapPolicy, JobTargets } from './enums.ts'
import { JobRolloutInput, rollout } from './rollout-input.ts'

const queryCondition =
  "The WHERE clause of an IoT Hub query, such as `tags.site = 'north'`. `*` selects all devices, and `group('north-pumps')` those of a device group. `targets` says when the devices are selected. At most 8192 characters."
const jobId =
  'The job ID: up to 64 letters, digits and dashes, unique among all jobs that are kept. Generated when omitted.'
const startTime =
  'When to start the job: at most 30 days ahead. The job starts now when this is omitted or in the past.'
const maxExecutionTimeInSeconds =
  'Maximum execution time, counted from `startTime`: 1 to 2592000 seconds (30 days). Device jobs that have not ended by then fail.'

export const CloudToDeviceMethodInput = builder.inputType('CloudToDeviceMethodInput', {
  description: 'The direct method to call.',
  fields: (t) => ({
    ...methodFields(t),
    connectTimeoutInSeconds: t.int({
      description:
        'Connection timeout, counted from the start of the job: how long a device may take to connect. 1 to 300 seconds. When 0 or omitted: until the deadline of the job.',
    }),
  }),
})

export const JobExpectationInput = builder.inputType('JobExpectationInput', {
  description:
    'What a client expects of the devices. The job is scheduled only if it holds. Omitted fields are not checked.',
  fields: (t) => ({
    fingerprint: t.string({
      description:
        'The `fingerprint` of a preview. The job is refused when other devices match the condition now, or when one of the devices was deleted or replaced under the same ID. It is also refused when the devices cannot be counted within 20 seconds.',
    }),
    maxDevices: t.int({
      description:
        'Maximum number of devices. The job is refused when more devices match the condition now. When more devices match when they are selected, the job fails and changes no device.',
    }),
  }),
})
const targets = 'When the job selects its devices. AT_START when omitted.'
const onOverlap =
  'What the job does when other jobs have some of the same devices. PARALLEL when omitted, and always for a continuous job.'
const expect =
  'The result of a preview that must still hold, so that the job does not target other devices than the client has seen.'

const JobLabelInput = builder.inputType('JobLabelInput', {
  description: 'A label of a job.',
  fields: (t) => ({
    name: t.string({
      required: true,
      description: 'The name: up to 64 ASCII letters, digits, dots, slashes, dashes and underscores, such as `ticket`.',
    }),
    value: t.string({ required: true, description: 'The value: at most 200 characters.' }),
  }),
})

/** Validated by job/request.ts. */
export const skipCompliant =
  'Whether devices are skipped whose twins the patch would not change. They count as succeeded, their twins keep their versions, and the devices are not notified.'

type InputFields = PothosSchemaTypes.InputFieldBuilder<typeof builder.$inferSchemaTypes, 'InputObject'>

/** What people call a job. Validated by job/naming.ts. */
export const namingFields = (t: InputFields) => ({
  name: t.string({ description: 'What people call the job: at most 200 characters. It need not be unique.' }),
  description: t.string({ description: 'What people should know about the job: at most 2000 characters.' }),
  labels: t.field({
    type: [JobLabelInput],
    description: 'Labels by which `jobs` can be filtered: at most 20, each with another name.',
  }),
})

/** Validated by job/request.ts. */
export const PreviewJobInput = builder.inputType('PreviewJobInput', {
  description: 'The job to preview. At most one of `cloudToDeviceMethod` and `updateTwin` may be given.',
  fields: (t) => ({
    jobId: t.string({ description: 'The job ID. An AlreadyExistsError when it is in use.' }),
    queryCondition: t.string({ required: true, description: queryCondition }),
    cloudToDeviceMethod: t.field({
      type: CloudToDeviceMethodInput,
      description: 'The method that the job would call.',
    }),
    updateTwin: t.field({ type: TwinPatchInput, description: 'The patch that the job would merge into each twin.' }),
    skipCompliant: t.boolean({
      defaultValue: false,
      description: `${skipCompliant} Their number would be \`compliantCount\`. Requires \`updateTwin\`.`,
    }),
    startTime: t.field({ type: 'DateTime', description: startTime }),
    maxExecutionTimeInSeconds: t.int({ defaultValue: 3600, description: maxExecutionTimeInSeconds }),
    targets: t.field({ type: JobTargets, description: targets }),
    onOverlap: t.field({
      type: JobOverlapPolicy,
      description: `${onOverlap} See \`JobOverlap.blocksStart\`.`,
    }),
    rollout: t.field({ type: JobRolloutInput, description: 'How the job would proceed through its devices.' }),
    ...namingFields(t),
  }),
})

/** Validated by job/request.ts. */
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
    targets: t.field({ type: JobTargets, description: targets }),
    onOverlap: t.field({ type: JobOverlapPolicy, description: onOverlap }),
    rollout: t.field({ type: JobRolloutInput, description: rollout }),
    ...namingFields(t),
  }),
})

/** Validated by job/request.ts. */
export const ScheduleTwinUpdateInput = builder.inputType('ScheduleTwinUpdateInput', {
  description: 'A job that merges a patch into many twins.',
  fields: (t) => ({
    jobId: t.string({ description: jobId }),
    queryCondition: t.string({ required: true, description: queryCondition }),
    startTime: t.field({ type: 'DateTime', description: startTime }),
    maxExecutionTimeInSeconds: t.int({ defaultValue: 3600, description: maxExecutionTimeInSeconds }),
    updateTwin: t.field({ type: TwinPatchInput, required: true, description: 'The patch to merge into each twin.' }),
    skipCompliant: t.boolean({ defaultValue: false, description: skipCompliant }),
    expect: t.field({ type: JobExpectationInput, description: expect }),
    targets: t.field({ type: JobTargets, description: targets }),
    onOverlap: t.field({ type: JobOverlapPolicy, description: onOverlap }),
    rollout: t.field({ type: JobRolloutInput, description: rollout }),
    ...namingFields(t),
  }),
})

/** Validated by job/commands.ts. */
export const CancelJobInput = builder.inputType('CancelJobInput', {
  description: 'The job to cancel.',
  fields: (t) => ({
    jobId: t.string({ required: true, description: 'The job ID.' }),
    reason: t.string({
      description:
        'The reason: at most 1024 characters. Stored as the `statusMessage` of the job and in its `history`.',
    }),
  }),
})
