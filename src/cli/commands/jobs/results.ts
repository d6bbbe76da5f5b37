import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { where, words } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRows } from '../../output/print.ts'
import { rowsOf } from '../../pages.ts'
import { withHub } from '../../with-hub.ts'

const ListResults = graphql(`
  query ListResults($jobId: String!, $filter: DeviceJobFilter, $first: Int!, $after: String) {
    job(jobId: $jobId) {
      deviceJobs(filter: $filter, first: $first, after: $after) {
        nodes { deviceId result skipped startTime endTime outcome { status payload } error { code description } }
        pageInfo { hasNextPage endCursor }
      }
    }
  }
`)

const results = ['SUCCEEDED', 'REFUSED', 'FAILED', 'CANCELLED', 'RUNNING', 'PENDING'] as const
const columns = [
  'deviceId',
  'result',
  'responseStatus',
  'payload',
  'errorCode',
  'errorDescription',
  'startTime',
  'endTime',
  'skipped',
]

/** `twincast jobs results` */
export const createJobsResults = () =>
  hubCommand('results')
    .description('Prints the result of each device of a job, ordered by device ID.')
    .argument('<jobId>', 'the job')
    .addOption(words('--result <RESULTS>', 'only these results, such as FAILED,REFUSED', results))
    .addOption(where())
    .addOption(format())
    .action((jobId, { result, where: queryCondition, ...options }) =>
      withHub(options, async ({ client }, signal) => {
        const filter = { ...(result && { result }), ...(queryCondition !== undefined && { queryCondition }) }
        const read = async (first: number, after: string | undefined) => {
          const { job } = await client.execute(ListResults, { jobId, filter, first, after })
          if (!job?.deviceJobs) throw new Error(`The hub has no job ${jobId}.`)
          return job.deviceJobs
        }
        const rows = async function* () {
          for await (const { outcome, error, ...row } of rowsOf(read)) {
            yield {
              deviceId: row.deviceId,
              result: row.result,
              responseStatus: outcome?.status ?? null,
              payload: outcome?.payload ?? null,
              errorCode: error?.code ?? null,
              errorDescription: error?.description ?? null,
              startTime: row.startTime ?? null,
              endTime: row.endTime ?? null,
              skipped: row.skipped,
            }
          }
        }
        await printRows(rows(), columns, options.format, signal)
      }),
    )
