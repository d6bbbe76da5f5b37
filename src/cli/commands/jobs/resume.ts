import { graphql } from '../../../generated/commands/gql.ts'
import { changeCommand } from '../../jobs/change-command.ts'
import { payloadOf } from '../../payload.ts'

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
  changeCommand('resume', 'Resumes a paused job where it was.', async (client, input) => {
    const { resumeJob } = await client.execute(ResumeOneJob, { input })
    return { jobId: payloadOf(resumeJob, 'ResumeJobPayload').jobId }
  })
