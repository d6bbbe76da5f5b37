import { graphql } from '../../../../generated/console/index.ts'

export const JobsCancelDocument = graphql(`
  mutation JobsCancel($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
      ...DomainError
    }
  }
`)

export const JobsRetryDocument = graphql(`
  mutation JobsRetry($input: RetryJobInput!) {
    retryJob(input: $input) {
      __typename
      ... on RetryJobPayload {
        jobId
      }
      ...DomainError
    }
  }
`)
