import { graphql } from '../../../generated/commands/gql.ts'
import { ExitError } from '../../exit-error.ts'
import { hubCommand } from '../../hub-options.ts'
import { counted } from '../../terminal/words.ts'
import { withHub } from '../../with-hub.ts'

const DeleteOneDevice = graphql(`
  mutation DeleteOneDevice($deviceId: String!) {
    deleteDevice(input: { deviceId: $deviceId }) {
      __typename
      ... on Error { code message }
    }
  }
`)

/** `twincast devices delete` */
export const createDevicesDelete = () =>
  hubCommand('delete')
    .description('Deletes devices and their twins, and closes their connections.')
    .argument('<deviceIds...>', 'the devices')
    .addHelpText('after', '\nExit codes: 3 when some devices were not deleted, 4 when no device was.')
    .action((deviceIds, options) =>
      withHub(options, async ({ client }) => {
        let failed = 0
        for (const deviceId of deviceIds) {
          const { deleteDevice: result } = await client.execute(DeleteOneDevice, { deviceId })
          if (result?.__typename === 'DeleteDevicePayload') continue
          failed++
          process.stderr.write(`${deviceId}: ${result?.message}\n`)
        }
        if (failed > 0) {
          throw new ExitError(failed < deviceIds.length ? 3 : 4, `${counted(failed, 'device')} not deleted.`)
        }
      }),
    )
