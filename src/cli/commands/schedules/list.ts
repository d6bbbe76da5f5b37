import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRows } from '../../output/print.ts'
import { rowsOf } from '../../pages.ts'
import { withHub } from '../../with-hub.ts'

const ListSchedules = graphql(`
  query ListSchedules($first: Int!, $after: String) {
    jobSchedules(first: $first, after: $after) {
      nodes {
        scheduleId templateId cron timeZone status statusReason author etag
        nextTimes(first: 1) runs(first: 1) { time outcome jobId reason }
      }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

const columns = ['scheduleId', 'templateId', 'cron', 'timeZone', 'status', 'nextTime', 'lastOutcome', 'lastJobId']

/** `twincast schedules list` */
export const createSchedulesList = () =>
  hubCommand('list')
    .description('Prints the job schedules by ID, with their next time and what they did last.')
    .addOption(format())
    .action((options) =>
      withHub(options, async ({ client }, signal) => {
        const read = async (first: number, after: string | undefined) => {
          const { jobSchedules } = await client.execute(ListSchedules, { first, after })
          if (!jobSchedules) throw new Error('The hub has sent no job schedules.')
          return jobSchedules
        }
        const rows = async function* () {
          for await (const { nextTimes, runs, statusReason, ...schedule } of rowsOf(read)) {
            const [last] = runs ?? []
            yield {
              ...schedule,
              statusReason: statusReason ?? null,
              nextTime: nextTimes?.[0] ?? null,
              lastTime: last?.time ?? null,
              lastOutcome: last?.outcome ?? null,
              lastJobId: last?.jobId ?? null,
              lastReason: last?.reason ?? null,
            }
          }
        }
        await printRows(rows(), columns, options.format, signal)
      }),
    )
