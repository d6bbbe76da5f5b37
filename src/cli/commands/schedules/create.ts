import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { time } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'
import { missed, overlap } from './policies.ts'

const CreateOneSchedule = graphql(`
  mutation CreateOneSchedule($input: CreateJobScheduleInput!) {
    createJobSchedule(input: $input) {
      __typename
      ... on CreateJobSchedulePayload { jobSchedule { scheduleId nextTimes(first: 1) } }
      ... on Error { code message }
    }
  }
`)

/** `twincast schedules create` */
export const createSchedulesCreate = () =>
  hubCommand('create')
    .description('Creates a job schedule, which schedules a job of a template at recurring times.')
    .argument('<scheduleId>', 'the ID of the schedule, with which those of its jobs begin')
    .requiredOption('--template <ID>', 'the template of the jobs')
    .requiredOption('--cron <FIELDS>', 'minute, hour, day of month, month, day of week, such as "0 2 * * MON-FRI"')
    .requiredOption('--time-zone <ZONE>', 'the time zone of --cron, such as Europe/Berlin or UTC')
    .addOption(time('--end <TIME>', 'no job is scheduled after this time'))
    .addOption(missed().default('SKIP' as const))
    .addOption(overlap().default('SKIP' as const))
    .option('--description <TEXT>', 'what people should know about the schedule')
    .addOption(format())
    .action((scheduleId, { template, cron, timeZone, end, missed, overlap, description, ...options }) =>
      withHub(options, async ({ client }) => {
        const { createJobSchedule } = await client.execute(CreateOneSchedule, {
          input: {
            scheduleId,
            templateId: template,
            cron,
            timeZone,
            onMissed: missed,
            onOverlap: overlap,
            ...(end !== undefined && { endTime: end }),
            ...(description !== undefined && { description }),
          },
        })
        const { jobSchedule } = payloadOf(createJobSchedule, 'CreateJobSchedulePayload')
        printRow({ scheduleId, nextTime: jobSchedule?.nextTimes?.[0] ?? null }, options.format)
      }),
    )
