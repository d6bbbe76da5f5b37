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

export const previewRollout = graphql(`
  query PreviewRollout($input: PreviewJobInput!) {
    previewJob(input: $input) {
      __typename
      ... on JobPreview { deviceCount { value } connectedCount { value } waveSizes shortestDurationInSeconds }
      ... on Error { message }
    }
  }
`)

export const resumeRollout = graphql(`
  mutation ResumeRollout($input: ResumeJobInput!) {
    resumeJob(input: $input) {
      __typename
      ... on Error { message }
    }
  }
`)

export const approveRollout = graphql(`
  mutation ApproveRollout($input: ApproveJobInput!) {
    approveJob(input: $input) {
      __typename
      ... on Error { message }
    }
  }
`)

export const readRefused = graphql(`
  query ReadRefused($jobId: String!) {
    job(jobId: $jobId) {
      deviceJobs(filter: { result: [REFUSED] }, first: 100) { nodes { deviceId } }
    }
  }
`)

export const readStory = graphql(`
  query ReadStory($jobId: String!) {
    job(jobId: $jobId) {
      history { time type cause actor reason }
      failureGroups { message count sample(first: 1) { deviceId outcome { payload } } }
    }
  }
`)
