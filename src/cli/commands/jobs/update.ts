import { graphql } from '../../../generated/commands/gql.ts'
import type { UpdateJobInput } from '../../../generated/commands/graphql.ts'
import type { HubClient } from '../../hub-client.ts'
import { hubCommand } from '../../hub-options.ts'
import { ramp } from '../../jobs/ramp-option.ts'
import { labels, wholeNumber } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { UsageError } from '../../usage-error.ts'
import { withHub } from '../../with-hub.ts'

const UpdateOneJob = graphql(`
  mutation UpdateOneJob($input: UpdateJobInput!) {
    updateJob(input: $input) {
      __typename
      ... on UpdateJobPayload { jobId job { deadline } }
      ... on Error { code message }
    }
  }
`)

/** Changes a job. Returns its ID and its deadline, which is null for callers that may not read jobs. */
export async function updateJob(client: HubClient, input: UpdateJobInput) {
  const { updateJob: result } = await client.execute(UpdateOneJob, { input })
  const { jobId, job } = payloadOf(result, 'UpdateJobPayload')
  return { jobId, deadline: job?.deadline ?? null }
}

/** `twincast jobs update` */
export const createJobsUpdate = () =>
  hubCommand('update')
    .description('Changes a job that has not ended. What is omitted stays as it is.')
    .argument('<jobId>', 'the job')
    .option('--name <TEXT>', 'what people call the job')
    .option('--description <TEXT>', 'what people should know about the job')
    .addOption(labels('--label <NAME=VALUE>', 'a label instead of all labels that the job has; may be repeated'))
    .addOption(wholeNumber('--max-time <S>', 'maximum execution time in seconds', { min: 1, max: 2_592_000 }))
    .addOption(
      wholeNumber('--max-per-minute <N>', 'devices per minute at most; 0 for no limit', { min: 0, max: 1_000_000 }),
    )
    .addOption(
      wholeNumber('--max-concurrent <N>', 'calls in progress at most; 0 for no limit', { min: 0, max: 1_000_000 }),
    )
    .addOption(
      wholeNumber('--budget <N>', 'calls in progress at most in each group of the budget; 0 for no budget', {
        min: 0,
        max: 1_000_000,
      }),
    )
    .addOption(ramp())
    .option('--no-ramp', 'the rate is that of --max-per-minute from now on')
    .option('--reason <TEXT>', 'the reason, which is stored in the history of the job')
    .addOption(format())
    .action(
      (jobId, { name, description, label, maxTime, maxPerMinute, ramp, maxConcurrent, budget, reason, ...options }) => {
        const given = [name, description, label, maxTime, maxPerMinute, ramp, maxConcurrent, budget]
        if (given.every((value) => value === undefined)) {
          throw new UsageError(
            'Give --name, --description, --label, --max-time, --max-per-minute, --ramp, --no-ramp, --max-concurrent or --budget.',
          )
        }
        return withHub(options, async ({ client }) => {
          const input = {
            jobId,
            ...(name !== undefined && { name }),
            ...(description !== undefined && { description }),
            ...(label && { labels: label }),
            ...(maxTime !== undefined && { maxExecutionTimeInSeconds: maxTime }),
            ...([maxPerMinute, ramp, maxConcurrent, budget].some((value) => value !== undefined) && {
              rollout: {
                ...(maxPerMinute !== undefined && { maxPerMinute: maxPerMinute || null }),
                ...(ramp !== undefined && { ramp: ramp || null }),
                ...(maxConcurrent !== undefined && { maxConcurrent: maxConcurrent || null }),
                ...(budget !== undefined && { budget: budget === 0 ? null : { maxConcurrent: budget } }),
              },
            }),
            ...(reason !== undefined && { reason }),
          }
          printRow(await updateJob(client, input), options.format)
        })
      },
    )
