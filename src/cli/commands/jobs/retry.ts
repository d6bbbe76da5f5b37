import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { showOutcome } from '../../jobs/schedule-command.ts'
import { jobExitCodes } from '../../jobs/watch-job.ts'
import { time, where, words } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const RetryOneJob = graphql(`
  mutation RetryOneJob($input: RetryJobInput!) {
    retryJob(input: $input) {
      __typename
      ... on RetryJobPayload { jobId }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs retry` */
export const createJobsRetry = () =>
  hubCommand('retry')
    .description('Schedules a new job that repeats a job on the devices where it did not succeed.')
    .argument('<jobId>', 'the job, which must have ended')
    .option('--id <ID>', 'the ID of the new job; the hub generates one if omitted')
    .addOption(
      words('--result <RESULTS>', 'the device jobs to repeat, by their results', [
        'FAILED',
        'REFUSED',
        'CANCELLED',
        'SUCCEEDED',
      ]).default(['FAILED', 'REFUSED'], 'FAILED,REFUSED'),
    )
    .addOption(where())
    .addOption(time('--at <TIME>', 'when to start the new job, such as 2026-11-01T00:00:00Z; now if omitted'))
    .option('--reason <TEXT>', 'the reason, which is stored with the new job')
    .option('--watch', 'shows the progress until the new job has ended; Ctrl-C leaves it running')
    .addOption(format())
    .addHelpText('after', `\nExit codes: with --watch, ${jobExitCodes}.`)
    .action((jobId, { id, result, where: queryCondition, at, reason, watch, ...options }) =>
      withHub(options, async ({ client }, signal) => {
        const { retryJob } = await client.execute(RetryOneJob, {
          input: {
            jobId,
            result,
            ...(id !== undefined && { newJobId: id }),
            ...(queryCondition !== undefined && { queryCondition }),
            ...(at !== undefined && { startTime: at }),
            ...(reason !== undefined && { reason }),
          },
        })
        const retry = payloadOf(retryJob, 'RetryJobPayload')
        if (watch) await showOutcome(client, retry.jobId, { format: options.format, signal, isKnown: true })
        else printRow({ jobId: retry.jobId }, options.format)
      }),
    )
