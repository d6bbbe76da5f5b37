import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { time } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { UsageError } from '../../usage-error.ts'
import { withHub } from '../../with-hub.ts'
import { missed, overlap } from './policies.ts'

const UpdateOneSchedule = graphql(`
  mutation UpdateOneSchedule($input: UpdateJobScheduleInput!) {
    updateJobSchedule(input: $input) {
      __typename
      ... on UpdateJobSchedulePayload { jobSchedule { scheduleId etag nextTimes(first: 1) } }
      ... on Error { code message }
    }
  }
`)

/** `twincast schedules update` */
export const createSchedulesUpdate = () =>
  hubCommand('update')
    .description(
      'Changes a job schedule, whose jobs are then scheduled on your behalf. What is omitted stays as it is.',
    )
    .argument('<scheduleId>', 'the schedule')
    .option('--template <ID>', 'the template of the jobs')
    .option('--cron <FIELDS>', 'minute, hour, day of month, month, day of week, such as "0 2 * * MON-FRI"')
    .option('--time-zone <ZONE>', 'the time zone of --cron, such as Europe/Berlin or UTC')
    .addOption(time('--end <TIME>', 'no job is scheduled after this time'))
    .option('--no-end', 'removes the end')
    .addOption(missed())
    .addOption(overlap())
    .option('--description <TEXT>', 'what people should know about the schedule')
    .option('--if-match <ETAG>', 'fails when the schedule has another etag (see schedules list)')
    .addOption(format())
    .action((scheduleId, given) => {
      const { template, cron, timeZone, end, missed, overlap, description, ifMatch, ...options } = given
      const change = {
        ...(template !== undefined && { templateId: template }),
        ...(cron !== undefined && { cron }),
        ...(timeZone !== undefined && { timeZone }),
        ...(end !== undefined && { endTime: end === false ? null : end }),
        ...(missed !== undefined && { onMissed: missed }),
        ...(overlap !== undefined && { onOverlap: overlap }),
        ...(description !== undefined && { description }),
      }
      if (Object.keys(change).length === 0) {
        throw new UsageError(
          'Give --template, --cron, --time-zone, --end, --no-end, --missed, --overlap or --description.',
        )
      }
      return withHub(options, async ({ client }) => {
        const input = { scheduleId, ...change, ...(ifMatch !== undefined && { ifMatch }) }
        const { updateJobSchedule } = await client.execute(UpdateOneSchedule, { input })
        const { jobSchedule } = payloadOf(updateJobSchedule, 'UpdateJobSchedulePayload')
        const { etag = null, nextTimes } = jobSchedule ?? {}
        printRow({ scheduleId, nextTime: nextTimes?.[0] ?? null, etag }, options.format)
      })
    })
