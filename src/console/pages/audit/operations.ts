/** The targets that have pages. */
const withPage = ['device', 'job', 'webhook'] as const

/** An operation of the audit. What GraphQL and the REST API call differently is one operation here. */
export type Operation = {
  readonly word: string
  /** Its names in the entries. */
  readonly names: readonly string[]
  /** What its target is. */
  readonly target: (typeof withPage)[number] | 'delivery' | 'device group' | 'job template' | 'job schedule'
}

/** All of them, in the order in which the filter offers them. */
export const operations: readonly Operation[] = [
  { word: 'Schedule method calls', names: ['scheduleDeviceMethod'], target: 'job' },
  { word: 'Schedule twin updates', names: ['scheduleTwinUpdate'], target: 'job' },
  { word: 'Schedule job of template', names: ['scheduleFromTemplate'], target: 'job' },
  { word: 'Schedule job (REST)', names: ['createJob'], target: 'job' },
  { word: 'Retry job', names: ['retryJob'], target: 'job' },
  { word: 'Change job', names: ['updateJob'], target: 'job' },
  { word: 'Approve job', names: ['approveJob'], target: 'job' },
  { word: 'Reject job', names: ['rejectJob'], target: 'job' },
  { word: 'Open wave', names: ['openWave'], target: 'job' },
  { word: 'Pause job', names: ['pauseJob'], target: 'job' },
  { word: 'Resume job', names: ['resumeJob'], target: 'job' },
  { word: 'Cancel job', names: ['cancelJob'], target: 'job' },
  { word: 'Cancel job on devices', names: ['cancelDeviceJobs'], target: 'job' },
  { word: 'Register device', names: ['createDevice'], target: 'device' },
  { word: 'Register devices', names: ['createDevices'], target: 'device' },
  { word: 'Register or change device (REST)', names: ['createOrUpdateDevice'], target: 'device' },
  { word: 'Register, change or delete devices (REST)', names: ['changeDevices'], target: 'device' },
  { word: 'Change device', names: ['updateDevice'], target: 'device' },
  { word: 'Delete device', names: ['deleteDevice'], target: 'device' },
  { word: 'Change twin', names: ['updateTwin'], target: 'device' },
  { word: 'Replace twin (REST)', names: ['replaceTwin'], target: 'device' },
  { word: 'Call method', names: ['invokeDeviceMethod', 'invokeMethod'], target: 'device' },
  { word: 'Save device group', names: ['saveDeviceGroup'], target: 'device group' },
  { word: 'Delete device group', names: ['deleteDeviceGroup'], target: 'device group' },
  { word: 'Create job template', names: ['createJobTemplate'], target: 'job template' },
  { word: 'Change job template', names: ['updateJobTemplate'], target: 'job template' },
  { word: 'Delete job template', names: ['deleteJobTemplate'], target: 'job template' },
  { word: 'Create job schedule', names: ['createJobSchedule'], target: 'job schedule' },
  { word: 'Change job schedule', names: ['updateJobSchedule'], target: 'job schedule' },
  { word: 'Pause job schedule', names: ['pauseJobSchedule'], target: 'job schedule' },
  { word: 'Resume job schedule', names: ['resumeJobSchedule'], target: 'job schedule' },
  { word: 'Delete job schedule', names: ['deleteJobSchedule'], target: 'job schedule' },
  { word: 'Create webhook', names: ['createWebhook'], target: 'webhook' },
  { word: 'Change webhook', names: ['updateWebhook'], target: 'webhook' },
  { word: 'Delete webhook', names: ['deleteWebhook'], target: 'webhook' },
  { word: 'Replace secret of webhook', names: ['rotateWebhookSecret'], target: 'webhook' },
  { word: 'Deliver event again', names: ['redeliverWebhook'], target: 'delivery' },
  { word: 'Read keys', names: ['readKeys'], target: 'device' },
]

const byName = new Map(operations.flatMap((operation) => operation.names.map((name) => [name, operation] as const)))

/** The words for an operation. One that a newer hub has added is shown by its name. */
export const wordOf = (name: string): string => byName.get(name)?.word ?? name

/** The path of the page about the target of an entry; undefined if there is none. */
export function targetPath({ operation, target }: { operation: string; target: string | null }): string | undefined {
  const known = byName.get(operation)
  const page = withPage.find((each) => each === known?.target)
  return page === undefined || target === null ? undefined : `/${page}s/${encodeURIComponent(target)}`
}
