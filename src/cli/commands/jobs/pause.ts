import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const PauseOneJob = graphql(`
  mutation PauseOneJob($input: PauseJobInput!) {
    pauseJob(input: $input) {
      __typename
      ... on PauseJobPayload { jobId callsInProgress }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs pause` */
export const createJobsPause = () =>
  hubCommand('pause')
    .description('Pauses a job: it sends no calls and changes no twins until it is resumed. Its deadline stays.')
    .argument('<jobId>', 'the job')
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())
    .action((jobId, { reason, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = { jobId, ...(reason !== undefined && { reason }) }
        const { pauseJob } = await client.execute(PauseOneJob, { input })
        const { jobId: id, callsInProgress } = payloadOf(pauseJob, 'PauseJobPayload')
        printRow({ jobId: id, callsInProgress }, options.format)
      }),
    )
