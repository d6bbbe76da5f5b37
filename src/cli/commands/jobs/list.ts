import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { labelFilter, wholeNumber, words } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRows } from '../../output/print.ts'
import { rowsOf } from '../../pages.ts'
import { withHub } from '../../with-hub.ts'

const ListJobs = graphql(`
  query ListJobs($filter: JobFilter, $first: Int!, $after: String) {
    jobs(filter: $filter, first: $first, after: $after) {
      nodes { jobId name type status outcome createdTime queryCondition deviceJobStatistics { deviceCount } }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

const statuses = [
  'WAITING_FOR_APPROVAL',
  'SCHEDULED',
  'QUEUED',
  'RUNNING',
  'PAUSED',
  'COMPLETED',
  'FAILED',
  'CANCELLED',
] as const
const outcomes = ['SUCCEEDED', 'PARTIALLY_FAILED', 'FAILED', 'CANCELLED', 'NO_DEVICES'] as const
const columns = ['jobId', 'name', 'type', 'status', 'outcome', 'devices', 'createdTime', 'queryCondition']

/** `twincast jobs list` */
export const createJobsList = () =>
  hubCommand('list')
    .description('Prints jobs, the newest first.')
    .addOption(words('--status <STATUSES>', `only jobs with these statuses, such as RUNNING,QUEUED`, statuses))
    .addOption(words('--outcome <OUTCOMES>', 'only jobs that ended so, such as FAILED,PARTIALLY_FAILED', outcomes))
    .option('--search <TEXT>', 'only jobs whose ID, name, condition or method contains this text')
    .addOption(
      labelFilter('--label <NAME[=VALUE]>', 'only jobs with this label, and with this value if given; may be repeated'),
    )
    .addOption(wholeNumber('--limit <N>', 'at most so many jobs', { min: 1, max: 1_000_000_000 }))
    .addOption(format())
    .action(({ status, outcome, search, label, limit, ...options }) =>
      withHub(options, async ({ client }, signal) => {
        const filter = {
          ...(status && { status }),
          ...(outcome && { outcome }),
          ...(search !== undefined && { search }),
          ...(label && {
            labels: label.map(({ name, value }) => ({ name, ...(value !== undefined && { value: [value] }) })),
          }),
        }
        const read = async (first: number, after: string | undefined) => {
          const { jobs } = await client.execute(ListJobs, { filter, first, after })
          if (!jobs) throw new Error('The hub has sent no jobs.')
          return jobs
        }
        const rows = async function* () {
          for await (const { deviceJobStatistics, outcome, name, ...job } of rowsOf(read, limit)) {
            yield {
              ...job,
              name: name ?? null,
              outcome: outcome ?? null,
              devices: deviceJobStatistics?.deviceCount ?? null,
            }
          }
        }
        await printRows(rows(), columns, options.format, signal)
      }),
    )
