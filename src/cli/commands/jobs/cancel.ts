import { graphql } from '../../../generated/commands/gql.ts'
import { changeCommand } from '../../jobs/change-command.ts'
import { payloadOf } from '../../payload.ts'

const CancelOneJob = graphql(`
  mutation CancelOneJob($input: CancelJobInput!) {
    cancelJob(input: $input) {
      __typename
      ... on CancelJobPayload { jobId }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs cancel` */
export const createJobsCancel = () =>
  changeCommand(
    'cancel',
    'Cancels a job. It sends no further calls, and ends when its calls in progress have ended.',
    async (client, input) => {
      const { cancelJob } = await client.execute(CancelOneJob, { input })
      return { jobId: payloadOf(cancelJob, 'CancelJobPayload').jobId }
    },
  )
