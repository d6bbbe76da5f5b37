import { Option } from '@commander-js/extra-typings'
import { graphql } from '../../../generated/commands/gql.ts'
import type { HubClient } from '../../hub-client.ts'
import { hubCommand } from '../../hub-options.ts'
import { defaults } from '../../jobs/definition.ts'
import { type FiledJob, inFile, readJobFile } from '../../jobs/job-file.ts'
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
      ... on InvalidInputError { path }
    }
  }
`)

const UpdateOneTemplate = graphql(`
  mutation UpdateOneTemplate($input: UpdateJobTemplateInput!) {
    updateJobTemplate(input: $input) {
      __typename
      ... on UpdateJobTemplatePayload { jobTemplate { templateId etag } }
      ... on Error { code message }
      ... on InvalidInputError { path }
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
    .addOption(
      new Option('--if-exists <ACTION>', 'what to do with a template that exists: skip it, update it, or fail')
        .choices(['skip', 'update', 'fail'])
        .default('fail'),
    )
    .addOption(format())
    .action(({ file, ifExists, ...options }) =>
      withHub(options, async ({ client }, signal) => {
        const jobs = await readJobFile(file)
        const timed = jobs.find(({ startTime, expect }) => startTime !== undefined || expect !== undefined)
        if (timed !== undefined) {
          throw new UsageError(`${file}: ${timed.jobId} has startTime or expect, which a template cannot have.`)
        }
        const failures: unknown[] = []
        // What was saved before a failure is printed, in each format.
        async function* saved() {
          try {
            for (const [index, job] of jobs.entries()) {
              yield await inFile(file, { index, jobs: jobs.length }, () => save(client, job, ifExists))
            }
          } catch (error) {
            failures.push(error)
          }
        }
        await printRows(saved(), ['templateId', 'result', 'etag'], options.format, signal)
        for (const failure of failures) throw failure
      }),
    )

async function save(client: HubClient, { jobId: templateId, ...job }: FiledJob, ifExists: string) {
  const { createJobTemplate } = await client.execute(CreateOneTemplate, { input: { templateId, ...job } })
  if (createJobTemplate?.__typename !== 'AlreadyExistsError' || ifExists === 'fail') {
    const { jobTemplate } = payloadOf(createJobTemplate, 'CreateJobTemplatePayload')
    return { templateId, result: 'created', etag: jobTemplate?.etag ?? null }
  }
  if (ifExists === 'skip') return { templateId, result: 'skipped', etag: null }
  const { updateJobTemplate } = await client.execute(UpdateOneTemplate, { input: { templateId, ...whole(job) } })
  const { jobTemplate } = payloadOf(updateJobTemplate, 'UpdateJobTemplatePayload')
  return { templateId, result: 'updated', etag: jobTemplate?.etag ?? null }
}

/** What the job does not have is taken out of the template, too. */
const whole = (job: Omit<FiledJob, 'jobId'>) => ({
  name: null,
  description: null,
  labels: null,
  rollout: null,
  targets: null,
  onOverlap: null,
  skipCompliant: null,
  maxExecutionTimeInSeconds: defaults.maxExecutionTime,
  ...job,
})
