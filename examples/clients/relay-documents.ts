import { graphql } from 'relay-runtime'

// The compiler reads these. With its plugin for Babel or SWC, they stand in use-relay.ts, in the place of the imports.

graphql`
  mutation relayDocumentsScheduleMutation($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      __typename
      ... on ScheduleJobPayload {
        jobId
      }
      ... on AlreadyExistsError {
        message
      }
      ... on ConflictError {
        message
      }
      ... on ExpectationFailedError {
        message
      }
      ... on InvalidInputError {
        message
      }
      ... on LimitExceededError {
        message
      }
      ... on QueryConditionError {
        message
      }
    }
  }
`

graphql`
  subscription relayDocumentsEndedSubscription($jobId: String!, $after: String) {
    deviceJobEnded(jobId: $jobId, after: $after) {
      cursor
      deviceJobs {
        deviceId
        status
      }
      job {
        status
      }
    }
  }
`
