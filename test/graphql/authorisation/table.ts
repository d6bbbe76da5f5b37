import type { Right } from '../../../src/access/rights.ts'

// What each field and argument of the schema needs, and what the scope of a viewer does to it. table.test.ts fails for a
// field or argument that is not here.

/** What the scope of a viewer does to a field, an argument or a member of an input. */
type Effect =
  /** Nothing: it is the same for all viewers. */
  | 'same'
  /** It is about the viewer. */
  | 'viewer'
  /** It shows, or names, a device: one outside of the scope is as unknown as one that does not exist. */
  | 'device'
  /** It counts, lists or selects devices, or follows from them: only those in the scope. */
  | 'devices'
  /** It is about a job: that of another scope is reduced. */
  | 'job'
  /** It is about all devices: it is refused to a viewer with a scope. */
  | 'all'

/** Names by effect, separated by spaces. Arguments are written as `field(argument:)`. */
type OfType = { readonly [Name in Effect]?: string }

const error: OfType = { same: 'code message' }
const connection: OfType = { devices: 'edges nodes pageInfo totalCount' }
const schedule: OfType = {
  same: 'description expect jobId labels maxExecutionTimeInSeconds name onOverlap rollout startTime targets',
  devices: 'queryCondition',
}

export const table: Readonly<Record<string, OfType>> = {
  Query: {
    same: `deviceGroup deviceGroup(name:) deviceGroups deviceGroups(after:) deviceGroups(first:) hub
      jobTemplate jobTemplate(templateId:) jobTemplates jobTemplates(after:) jobTemplates(first:)
      jobSchedule jobSchedule(scheduleId:) jobSchedules jobSchedules(after:) jobSchedules(first:)`,
    viewer: 'viewer',
    device: 'device device(deviceId:) node node(id:) nodes nodes(ids:)',
    devices: `devices devices(after:) devices(before:) devices(first:) devices(last:) devices(orderBy:)
      devices(queryCondition:) previewJob previewJob(input:) twinPaths twinPaths(first:) twinPaths(prefix:)`,
    job: 'job job(jobId:) jobs jobs(after:) jobs(before:) jobs(filter:) jobs(first:) jobs(last:) jobs(orderBy:)',
    all: `auditLog auditLog(after:) auditLog(filter:) auditLog(first:) webhook webhook(webhookId:) webhooks
      webhooks(after:) webhooks(first:)`,
  },
  Mutation: {
    device: `createDevice createDevice(input:) createDevices createDevices(input:) deleteDevice deleteDevice(input:)
      invokeDeviceMethod invokeDeviceMethod(input:) updateDevice updateDevice(input:) updateTwin updateTwin(input:)`,
    same: `createJobSchedule createJobSchedule(input:) deleteJobSchedule deleteJobSchedule(input:) pauseJobSchedule
      pauseJobSchedule(input:) resumeJobSchedule resumeJobSchedule(input:) updateJobSchedule updateJobSchedule(input:)`,
    devices: `scheduleDeviceMethod scheduleDeviceMethod(input:) scheduleFromTemplate scheduleFromTemplate(input:)
      scheduleTwinUpdate scheduleTwinUpdate(input:)`,
    job: `approveJob approveJob(input:) cancelDeviceJobs cancelDeviceJobs(input:) cancelJob cancelJob(input:) openWave openWave(input:) pauseJob pauseJob(input:) rejectJob rejectJob(input:)
      resumeJob resumeJob(input:) retryJob retryJob(input:) updateJob updateJob(input:)`,
    all: `createJobTemplate createJobTemplate(input:) createWebhook createWebhook(input:) deleteJobTemplate
      deleteJobTemplate(input:) updateJobTemplate updateJobTemplate(input:) deleteDeviceGroup deleteDeviceGroup(input:) deleteWebhook deleteWebhook(input:) redeliverWebhook
      redeliverWebhook(input:) rotateWebhookSecret rotateWebhookSecret(input:) saveDeviceGroup saveDeviceGroup(input:)
      updateWebhook updateWebhook(input:)`,
  },
  Subscription: {
    same: 'definitionChanged definitionChanged(kind:)',
    device: 'telemetry telemetry(deviceId:) twinUpdated twinUpdated(deviceId:)',
    devices: 'devicePresenceChanged devicePresenceChanged(queryCondition:)',
    job: `deviceJobEnded deviceJobEnded(after:) deviceJobEnded(jobId:) deviceJobStatistics deviceJobStatistics(after:)
      deviceJobStatistics(jobId:) jobChanged jobChanged(filter:) jobUpdated jobUpdated(filter:)`,
  },

  Viewer: { viewer: 'expiresAt issuer kind name rights roles scope subject' },
  Hub: { same: 'limits name version' },
  HubLimits: {
    same: 'answerBytes documentTokens newDevices operationsPerSocket pageSize requestBytes trustedDocumentsOnly',
  },

  AuditEntry: { all: 'actor address code detail id issuer kind operation outcome subject target time' },
  AuditConnection: { all: 'edges nodes pageInfo' },
  AuditEdge: { all: 'cursor node' },

  DeviceGroup: {
    same: 'createdTime description etag id name queryCondition updatedBy updatedTime',
    devices: 'deviceCount',
  },
  DeviceGroupConnection: { same: 'edges nodes pageInfo' },
  DeviceGroupEdge: { same: 'cursor node' },

  JobTemplate: {
    same: `cloudToDeviceMethod createdTime description etag id labels maxExecutionTimeInSeconds name queryCondition rollout
      skipCompliant targets onOverlap templateId type updateTwin updatedBy updatedTime`,
  },
  JobTemplateConnection: { same: 'edges nodes pageInfo' },
  JobTemplateEdge: { same: 'cursor node' },

  JobSchedule: {
    same: `author createdTime cron description endTime etag id nextTimes nextTimes(first:) onMissed onOverlap runs runs(first:)
      scheduleId scope status statusReason template templateId timeZone`,
  },
  JobScheduleRun: { same: 'jobId outcome reason time', job: 'job' },
  JobScheduleConnection: { same: 'edges nodes pageInfo' },
  JobScheduleEdge: { same: 'cursor node' },

  Webhook: {
    all: `createdBy createdTime deliveries deliveries(after:) deliveries(filter:) deliveries(first:) description
      disabledReason enabled events failureShare id minimumDevices url webhookId`,
  },
  WebhookConnection: { all: 'edges nodes pageInfo' },
  WebhookEdge: { all: 'cursor node' },
  WebhookDelivery: {
    all: `attempts createdTime deliveryId endTime error event id jobId nextAttemptTime responseStatus responseText
      status`,
  },
  WebhookDeliveryConnection: { all: 'edges nodes pageInfo' },
  WebhookDeliveryEdge: { all: 'cursor node' },

  Node: { device: 'id' },
  PageInfo: { devices: 'endCursor hasNextPage hasPreviousPage startCursor' },
  Device: {
    device: `authentication connectionState deviceId etag generationId id lastActivityTime status statusReason twin
      deviceJobs deviceJobs(after:) deviceJobs(first:)`,
  },
  DeviceAuthentication: { device: 'symmetricKey type x509Thumbprint' },
  SymmetricKey: { device: 'primaryKey secondaryKey' },
  X509Thumbprint: { device: 'primaryThumbprint secondaryThumbprint' },
  DeviceConnection: connection,
  DeviceEdge: { device: 'cursor node' },
  Twin: { device: 'device etag id properties tags version' },
  TwinProperties: { device: 'desired reported' },
  TwinSection: { device: 'metadata value version' },
  TwinPath: { devices: 'deviceCount path sampleValues types' },
  Telemetry: { device: 'body contentType deviceId enqueuedTime properties' },
  DevicePresenceUpdate: { devices: 'deletedDeviceIds deletedIds devices initial' },

  Job: {
    same: `createdBy createdTime deadline id jobId jobSchedule labels maxExecutionTimeInSeconds name queryCondition resultsUrl selectedTime startTime startedTime status
      onOverlap skipCompliant targets version type endTime`,
    job: `blockers cloudToDeviceMethod description deviceJobStatistics drift eta failureGroups failureGroups(first:) failureReason family
      history history(before:) history(last:) matchedCount maxDevices outcome retries retryOf retrySelection rollout samples statusMessage throughput updateTwin waves windows
      deviceJobs deviceJobs(after:) deviceJobs(before:) deviceJobs(filter:) deviceJobs(first:) deviceJobs(last:) deviceJobs(orderBy:)`,
  },
  JobLabel: { same: 'name value' },

  CloudToDeviceMethod: { job: 'connectTimeoutInSeconds methodName payload responseTimeoutInSeconds' },
  DeviceJob: {
    device: 'attempts device deviceId earlierAttempts endTime error id job outcome result skipped startTime status',
  },
  DeviceJobAttempt: { device: 'endTime error nextTime number responseStatus startTime' },
  DeviceJobConnection: connection,
  DeviceJobEdge: { device: 'cursor node' },
  DeviceJobEndedUpdate: { devices: 'cursor deviceJobs', job: 'job' },
  DeviceJobError: { device: 'code description' },
  DeviceJobStatistics: {
    devices:
      'cancelledCount deviceCount failedCount pendingCount refusedCount runningCount skippedCount succeededCount',
  },
  DeviceJobStatisticsUpdate: { devices: 'deviceJobStatistics', job: 'job version' },
  DeviceMethodResponse: { device: 'payload status' },
  FailureGroup: { devices: 'code count message responseStatus sample sample(first:) share' },
  JobDrift: { job: 'left' },
  JobBlocker: { job: 'deviceCount job message position reason until' },
  JobConnection: { job: 'edges nodes pageInfo totalCount' },
  JobEdge: { job: 'cursor node' },
  JobAbort: {
    job: 'action afterDevices callsInProgress endedCount errorCode matchedCount on percent reachedPercent responseStatus',
  },
  JobAbortRule: { job: 'action afterDevices endedCount errorCode hasActed matchedCount on percent responseStatus' },
  JobWave: {
    job: 'closedTime deviceJobStatistics devices gate gateOutcome number openedTime percent queryCondition soakEndTime status',
  },
  JobGate: { job: 'approval onFailure soakSeconds succeededPercent' },
  DisruptionBudget: { job: 'groupBy maxConcurrent' },
  JobRollout: { job: 'abort approval budget maxConcurrent maxPerMinute ramp retry window' },
  JobRamp: { job: 'afterSucceeded factor from nextStep perMinute' },
  JobRampStep: { job: 'afterSucceeded perMinute' },
  TimeWindow: { job: 'days from timeZone timeZoneFrom to' },
  JobWindow: { job: 'closeTime deviceCount isOpen openTime timeZone' },
  RetryPolicy: { job: 'backoffSeconds factor maxAttempts maxBackoffSeconds on' },
  DeviceJobCancellation: { job: 'callsInProgress cancelledCount deviceId queryCondition' },
  JobEvent: { job: 'abort actor cancellation cause changed deviceCount reason status time type version wave' },
  RetrySelection: { job: 'errorCode responseStatus result status' },
  JobSample: { job: 'deviceJobStatistics time' },
  JobFamily: { job: 'jobs', devices: 'statistics' },
  JobOverlap: { devices: 'blocksStart deviceCount', job: 'job propertyPaths' },
  JobUpdate: { job: 'edge isNew job removedId' },
  DefinitionUpdate: { same: 'definitions deletedIds initial' },
  JobPreview: {
    devices:
      'compliantCount connectedCount deviceCount devices expectedDurationInSeconds fingerprint maxOfflineWaitInSeconds openTimes overlaps shortestDurationInSeconds waveSizes',
  },
  PreviewOpenTime: { devices: 'closeTime openTime' },
  PreviewCount: { devices: 'precision value' },

  OpenWavePayload: { job: 'job jobId' },
  ApproveJobPayload: { job: 'job jobId' },
  RejectJobPayload: { job: 'job jobId' },
  CancelJobPayload: { job: 'job jobId' },
  CancelDeviceJobsPayload: { devices: 'callsInProgress cancelledCount', job: 'job jobId' },
  PauseJobPayload: { job: 'callsInProgress job jobId' },
  ResumeJobPayload: { job: 'job jobId' },
  UpdateJobPayload: { job: 'job jobId' },
  CreateDevicePayload: { device: 'device' },
  CreateDevicesPayload: { device: 'results' },
  DeleteDevicePayload: { device: 'deviceId id' },
  InvokeDeviceMethodPayload: { device: 'payload status' },
  RetryJobPayload: { job: 'job jobId' },
  ScheduleJobPayload: { job: 'job jobId' },
  UpdateDevicePayload: { device: 'device' },
  UpdateTwinPayload: { device: 'device twin' },

  DeleteDeviceGroupPayload: { all: 'id name' },
  SaveDeviceGroupPayload: { all: 'deviceGroup' },
  CreateJobTemplatePayload: { all: 'jobTemplate' },
  UpdateJobTemplatePayload: { all: 'jobTemplate' },
  DeleteJobTemplatePayload: { all: 'id templateId' },
  CreateJobSchedulePayload: { same: 'jobSchedule' },
  UpdateJobSchedulePayload: { same: 'jobSchedule' },
  PauseJobSchedulePayload: { same: 'jobSchedule' },
  ResumeJobSchedulePayload: { same: 'jobSchedule' },
  DeleteJobSchedulePayload: { same: 'id scheduleId' },
  CreateWebhookPayload: { all: 'secret webhook' },
  DeleteWebhookPayload: { all: 'id webhookId' },
  RedeliverWebhookPayload: { all: 'delivery' },
  RotateWebhookSecretPayload: { all: 'secret webhook' },
  UpdateWebhookPayload: { all: 'webhook' },

  Error: error,
  AlreadyExistsError: error,
  BadDeviceResponseError: error,
  ConflictError: error,
  DeviceOfflineError: error,
  DeviceTimeoutError: error,
  ExpectationFailedError: { ...error, devices: 'deviceCount fingerprint' },
  InvalidInputError: { same: 'code message path' },
  LimitExceededError: { same: 'code message retryAfterSeconds' },
  NotFoundError: { same: 'code kind message' },
  PreconditionError: error,
  QueryConditionError: { same: 'code column line message' },

  AuditFilter: { all: 'actor operation outcome subject target time' },
  OpenWaveInput: { job: 'jobId', same: 'reason wave' },
  ApproveJobInput: { job: 'jobId', same: 'reason wave' },
  RejectJobInput: { job: 'jobId', same: 'reason wave' },
  CancelJobInput: { job: 'jobId', same: 'reason' },
  CancelDeviceJobsInput: { job: 'jobId', device: 'deviceId', devices: 'queryCondition', same: 'reason' },
  PauseJobInput: { job: 'jobId', same: 'reason' },
  ResumeJobInput: { job: 'jobId', same: 'reason' },
  UpdateJobInput: {
    job: 'jobId',
    same: 'description extendBySeconds labels maxExecutionTimeInSeconds name reason rollout',
  },
  DeleteDeviceGroupInput: { all: 'ifMatch name' },
  SaveDeviceGroupInput: { all: 'description ifMatch name queryCondition' },
  CreateJobTemplateInput: {
    all: 'cloudToDeviceMethod description labels maxExecutionTimeInSeconds name onOverlap queryCondition rollout skipCompliant targets templateId updateTwin',
  },
  UpdateJobTemplateInput: {
    all: `cloudToDeviceMethod description ifMatch labels maxExecutionTimeInSeconds name onOverlap queryCondition rollout skipCompliant targets
      templateId updateTwin`,
  },
  DeleteJobTemplateInput: { all: 'ifMatch templateId' },
  ScheduleFromTemplateInput: {
    same: 'description expect jobId labels maxExecutionTimeInSeconds name startTime templateId',
    devices: 'queryCondition',
  },
  CreateJobScheduleInput: {
    same: 'cron description endTime onMissed onOverlap scheduleId templateId timeZone',
  },
  UpdateJobScheduleInput: {
    same: 'cron description endTime ifMatch onMissed onOverlap scheduleId templateId timeZone',
  },
  PauseJobScheduleInput: { same: 'scheduleId' },
  ResumeJobScheduleInput: { same: 'scheduleId' },
  DeleteJobScheduleInput: { same: 'scheduleId' },
  CreateWebhookInput: { all: 'description enabled events failureShare minimumDevices secret url' },
  DeleteWebhookInput: { all: 'webhookId' },
  RedeliverWebhookInput: { all: 'deliveryId' },
  RotateWebhookSecretInput: { all: 'secret webhookId' },
  UpdateWebhookInput: { all: 'description enabled events failureShare minimumDevices url webhookId' },
  WebhookDeliveryFilter: { all: 'status' },
  CloudToDeviceMethodInput: { same: 'connectTimeoutInSeconds methodName payload responseTimeoutInSeconds' },
  CreateDeviceInput: { device: 'deviceId', same: 'authentication status statusReason twin' },
  CreateDevicesInput: { device: 'devices' },
  DateTimeRange: { same: 'from to' },
  DeleteDeviceInput: { device: 'deviceId', same: 'ifMatch' },
  DeviceAuthenticationInput: { same: 'symmetricKey type x509Thumbprint' },
  DeviceJobFilter: { same: 'errorCode responseStatus result skipped status', devices: 'queryCondition' },
  DeviceOrder: { same: 'direction field' },
  DeviceJobOrder: { same: 'direction field' },
  InvokeDeviceMethodInput: {
    device: 'deviceId',
    same: 'connectTimeoutInSeconds methodName payload responseTimeoutInSeconds',
  },
  JobExpectationInput: { devices: 'fingerprint maxDevices' },
  JobFilter: {
    same: 'createdBy createdTime jobIdPrefix labels search status type',
    job: 'hasFailures methodName outcome',
  },
  JobLabelFilter: { same: 'name value' },
  JobLabelInput: { same: 'name value' },
  AbortRuleInput: { same: 'action afterDevices errorCode on percent responseStatus' },
  JobRolloutInput: { same: 'abort approval budget maxConcurrent maxPerMinute ramp retry waves window' },
  RetryPolicyInput: { same: 'backoffSeconds factor maxAttempts maxBackoffSeconds on' },
  RampInput: { same: 'afterSucceeded factor from' },
  WaveInput: { same: 'devices gate percent queryCondition' },
  WindowInput: { same: 'days from timeZone timeZoneFrom to' },
  GateInput: { same: 'approval onFailure soakSeconds succeededPercent' },
  DisruptionBudgetChangeInput: { same: 'maxConcurrent' },
  DisruptionBudgetInput: { same: 'groupBy maxConcurrent' },
  JobLimitsInput: { same: 'budget maxConcurrent maxPerMinute ramp' },
  JobOrder: { same: 'direction field' },
  PreviewJobInput: {
    devices: 'queryCondition',
    same: `cloudToDeviceMethod description jobId labels maxExecutionTimeInSeconds name onOverlap rollout skipCompliant startTime targets
      updateTwin`,
  },
  RetryJobInput: {
    job: 'jobId',
    devices: 'queryCondition',
    same: 'errorCode maxExecutionTimeInSeconds newJobId reason responseStatus result startTime status',
  },
  ScheduleDeviceMethodInput: { ...schedule, same: `${schedule.same} cloudToDeviceMethod` },
  ScheduleTwinUpdateInput: { ...schedule, same: `${schedule.same} skipCompliant updateTwin` },
  SymmetricKeyInput: { same: 'primaryKey secondaryKey' },
  TwinPatchInput: { same: 'properties tags' },
  TwinPropertiesPatchInput: { same: 'desired' },
  UpdateDeviceInput: { device: 'deviceId', same: 'authentication ifMatch status statusReason' },
  UpdateTwinInput: { device: 'deviceId', same: 'ifMatch patch' },
  X509ThumbprintInput: { same: 'primaryThumbprint secondaryThumbprint' },
}

