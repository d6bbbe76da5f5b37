import { graphql } from '../../generated/commands/gql.ts'

// The demo uses only the public API.

export const scheduleMethod = graphql(`
  mutation ScheduleReboot($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      __typename
      ... on ScheduleJobPayload { job { jobId } }
      ... on Error { message }
    }
  }
`)

export const ScheduleTwinUpdate = graphql(`
  mutation ScheduleInterval($input: ScheduleTwinUpdateInput!) {
    scheduleTwinUpdate(input: $input) {
      __typename
      ... on ScheduleJobPayload { job { jobId } }
      ... on Error { message }
    }
  }
`)

export const FollowDemoJob = graphql(`
  subscription FollowJob($jobId: String!) {
    deviceJobStatistics(jobId: $jobId) {
      version
      job { status outcome startTime endTime }
      deviceJobStatistics { deviceCount pendingCount runningCount succeededCount refusedCount failedCount cancelledCount }
    }
  }
`)

export const readDeviceJobs = graphql(`
  query ReadDeviceJobs($jobId: String!, $status: [DeviceJobStatus!]!, $after: String) {
    job(jobId: $jobId) {
      deviceJobs(filter: { status: $status }, first: 100, after: $after) {
        nodes { deviceId outcome { status payload } error { code description } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`)

export const countDevices = graphql(`
  query CountDevices($queryCondition: String!) {
    devices(queryCondition: $queryCondition, first: 1) { totalCount }
  }
`)
