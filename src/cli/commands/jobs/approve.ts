import { graphql } from '../../../generated/commands/gql.ts'
import { decisionCommand } from '../../jobs/change-command.ts'
import { payloadOf } from '../../payload.ts'

const ApproveOneJob = graphql(`
  mutation ApproveOneJob($input: ApproveJobInput!) {
    approveJob(input: $input) {
      __typename
      ... on ApproveJobPayload { jobId job { status } }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs approve` */
export const createJobsApprove = () =>
  decisionCommand(
    'approve',
    'Approves a job that waits for it, or the opening of its next wave. Somebody else than who scheduled the job has to do so.',
    async (client, input) => {
      const { approveJob } = await client.execute(ApproveOneJob, { input })
      const { jobId, job } = payloadOf(approveJob, 'ApproveJobPayload')
      return { jobId, status: job?.status ?? null }
    },
  )
