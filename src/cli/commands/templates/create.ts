import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { readJobFile } from '../../jobs/job-file.ts'
import { format } from '../../output/format.ts'
import { printRows } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { UsageError } from '../../usage-error.ts'
import { withHub } from '../../with-hub.ts'

const CreateOneTemplate = graphql(`
  mutation CreateOneTemplate($input: CreateJobTemplateInput!) {
    createJobTemplate(input: $input) {
      __typename
      ... on CreateJobTemplatePayload { jobTemplate { templateId etag } }
      ... on Error { code message }
    }
  }
`)

/** `twincast templates create` */
export const createTemplatesCreate = () =>
  hubCommand('create')
    .description(
      'Creates a job template of each job in a file of "twincast apply". The ID of the job is that of the template.',
    )
    .requiredOption('-f, --file <FILE>', 'a file of YAML or JSON; - is standard input')
    .addOption(format())
    .action(({ file, ...options }) =>
      withHub(options, async ({ client }, signal) => {
        const jobs = await readJobFile(file)
        const timed = jobs.find(({ startTime, expect }) => startTime !== undefined || expect !== undefined)
        if (timed !== undefined) {
          throw new UsageError(`${file}: ${timed.jobId} has startTime or expect, which a template cannot have.`)
        }
        const rows = []
        for (const { jobId: templateId, ...job } of jobs) {
          const { createJobTemplate } = await client.execute(CreateOneTemplate, { input: { templateId, ...job } })
          const { jobTemplate } = payloadOf(createJobTemplate, 'CreateJobTemplatePayload')
          rows.push({ templateId, etag: jobTemplate?.etag ?? null })
        }
        await printRows(rows, ['templateId', 'etag'], options.format, signal)
      }),
    )
