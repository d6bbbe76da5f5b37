import { graphql } from '../../generated/commands/gql.ts'
import { ExitError } from '../exit-error.ts'
import { hubCommand } from '../hub-options.ts'
import { labels, time, where, wholeNumber } from '../options.ts'
import { format } from '../output/format.ts'
import { printRow } from '../output/print.ts'
import { payloadOf } from '../payload.ts'
import { withHub } from '../with-hub.ts'
import { scheduleExitCodes, showOutcome } from './schedule-command.ts'
import { idTaken } from './schedule-job.ts'

const ScheduleOfTemplate = graphql(`
  mutation ScheduleOfTemplate($input: ScheduleFromTemplateInput!) {
    scheduleFromTemplate(input: $input) {
      __typename
      ... on ScheduleJobPayload { jobId }
      ... on Error { code message }
    }
  }
`)

/** `twincast jobs schedule template` */
export const templateCommand = () =>
  hubCommand('template')
    .description('Schedules a job of a template.')
    .argument('<templateId>', 'the template')
    .addOption(where('the devices of the job, instead of those of the template'))
    .option('--id <ID>', 'the job ID; the hub generates one if omitted')
    .addOption(time('--at <TIME>', 'when to start the job, such as 2026-11-01T00:00:00Z; now if omitted'))
    .addOption(
      wholeNumber('--max-time <S>', 'maximum execution time in seconds, instead of that of the template', {
        min: 1,
        max: 2_592_000,
      }),
    )
    .addOption(
      wholeNumber('--max-devices <N>', 'schedules nothing if more devices meet the condition', {
        min: 0,
        max: 2_147_483_647,
      }),
    )
    .option('--name <TEXT>', 'what people call the job, instead of the name in the template')
    .option('--description <TEXT>', 'what people should know about the job, instead of the text in the template')
    .addOption(labels('--label <NAME=VALUE>', 'a label instead of those of the template; may be repeated'))
    .option('--watch', 'shows the progress until the job has ended; Ctrl-C leaves it running')
    .addOption(format())
    .addHelpText('after', scheduleExitCodes)
    .action(
      (templateId, { where: queryCondition, id, at, maxTime, maxDevices, name, description, label, ...options }) =>
        withHub(options, async ({ client }, signal) => {
          const { scheduleFromTemplate: result } = await client.execute(ScheduleOfTemplate, {
            input: {
              templateId,
              ...(queryCondition !== undefined && { queryCondition }),
              ...(id !== undefined && { jobId: id }),
              ...(at !== undefined && { startTime: at }),
              ...(maxTime !== undefined && { maxExecutionTimeInSeconds: maxTime }),
              ...(maxDevices !== undefined && { expect: { maxDevices } }),
              ...(name !== undefined && { name }),
              ...(description !== undefined && { description }),
              ...(label && { labels: label }),
            },
          })
          if (result?.__typename === 'AlreadyExistsError') throw new ExitError(idTaken, result.message)
          const { jobId } = payloadOf(result, 'ScheduleJobPayload')
          if (options.watch) await showOutcome(client, jobId, { format: options.format, signal, isKnown: true })
          else printRow({ jobId }, options.format)
        }),
    )
