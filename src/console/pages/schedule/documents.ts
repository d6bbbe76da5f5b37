import { graphql } from '../../../generated/console/index.ts'

/** A device in a sample. */
export const ScheduleDeviceFragment = graphql(`
  fragment ScheduleDevice on Device {
    id
    deviceId
    status
    connectionState
    lastActivityTime
  }
`)

/** Which devices meet a condition, while it is typed. */
export const ScheduleMatchDocument = graphql(`
  query ScheduleMatch($input: PreviewJobInput!) {
    previewJob(input: $input) {
      __typename
      ... on JobPreview {
        deviceCount {
          value
          precision
        }
        connectedCount {
          value
          precision
        }
        devices {
          ...ScheduleDevice
        }
      }
      ... on Error {
        message
      }
      ... on QueryConditionError {
        line
        column
      }
      ... on InvalidInputError {
        path
      }
      ... on LimitExceededError {
        retryAfterSeconds
      }
    }
  }
`)

/** What a job would meet. */
export const ScheduleReviewFragment = graphql(`
  fragment ScheduleReview on JobPreview {
    deviceCount {
      value
      precision
    }
    connectedCount {
      value
      precision
    }
    compliantCount {
      value
      precision
    }
    devices {
      ...ScheduleDevice
    }
    overlaps {
      job {
        id
        jobId
        status
        outcome
        endTime
        cloudToDeviceMethod {
          methodName
        }
        updateTwin
      }
      deviceCount {
        value
        precision
      }
      propertyPaths
    }
    expectedDurationInSeconds
    fingerprint
  }
`)

/** What a job would meet, before it is scheduled. */
export const ScheduleReviewDocument = graphql(`
  query ScheduleReview($input: PreviewJobInput!) {
    previewJob(input: $input) {
      __typename
      ...ScheduleReview
      ... on Error {
        message
      }
      ... on InvalidInputError {
        path
      }
      ... on LimitExceededError {
        retryAfterSeconds
      }
    }
  }
`)

/** What became of scheduling. */
export const ScheduleResultFragment = graphql(`
  fragment ScheduleResult on ScheduleJobResult {
    __typename
    ... on ScheduleJobPayload {
      job {
        id
        jobId
      }
    }
    ... on Error {
      message
    }
    ... on InvalidInputError {
      path
    }
    ... on LimitExceededError {
      retryAfterSeconds
    }
    ... on ExpectationFailedError {
      deviceCount
    }
  }
`)

/** Schedules calls of a method. */
export const ScheduleMethodDocument = graphql(`
  mutation ScheduleMethod($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      ...ScheduleResult
    }
  }
`)

/** Schedules a patch of twins. */
export const ScheduleTwinDocument = graphql(`
  mutation ScheduleTwin($input: ScheduleTwinUpdateInput!) {
    scheduleTwinUpdate(input: $input) {
      ...ScheduleResult
    }
  }
`)

/** A job to be scheduled again. */
export const ScheduleFromDocument = graphql(`
  query ScheduleFrom($jobId: String!) {
    job(jobId: $jobId) {
      id
      queryCondition
      maxExecutionTimeInSeconds
      cloudToDeviceMethod {
        methodName
        payload
        responseTimeoutInSeconds
        connectTimeoutInSeconds
      }
      updateTwin
      retryOf {
        id
      }
    }
  }
`)
