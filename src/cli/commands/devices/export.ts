import { Option } from '@commander-js/extra-typings'
import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { where } from '../../options.ts'
import { printRows } from '../../output/print.ts'
import { rowsOf } from '../../pages.ts'
import { withHub } from '../../with-hub.ts'

const ExportDevices = graphql(`
  query ExportDevices($queryCondition: String, $first: Int!, $after: String) {
    devices(queryCondition: $queryCondition, first: $first, after: $after) {
      nodes { deviceId twin { tags properties { desired { value } } } }
      pageInfo { hasNextPage endCursor }
    }
  }
`)

/** `twincast devices export` */
export const createDevicesExport = () =>
  hubCommand('export')
    .description(
      `Prints devices with their tags and desired properties, in the form that "twincast devices import" reads. Keys are not
exported: the import generates new ones.`,
    )
    .addOption(where().default('*'))
    .addOption(new Option('--format <FORMAT>', 'the form of a line').choices(['jsonl', 'csv']).default('jsonl'))
    .action((options) =>
      withHub(options, async ({ client }, signal) => {
        const read = async (first: number, after: string | undefined) => {
          const { devices } = await client.execute(ExportDevices, { queryCondition: options.where, first, after })
          if (!devices) throw new Error('The hub has sent no devices.')
          return devices
        }
        const rows = async function* () {
          for await (const { deviceId, twin } of rowsOf(read)) {
            yield { deviceId, tags: twin?.tags ?? {}, desired: twin?.properties.desired.value ?? {} }
          }
        }
        await printRows(rows(), ['deviceId', 'tags', 'desired'], options.format === 'csv' ? 'csv' : 'jsonl', signal)
      }),
    )
