import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { wholeNumber } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const OpenOneWave = graphql(`
  mutation OpenOneWave($input: OpenWaveInput!) {
    openWave(input: $input) {
      __typename
      ... on OpenWavePayload { jobId }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs open-wave` */
export const createJobsOpenWave = () =>
  hubCommand('open-wave')
    .description('Opens the next wave of a running job before its gate has passed, or after the gate has failed.')
    .argument('<jobId>', 'the job')
    .addOption(
      wholeNumber('--wave <N>', 'the number of the wave, which must be the next one', {
        min: 1,
        max: 1_000,
      }).makeOptionMandatory(),
    )
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())
    .action((jobId, { wave, reason, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = { jobId, wave, ...(reason !== undefined && { reason }) }
        const { openWave } = await client.execute(OpenOneWave, { input })
        printRow({ jobId: payloadOf(openWave, 'OpenWavePayload').jobId, wave }, options.format)
      }),
    )
