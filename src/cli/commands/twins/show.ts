import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { withHub } from '../../with-hub.ts'

const ShowTwin = graphql(`
  query ShowTwin($deviceId: String!) {
    device(deviceId: $deviceId) {
      twin { etag version tags properties { desired { value } reported { value } } }
    }
  }
`)

/** `twincast twins show` */
export const createTwinsShow = () =>
  hubCommand('show')
    .description('Prints the twin of a device.')
    .argument('<deviceId>', 'the device')
    .addOption(format())
    .action((deviceId, options) =>
      withHub(options, async ({ client }) => {
        const { device } = await client.execute(ShowTwin, { deviceId })
        if (!device?.twin) throw new Error(`The hub has no device ${deviceId}.`)
        const { etag, version, tags, properties } = device.twin
        const { desired, reported } = properties
        printRow({ deviceId, etag, version, tags, desired: desired.value, reported: reported.value }, options.format)
      }),
    )
