import { graphql } from '../generated/library/gql.ts'

/** All types of the schema, such as the inputs of the documents. */
export type * from '../generated/library/graphql.ts'

/** Creates devices; each result has the generated keys, or the reason why the device was not created. */
export const createDevices = graphql(`
  mutation CreateDevices($input: CreateDevicesInput!) {
    createDevices(input: $input) {
      __typename
      ... on CreateDevicesPayload {
        results {
          __typename
          ... on CreateDevicePayload {
            device { deviceId authentication { symmetricKey { primaryKey secondaryKey } } }
          }
          ... on Error { code message }
        }
      }
      ... on Error { code message }
    }
  }
`)

/** Reads a device with its twin; null when it is not registered. */
export const readDevice = graphql(`
  query ReadDevice($deviceId: String!) {
    device(deviceId: $deviceId) {
      deviceId
      status
      connectionState
      twin { etag version tags properties { desired { value } reported { value } } }
    }
  }
`)

/** Changes tags and desired properties of a device. */
export const updateTwin = graphql(`
  mutation UpdateTwin($input: UpdateTwinInput!) {
    updateTwin(input: $input) {
      __typename
      ... on UpdateTwinPayload { device {      twin { etag version tags properties { desired { value } reported { value } } } } }
      ... on Error { code message }
    }
  }
`)

/** Calls a method of a connected device and returns its answer. */
export const invokeDeviceMethod = graphql(`
  mutation InvokeDeviceMethod($input: InvokeDeviceMethodInput!) {
    invokeDeviceMethod(input: $input) {
      __typename
      ... on InvokeDeviceMethodPayload { status payload }
      ... on Error { code message }
    }
  }
`)

/** Schedules a job that calls a method of all devices that meet a condition. */
export const scheduleDeviceMethod = graphql(`
  mutation ScheduleDeviceMethod($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      __typename
      ... on ScheduleJobPayload { job { jobId status startTime } }
      ... on Error { code message }
    }
  }
`)

/** Schedules a job that changes the twins of all devices that meet a condition. */
export const scheduleTwinUpdate = graphql(`
  mutation ScheduleTwinUpdate($input: ScheduleTwinUpdateInput!) {
    scheduleTwinUpdate(input: $input) {
      __typename
      ... on ScheduleJobPayload { job { jobId status startTime } }
      ... on Error { code message }
    }
  }
`)

/** Cancels a job: its waiting devices receive nothing. */
export const cancelJob = graphql(`
  mutation CancelJob($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
      ... on CancelJobPayload { job { jobId status } }
      ... on Error { code message }
    }
  }
`)

/** The state and the counters of a job, now and after each change. Ends with the job. */
export const followJob = graphql(`
  subscription FollowJob($jobId: String!) {
    deviceJobStatistics(jobId: $jobId) {
      version
      job { jobId status outcome startTime endTime }
      deviceJobStatistics {
        deviceCount pendingCount runningCount succeededCount refusedCount skippedCount failedCount cancelledCount
      }
    }
  }
`)

/** Reads a job with up to 100 of its device jobs, from `after` on; null when there is no such job. */
export const readJob = graphql(`
  query ReadJob($jobId: String!, $after: String) {
    job(jobId: $jobId) {
      jobId
      status
      outcome
      startTime
      endTime
      deviceJobStatistics {
        deviceCount pendingCount runningCount succeededCount refusedCount skippedCount failedCount cancelledCount
      }
      deviceJobs(first: 100, after: $after) {
        nodes { deviceId status result skipped outcome { status payload } error { code description } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`)
