import { graphql } from '../../../generated/console/index.ts'

/** The devices that meet a condition, while it is typed. */
export const ScheduleMatchDocument = graphql(`
  query ScheduleMatch($input: PreviewJobInput!) {
    previewJob(input: $input) {
      __typename
      ... on JobPreview {
        deviceCount {
          ...Count
        }
        connectedCount {
          ...Count
        }
        devices {
          ...DeviceState
        }
      }
      ...DomainError
      ... on QueryConditionError {
        line
        column
      }
    }
  }
`)

/** The preview of a job. */
graphql(`
  fragment ScheduleReview on JobPreview {
    deviceCount {
      ...Count
    }
    connectedCount {
      ...Count
    }
    compliantCount {
      ...Count
    }
    devices {
      ...DeviceState
    }
    overlaps {
      job {
        id
        jobId
        status
        outcome
        endTime
        ...Operation
      }
      deviceCount {
        ...Count
      }
      propertyPaths
      blocksStart
    }
    expectedDurationInSeconds
    shortestDurationInSeconds
    waveSizes
    maxOfflineWaitInSeconds
    fingerprint
  }
`)

/** Previews a job before it is scheduled. */
export const ScheduleReviewDocument = graphql(`
  query ScheduleReview($input: PreviewJobInput!) {
    previewJob(input: $input) {
      __typename
      ...ScheduleReview
      ...DomainError
    }
  }
`)

/** The result of scheduling. */
graphql(`
  fragment ScheduleResult on ScheduleJobResult {
    __typename
    ... on ScheduleJobPayload {
      jobId
      job {
        id
      }
    }
    ...DomainError
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

/** Reads a job in order to schedule it again. */
export const ScheduleFromDocument = graphql(`
  query ScheduleFrom($jobId: String!) {
    job(jobId: $jobId) {
      id
      name
      description
      labels {
        name
        value
      }
      queryCondition
      targets
      onOverlap
      maxExecutionTimeInSeconds
      skipCompliant
      rollout {
        retry {
          maxAttempts
          on
          backoffSeconds
          factor
          maxBackoffSeconds
        }
        maxPerMinute
        ramp {
          from
          factor
          afterSucceeded
        }
        maxConcurrent
        approval
        budget {
          groupBy
          maxConcurrent
        }
        window {
          days
          from
          to
          timeZone
          timeZoneFrom
        }
        abort {
          on
          errorCode
          responseStatus
          percent
          afterDevices
          action
        }
      }
      waves {
        devices
        percent
        queryCondition
        gate {
          succeededPercent
          soakSeconds
          approval
          onFailure
        }
      }
      ...WholeOperation
      retryOf {
        id
      }
    }
  }
`)
