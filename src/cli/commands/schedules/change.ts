import { graphql } from '../../../generated/commands/gql.ts'
import type { HubClient } from '../../hub-client.ts'
import { hubCommand } from '../../hub-options.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const PauseOneSchedule = graphql(`
  mutation PauseOneSchedule($input: PauseJobScheduleInput!) {
    pauseJobSchedule(input: $input) {
      __typename
      ... on Error { code message }
    }
  }
`)

const ResumeOneSchedule = graphql(`
  mutation ResumeOneSchedule($input: ResumeJobScheduleInput!) {
    resumeJobSchedule(input: $input) {
      __typename
      ... on Error { code message }
    }
  }
`)

const DeleteOneSchedule = graphql(`
  mutation DeleteOneSchedule($input: DeleteJobScheduleInput!) {
    deleteJobSchedule(input: $input) {
      __typename
      ... on Error { code message }
    }
  }
`)

/** A subcommand that changes a schedule and prints nothing. */
const change = (
  name: string,
  description: string,
  run: (client: HubClient, input: { readonly scheduleId: string }) => Promise<unknown>,
) =>
  hubCommand(name)
    .description(description)
    .argument('<scheduleId>', 'the schedule')
    .action((scheduleId, options) =>
      withHub(options, async ({ client }) => {
        await run(client, { scheduleId })
      }),
    )

/** `twincast schedules pause` */
export const createSchedulesPause = () =>
  change(
    'pause',
    'Pauses a job schedule: it schedules nothing until it is resumed. Its jobs go on.',
    async (client, input) =>
      payloadOf((await client.execute(PauseOneSchedule, { input })).pauseJobSchedule, 'PauseJobSchedulePayload'),
  )

/** `twincast schedules resume` */
export const createSchedulesResume = () =>
  change(
    'resume',
    'Resumes a job schedule with its next time, on your behalf. Times during the pause are not made up for.',
    async (client, input) =>
      payloadOf((await client.execute(ResumeOneSchedule, { input })).resumeJobSchedule, 'ResumeJobSchedulePayload'),
  )

/** `twincast schedules delete` */
export const createSchedulesDelete = () =>
  change('delete', 'Deletes a job schedule. Its jobs stay.', async (client, input) =>
    payloadOf((await client.execute(DeleteOneSchedule, { input })).deleteJobSchedule, 'DeleteJobSchedulePayload'),
  )
