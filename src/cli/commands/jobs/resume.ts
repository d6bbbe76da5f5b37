import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const ResumeOneJob = graphql(`
  mutation ResumeOneJob($input: ResumeJobInput!) {
    resumeJob(input: $input) {
      __typename
      ... on ResumeJobPayload { jobId }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs resume` */
export const createJobsResume = () =>
  hubCommand('resume')
    .description('Resumes a paused job where it was.')
    .argument('<jobId>', 'the job')
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())
    .action((jobId, { reason, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = { jobId, ...(reason !== undefined && { reason }) }
        const { resumeJob } = await client.execute(ResumeOneJob, { input })
        printRow({ jobId: payloadOf(resumeJob, 'ResumeJobPayload').jobId }, options.format)
      }),
    )
