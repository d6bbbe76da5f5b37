import { graphql } from '../../../generated/commands/gql.ts'
import { changeCommand } from '../../jobs/change-command.ts'
import { payloadOf } from '../../payload.ts'

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
  changeCommand(
    'pause',
    'Pauses a job: it sends no calls and changes no twins until it is resumed. Its deadline stays.',
    async (client, input) => {
      const { pauseJob } = await client.execute(PauseOneJob, { input })
      const { jobId, callsInProgress } = payloadOf(pauseJob, 'PauseJobPayload')
      return { jobId, callsInProgress }
    },
  )