/**
 * The rights, one of which the fields of a type, a field, an argument or a member of an input need. Others need none.
 */
export const needs: Readonly<Record<string, readonly Right[]>> = {
  Device: ['readDevices', 'readTwins'],
  Twin: ['readTwins'],
  Job: ['readJobs'],
  DeviceJob: ['readJobs'],
  AuditEntry: ['auditRead'],
  Webhook: ['manageWebhooks'],
  WebhookDelivery: ['manageWebhooks'],
  DeviceGroup: ['readJobs'],
  JobTemplate: ['readJobs'],
  JobSchedule: ['readJobs'],
  'Query.jobSchedule': ['readJobs'],
  'Query.jobSchedules': ['readJobs'],
  'Mutation.createJobSchedule': ['writeJobs'],
  'Mutation.updateJobSchedule': ['writeJobs'],
  'Mutation.pauseJobSchedule': ['writeJobs'],
  'Mutation.resumeJobSchedule': ['writeJobs'],
  'Mutation.deleteJobSchedule': ['writeJobs'],
  'Query.jobTemplate': ['readJobs'],
  'Query.jobTemplates': ['readJobs'],
  'Mutation.createJobTemplate': ['writeJobs'],
  'Mutation.updateJobTemplate': ['writeJobs'],
  'Mutation.deleteJobTemplate': ['writeJobs'],
  'Mutation.scheduleFromTemplate': ['writeJobs'],
  'DeviceGroup.deviceCount': ['readDevices', 'readTwins'],
  'Query.deviceGroup': ['readJobs'],
  'Query.deviceGroups': ['readJobs'],
  'Mutation.saveDeviceGroup': ['writeJobs'],
  'Mutation.deleteDeviceGroup': ['writeJobs'],
  'Query.auditLog': ['auditRead'],
  'Query.webhook': ['manageWebhooks'],
  'Query.webhooks': ['manageWebhooks'],
  'Query.device': ['readDevices', 'readTwins'],
  'Query.devices': ['readDevices', 'readTwins'],
  'Query.devices(queryCondition:)': ['readTwins'],
  // Those of the type of the id, which is that of a device here. They are not known before the field is executed.
  'Query.node': ['readDevices', 'readTwins'],
  'Query.nodes': ['readDevices', 'readTwins'],
  'Query.twinPaths': ['readTwins'],
  'Query.job': ['readJobs'],
  'Query.jobs': ['readJobs'],
  'Query.previewJob': ['writeJobs'],
  'Device.authentication': ['readDevices'],
  'Device.twin': ['readTwins'],
  'Device.deviceJobs': ['readJobs'],
  'DeviceAuthentication.symmetricKey': ['readKeys'],
  'DeviceJob.device': ['readDevices', 'readTwins'],
  'Job.deviceJobs': ['readJobs'],
  'DeviceJobFilter.queryCondition': ['readTwins'],
  'Mutation.createDevice': ['writeDevices'],
  'Mutation.createDevices': ['writeDevices'],
  'Mutation.updateDevice': ['writeDevices'],
  'Mutation.deleteDevice': ['writeDevices'],
  'Mutation.updateTwin': ['writeTwins'],
  'Mutation.invokeDeviceMethod': ['invokeMethods'],
  'Mutation.scheduleDeviceMethod': ['writeJobs'],
  'Mutation.scheduleTwinUpdate': ['writeJobs'],
  'Mutation.openWave': ['writeJobs'],
  'Mutation.approveJob': ['approveJobs'],
  'Mutation.rejectJob': ['approveJobs'],
  'Mutation.cancelJob': ['writeJobs'],
  'Mutation.cancelDeviceJobs': ['writeJobs'],
  'Mutation.pauseJob': ['writeJobs'],
  'Mutation.resumeJob': ['writeJobs'],
  'Mutation.updateJob': ['writeJobs'],
  'Mutation.retryJob': ['writeJobs'],
  'Mutation.createWebhook': ['manageWebhooks'],
  'Mutation.updateWebhook': ['manageWebhooks'],
  'Mutation.deleteWebhook': ['manageWebhooks'],
  'Mutation.rotateWebhookSecret': ['manageWebhooks'],
  'Mutation.redeliverWebhook': ['manageWebhooks'],
  'Subscription.telemetry': ['readTwins'],
  'Subscription.twinUpdated': ['readTwins'],
  'Subscription.devicePresenceChanged': ['readDevices', 'readTwins'],
  'Subscription.devicePresenceChanged(queryCondition:)': ['readTwins'],
  'Subscription.deviceJobEnded': ['readJobs'],
  'Subscription.deviceJobStatistics': ['readJobs'],
  'Subscription.jobChanged': ['readJobs'],
  'Subscription.definitionChanged': ['readJobs'],
  'Subscription.jobUpdated': ['readJobs'],
}

/** All rows of the table, as coordinates of the schema. */
export const coordinates: readonly string[] = Object.entries(table).flatMap(([type, effects]) =>
  Object.values(effects).flatMap((names) =>
    names
      .trim()
      .split(/\s+/)
      .map((name: string) => `${type}.${name}`),
  ),
)
