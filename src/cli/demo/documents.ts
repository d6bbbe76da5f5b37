import { graphql } from '../../generated/graphql/gql.ts'

// Everything the demo asks of the hub is what anybody may ask.

export const SCHEDULE_METHOD = graphql(`
  mutation ScheduleReboot($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      __typename
      ... on ScheduleJobPayload { job { jobId } }
      ... on Error { message }
    }
  }
`)

export const SCHEDULE_TWIN_UPDATE = graphql(`
  mutation ScheduleInterval($input: ScheduleTwinUpdateInput!) {
    scheduleTwinUpdate(input: $input) {
      __typename
      ... on ScheduleJobPayload { job { jobId } }
      ... on Error { message }
    }
  }
`)

export const FOLLOW_JOB = graphql(`
  subscription FollowJob($jobId: String!) {
    deviceJobStatistics(jobId: $jobId) {
      version
      job { status outcome startTime endTime }
      deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount canceledCount }
    }
  }
`)

export const READ_DEVICE_JOBS = graphql(`
  query ReadDeviceJobs($jobId: String!, $status: [DeviceJobStatus!]!, $after: String) {
    job(jobId: $jobId) {
      deviceJobs(filter: { status: $status }, first: 100, after: $after) {
        nodes { deviceId outcome { status payload } error { code description } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`)

export const COUNT_DEVICES = graphql(`
  query CountDevices($queryCondition: String!) {
    devices(queryCondition: $queryCondition, first: 1) { totalCount }
  }
`)
