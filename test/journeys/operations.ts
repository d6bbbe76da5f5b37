import { graphql } from '../../src/generated/graphql/gql.ts'

export const CreateDevices = graphql(/* GraphQL */ `
  mutation JourneyCreateDevices($input: CreateDevicesInput!) {
    createDevices(input: $input) {
      __typename
      ... on CreateDevicesPayload {
        results {
          __typename
          ... on CreateDevicePayload {
            device {
              deviceId
              authentication {
                symmetricKey {
                  primaryKey
                }
              }
            }
          }
          ... on Error {
            message
          }
        }
      }
    }
  }
`)

export const ScheduleMethod = graphql(/* GraphQL */ `
  mutation JourneyScheduleMethod($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      ... on ScheduleJobPayload {
        job {
          jobId
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const ScheduleTwin = graphql(/* GraphQL */ `
  mutation JourneyScheduleTwin($input: ScheduleTwinUpdateInput!) {
    scheduleTwinUpdate(input: $input) {
      ... on ScheduleJobPayload {
        job {
          jobId
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const UpdateTwin = graphql(/* GraphQL */ `
  mutation JourneyUpdateTwin($input: UpdateTwinInput!) {
    updateTwin(input: $input) {
      __typename
    }
  }
`)

export const WatchStatistics = graphql(/* GraphQL */ `
  subscription JourneyStatistics($jobId: String!) {
    deviceJobStatistics(jobId: $jobId) {
      version
      deviceJobStatistics {
        deviceCount
        pendingCount
        runningCount
        succeededCount
        failedCount
        cancelledCount
      }
      job {
        status
        outcome
      }
    }
  }
`)

export const ReadDeviceJobs = graphql(/* GraphQL */ `
  query JourneyDeviceJobs($jobId: String!, $after: String) {
    job(jobId: $jobId) {
      status
      deviceJobStatistics {
        deviceCount
        pendingCount
        runningCount
        succeededCount
        failedCount
        cancelledCount
      }
      deviceJobs(first: 100, after: $after) {
        nodes {
          deviceId
          status
          outcome {
            status
            payload
          }
          error {
            code
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
  }
`)

export const CancelJob = graphql(/* GraphQL */ `
  mutation JourneyCancelJob($input: CancelJobInput!) {
    cancelJob(input: $input) {
      ... on CancelJobPayload {
        job {
          status
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const RetryJob = graphql(/* GraphQL */ `
  mutation JourneyRetryJob($input: RetryJobInput!) {
    retryJob(input: $input) {
      ... on RetryJobPayload {
        job {
          jobId
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const ReadFamily = graphql(/* GraphQL */ `
  query JourneyFamily($jobId: String!) {
    job(jobId: $jobId) {
      retryOf {
        jobId
      }
      history {
        type
        cause
        actor
        reason
      }
      family {
        jobs {
          jobId
          deviceJobStatistics {
            deviceCount
            succeededCount
          }
        }
        statistics {
          deviceCount
          succeededCount
          failedCount
        }
      }
    }
  }
`)

export const FollowTelemetry = graphql(/* GraphQL */ `
  subscription JourneyTelemetry($deviceId: String!) {
    telemetry(deviceId: $deviceId) {
      deviceId
      properties
      body
    }
  }
`)

export const PauseJob = graphql(/* GraphQL */ `
  mutation JourneyPauseJob($input: PauseJobInput!) {
    pauseJob(input: $input) {
      __typename
      ... on PauseJobPayload {
        callsInProgress
      }
    }
  }
`)

export const ResumeJob = graphql(/* GraphQL */ `
  mutation JourneyResumeJob($input: ResumeJobInput!) {
    resumeJob(input: $input) {
      __typename
    }
  }
`)

export const InvokeMethod = graphql(/* GraphQL */ `
  mutation JourneyInvokeMethod($input: InvokeDeviceMethodInput!) {
    invokeDeviceMethod(input: $input) {
      __typename
    }
  }
`)

export const ReadAbort = graphql(/* GraphQL */ `
  query JourneyReadAbort($jobId: String!) {
    job(jobId: $jobId) {
      rollout {
        abort {
          matchedCount
          endedCount
          hasActed
        }
      }
      history {
        type
        cause
        abort {
          matchedCount
          endedCount
          callsInProgress
        }
      }
    }
  }
`)

export const ReadWaves = graphql(/* GraphQL */ `
  query JourneyReadWaves($jobId: String!) {
    job(jobId: $jobId) {
      status
      waves {
        openedTime
        deviceJobStatistics {
          deviceCount
        }
      }
      history {
        type
        wave
      }
    }
  }
`)

export const OpenWave = graphql(/* GraphQL */ `
  mutation JourneyOpenWave($input: OpenWaveInput!) {
    openWave(input: $input) {
      __typename
    }
  }
`)

export const SaveGroup = graphql(/* GraphQL */ `
  mutation JourneySaveGroup($input: SaveDeviceGroupInput!) {
    saveDeviceGroup(input: $input) {
      ... on SaveDeviceGroupPayload {
        deviceGroup {
          name
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const CreateSchedule = graphql(/* GraphQL */ `
  mutation JourneyCreateSchedule($input: CreateJobScheduleInput!) {
    createJobSchedule(input: $input) {
      ... on CreateJobSchedulePayload {
        jobSchedule {
          scheduleId
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const CreateWebhook = graphql(/* GraphQL */ `
  mutation JourneyCreateWebhook($input: CreateWebhookInput!) {
    createWebhook(input: $input) {
      ... on CreateWebhookPayload {
        webhook {
          webhookId
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const CreateTemplate = graphql(/* GraphQL */ `
  mutation JourneyCreateTemplate($input: CreateJobTemplateInput!) {
    createJobTemplate(input: $input) {
      ... on CreateJobTemplatePayload {
        jobTemplate {
          templateId
        }
      }
      ... on Error {
        message
      }
    }
  }
`)

export const ApproveJob = graphql(/* GraphQL */ `
  mutation JourneyApproveJob($input: ApproveJobInput!) {
    approveJob(input: $input) {
      __typename
    }
  }
`)

export const UpdateJob = graphql(/* GraphQL */ `
  mutation JourneyUpdateJob($input: UpdateJobInput!) {
    updateJob(input: $input) {
      __typename
    }
  }
`)

export const CancelDeviceJobs = graphql(/* GraphQL */ `
  mutation JourneyCancelDeviceJobs($input: CancelDeviceJobsInput!) {
    cancelDeviceJobs(input: $input) {
      __typename
    }
  }
`)
