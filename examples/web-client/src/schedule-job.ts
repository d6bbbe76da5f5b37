import type { Client } from '@urql/core'
import type { ScheduleDeviceMethodInput } from './generated/graphql.ts'
import { graphql } from './generated/index.ts'

const ScheduleJob = graphql(/* GraphQL */ `
  mutation ScheduleJob($input: ScheduleDeviceMethodInput!) {
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
      ... on InvalidInputError {
        path
      }
      ... on LimitExceededError {
        retryAfterSeconds
      }
    }
  }
`)

/** What became of a job to be scheduled: its id, or a sentence that says what to do. */
export type Scheduled = { readonly jobId: string } | { readonly refusal: string }

/** Schedules a method call. Failures that are to be expected are answers; all others reject with a CombinedError. */
export async function scheduleJob(client: Client, input: ScheduleDeviceMethodInput): Promise<Scheduled> {
  const { data, error } = await client.mutation(ScheduleJob, { input })
  const result = data?.scheduleDeviceMethod
  if (!result) throw error
  switch (result.__typename) {
    case 'ScheduleJobPayload':
      return { jobId: result.jobId }
    case 'QueryConditionError':
      return { refusal: `Correct the condition at line ${result.line}, column ${result.column}: ${result.message}` }
    case 'InvalidInputError':
      return { refusal: `Correct ${result.path.join('.')}: ${result.message}` }
    case 'AlreadyExistsError':
      return { refusal: `Choose another id: ${result.message}` }
    case 'ConflictError':
      return { refusal: `Wait for the other jobs: ${result.message}` }
    case 'ExpectationFailedError':
      return { refusal: `Look at the devices again: ${result.message}` }
    case 'LimitExceededError':
      return { refusal: `Try again in ${result.retryAfterSeconds} seconds: ${result.message}` }
    default:
      // The compiler lets nothing in here; a hub that is newer than these types may.
      result satisfies never
      return { refusal: 'The hub refused, for a reason that this program does not know yet.' }
  }
}
