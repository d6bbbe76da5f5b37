import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { where, wholeNumber } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRows } from '../../output/print.ts'
import { rowsOf } from '../../pages.ts'
import { withHub } from '../../with-hub.ts'

const ListDevices = graphql(`
  query ListDevices($queryCondition: String, $first: Int!, $after: String) {
    devices(queryCondition: $queryCondition, first: $first, after: $after) {
      nodes { deviceId status connectionState lastActivityTime }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

const columns = ['deviceId', 'status', 'connectionState', 'lastActivityTime']

/** `twincast devices list` */
export const createDevicesList = () =>
  hubCommand('list')
    .description('Prints devices, ordered by device ID.')
    .addOption(where().default('*'))
    .addOption(wholeNumber('--limit <N>', 'at most so many devices', { min: 1, max: 1_000_000_000 }))
    .addOption(format())
    .action((options) =>
      withHub(options, async ({ client }, signal) => {
        const read = async (first: number, after: string | undefined) => {
          const { devices } = await client.execute(ListDevices, { queryCondition: options.where, first, after })
          if (!devices) throw new Error('The hub has sent no devices.')
          return devices
        }
        await printRows(rowsOf(read, options.limit), columns, options.format, signal)
      }),
    )
