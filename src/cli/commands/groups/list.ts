import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRows } from '../../output/print.ts'
import { rowsOf } from '../../pages.ts'
import { withHub } from '../../with-hub.ts'

const ListGroups = graphql(`
  query ListGroups($first: Int!, $after: String) {
    deviceGroups(first: $first, after: $after) {
      nodes { name deviceCount queryCondition description etag }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

/** `twincast groups list` */
export const createGroupsList = () =>
  hubCommand('list')
    .description('Prints the device groups by name, with the number of their devices.')
    .addOption(format())
    .action((options) =>
      withHub(options, async ({ client }, signal) => {
        const read = async (first: number, after: string | undefined) => {
          const { deviceGroups } = await client.execute(ListGroups, { first, after })
          if (!deviceGroups) throw new Error('The hub has sent no device groups.')
          return deviceGroups
        }
        const rows = async function* () {
          for await (const { deviceCount, description, ...group } of rowsOf(read)) {
            yield { ...group, devices: deviceCount ?? null, description: description ?? null }
          }
        }
        await printRows(rows(), ['name', 'devices', 'queryCondition', 'description'], options.format, signal)
      }),
    )
