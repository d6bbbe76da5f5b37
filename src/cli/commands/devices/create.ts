import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { jsonObject } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const CreateOneDevice = graphql(`
  mutation CreateOneDevice($input: CreateDeviceInput!, $keys: Boolean!) {
    createDevice(input: $input) {
      __typename
      ... on CreateDevicePayload {
        device { deviceId status etag authentication @include(if: $keys) { type symmetricKey { primaryKey secondaryKey } } }
      }
      ... on Error { code message }
    }
  }
`)

/** `twincast devices create` */
export const createDevicesCreate = () =>
  hubCommand('create')
    .description('Creates a device, which gets symmetric keys that the hub generates.')
    .argument('<deviceId>', 'the device')
    .addOption(jsonObject('--tags <JSON>', 'its tags'))
    .addOption(jsonObject('--desired <JSON>', 'its desired properties'))
    .option('--disabled', 'the device may not connect')
    .option('--keys', 'also prints its keys, which are secrets')
    .addOption(format())
    .action((deviceId, { tags, desired, disabled, keys = false, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = {
          deviceId,
          status: disabled ? ('DISABLED' as const) : ('ENABLED' as const),
          twin: { ...(tags && { tags }), ...(desired && { properties: { desired } }) },
        }
        const { createDevice } = await client.execute(CreateOneDevice, { input, keys })
        const { device } = payloadOf(createDevice, 'CreateDevicePayload')
        printRow(device ?? { deviceId }, options.format)
      }),
    )
