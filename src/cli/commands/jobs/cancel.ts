import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

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
  hubCommand('cancel')
    .description('Cancels a job. It sends no further calls, and ends when its calls in progress have ended.')
    .argument('<jobId>', 'the job')
    .option('--reason <TEXT>', 'the reason, which is stored with the job')
    .addOption(format())
    .action((jobId, { reason, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = { jobId, ...(reason !== undefined && { reason }) }
        const { cancelJob } = await client.execute(CancelOneJob, { input })
        printRow({ jobId: payloadOf(cancelJob, 'CancelJobPayload').jobId }, options.format)
      }),
    )
