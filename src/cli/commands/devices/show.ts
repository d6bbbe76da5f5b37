import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { withHub } from '../../with-hub.ts'

const ShowDevice = graphql(`
  query ShowDevice($deviceId: String!, $keys: Boolean!) {
    device(deviceId: $deviceId) {
      deviceId status statusReason connectionState lastActivityTime etag generationId
      authentication @include(if: $keys) { type symmetricKey { primaryKey secondaryKey } }
    }
  }
`)

/** `twincast devices show` */
export const createDevicesShow = () =>
  hubCommand('show')
    .description('Prints a device without its twin.')
    .argument('<deviceId>', 'the device')
    .option('--keys', 'also its symmetric keys, which are secrets; the audit keeps who reads them')
    .addOption(format())
    .action((deviceId, options) =>
      withHub(options, async ({ client }) => {
        const { device } = await client.execute(ShowDevice, { deviceId, keys: options.keys ?? false })
        if (!device) throw new Error(`The hub has no device ${deviceId}.`)
        const { authentication, ...row } = device
        printRow(authentication ? { ...row, authentication } : row, options.format)
      }),
    )
