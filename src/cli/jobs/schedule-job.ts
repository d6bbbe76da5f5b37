import { graphql } from '../../generated/commands/gql.ts'
import { ExitError } from '../exit-error.ts'
import type { HubClient } from '../hub-client.ts'
import { payloadOf } from '../payload.ts'
import { differencesOf, type JobDefinition, ReadDefinition } from './definition.ts'
import { putInGroups } from './put-in-groups.ts'

const ScheduleMethodJob = graphql(`
  mutation ScheduleMethodJob($input: ScheduleDeviceMethodInput!) {
    scheduleDeviceMethod(input: $input) {
      __typename
      ... on ScheduleJobPayload { jobId }
      ... on Error { code message }
      ... on InvalidInputError { path }
    }
  }
`)

const ScheduleTwinJob = graphql(`
  mutation ScheduleTwinJob($input: ScheduleTwinUpdateInput!) {
    scheduleTwinUpdate(input: $input) {
      __typename
      ... on ScheduleJobPayload { jobId }
      ... on Error { code message }
      ... on InvalidInputError { path }
    }
  }
`)

/** The exit code for a job ID that another job has. */
export const idTaken = 5

/**
 * Schedules a job. With `ifAbsent`, a job with the same ID and the same definition counts as this one; another definition
 * is an ExitError.
 */
export async function scheduleJob(
  client: HubClient,
  definition: JobDefinition,
  ifAbsent: boolean,
): Promise<{ readonly jobId: string; readonly isNew: boolean }> {
  const { jobId } = definition
  const result = await schedule(client, definition)
  if (result?.__typename === 'AlreadyExistsError' && jobId !== undefined) {
    if (!ifAbsent) throw new ExitError(idTaken, result.message)
    const { job } = await client.execute(ReadDefinition, { jobId })
    const differences = job ? differencesOf(await putInGroups(client, definition), job) : []
    if (job && differences.length === 0) return { jobId, isNew: false }
    const which = differences.length > 0 ? ` It differs in ${differences.join(', ')}.` : ''
    throw new ExitError(idTaken, `Another job has the ID ${jobId}.${which}`)
  }
  return { jobId: payloadOf(result, 'ScheduleJobPayload').jobId, isNew: true }
}

async function schedule(client: HubClient, definition: JobDefinition) {
  const { cloudToDeviceMethod, updateTwin, skipCompliant, ...common } = definition
  if (cloudToDeviceMethod !== undefined) {
    const input = { ...common, cloudToDeviceMethod }
    return (await client.execute(ScheduleMethodJob, { input })).scheduleDeviceMethod
  }
  const input = { ...common, updateTwin, ...(skipCompliant !== undefined && { skipCompliant }) }
  return (await client.execute(ScheduleTwinJob, { input })).scheduleTwinUpdate
}
