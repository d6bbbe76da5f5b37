import type { ScheduleDeviceMethodInput } from './generated/graphql.ts'
import { type DocumentType, graphql } from './generated/index.ts'

// #region schedule
export const ScheduleMethod = graphql(/* GraphQL */ `
  mutation ScheduleMethod($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      __typename
      ... on ScheduleJobPayload {
        jobId
      }
      ... on Error {
        message
      }
      ... on QueryConditionError {
        line
        column
      }
      ... on LimitExceededError {
        retryAfterSeconds
      }
    }
  }
`)

/** The ID of the new job. An expected failure becomes a sentence for the person. */
export function jobIdIn({ scheduleDeviceMethod: result }: DocumentType<typeof ScheduleMethod>): string {
  switch (result?.__typename) {
    case 'ScheduleJobPayload':
      return result.jobId
    case 'QueryConditionError':
      throw new Error(`Correct the condition at line ${result.line}, column ${result.column}: ${result.message}`)
    case 'LimitExceededError':
      throw new Error(`Try again in ${result.retryAfterSeconds} seconds: ${result.message}`)
    case 'AlreadyExistsError':
    case 'ConflictError':
    case 'ExpectationFailedError':
    case 'InvalidInputError':
      throw new Error(result.message)
    default:
      // The compiler names a member of the union that is missing above. A newer hub may still send one. The result is
      // null only with an error of the request, which is handled before.
      result satisfies null | undefined
      throw new Error('The hub refused, for a reason that this program does not know.')
  }
}
// #endregion

// #region ended
export const EndedDeviceJobs = graphql(/* GraphQL */ `
  subscription EndedDeviceJobs($jobId: String!, $after: String) {
    deviceJobEnded(jobId: $jobId, after: $after) {
      cursor
      deviceJobs {
        id
        deviceId
        status
      }
      job {
        id
        status
      }
    }
  }
`)
// #endregion

/** A device job that has ended. */
export type EndedDeviceJob = { readonly deviceId: string; readonly status: string }

/** What a program needs of a client. Each of the four files makes one. */
export type HubClient = {
  /** Schedules a method call; resolves with the ID of the job. */
  schedule(input: ScheduleDeviceMethodInput): Promise<string>
  /** Calls back with the device jobs of a job as they end, each once. Resolves after the last one. */
  follow(jobId: string, onEnded: (deviceJobs: readonly EndedDeviceJob[]) => void): Promise<void>
  close(): void
}
