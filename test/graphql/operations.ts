import { graphql } from '../../src/generated/graphql/gql.ts'

// Documents of these tests; `npm run generate` makes their types. Names of operations are unique in the whole project.

export const ScheduleDeviceMethod = graphql(/* GraphQL */ `
  mutation TestScheduleDeviceMethod($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      __typename
      ... on ScheduleJobPayload {
        job {
          jobId
          type
          status
          outcome
          queryCondition
          maxExecutionTimeInSeconds
          cloudToDeviceMethod {
            methodName
            payload
            responseTimeoutInSeconds
            connectTimeoutInSeconds
          }
          updateTwin
          deviceJobStatistics {
            deviceCount
          }
        }
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        path
      }
      ... on QueryConditionError {
        line
        column
      }
    }
  }
`)

export const ScheduleTwinUpdate = graphql(/* GraphQL */ `
  mutation TestScheduleTwinUpdate($input: ScheduleTwinUpdateInput!) {
    scheduleTwinUpdate(input: $input) {
      __typename
      ... on ScheduleJobPayload {
        job {
          jobId
          type
          updateTwin
          cloudToDeviceMethod {
            methodName
          }
        }
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        path
      }
    }
  }
`)

export const CancelJob = graphql(/* GraphQL */ `
  mutation TestCancelJob($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
      ... on CancelJobPayload {
        job {
          status
          outcome
          statusMessage
          endTime
        }
      }
      ... on Error {
        code
        message
      }
      ... on InvalidInputError {
        path
      }
    }
  }
`)

export const CreateDevices = graphql(/* GraphQL */ `
  mutation TestCreateDevices($input: CreateDevicesInput!) {
    createDevices(input: $input) {
      __typename
      ... on CreateDevicesPayload {
        results {
          __typename
          ... on CreateDevicePayload {
            device {
              deviceId
            }
          }
          ... on Error {
            code
          }
          ... on InvalidInputError {
            path
          }
        }
      }
      ... on InvalidInputError {
        path
      }
    }
  }
`)

export const Jobs = graphql(/* GraphQL */ `
  query TestJobs($filter: JobFilter, $orderBy: JobOrder, $first: Int, $after: String, $last: Int, $before: String) {
    jobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      totalCount
      nodes {
        jobId
      }
      edges {
        cursor
        node {
          jobId
        }
      }
      pageInfo {
        hasNextPage
        hasPreviousPage
        startCursor
        endCursor
      }
    }
  }
`)
