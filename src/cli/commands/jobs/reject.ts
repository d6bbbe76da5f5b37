import { graphql } from '../../../generated/commands/gql.ts'
import { decisionCommand } from '../../jobs/change-command.ts'
import { payloadOf } from '../../payload.ts'

const RejectOneJob = graphql(`
  mutation RejectOneJob($input: RejectJobInput!) {
    rejectJob(input: $input) {
      __typename
      ... on RejectJobPayload { jobId job { status } }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs reject` */
export const createJobsReject = () =>
  decisionCommand(
    'reject',
    'Rejects a job that waits for an approval: it ends and never starts. Or the opening of its next wave: its gate fails.',
    async (client, input) => {
      const { rejectJob } = await client.execute(RejectOneJob, { input })
      const { jobId, job } = payloadOf(rejectJob, 'RejectJobPayload')
      return { jobId, status: job?.status ?? null }
    },
  )
