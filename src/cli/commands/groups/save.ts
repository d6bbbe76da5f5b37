import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { where } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const SaveOneGroup = graphql(`
  mutation SaveOneGroup($input: SaveDeviceGroupInput!) {
    saveDeviceGroup(input: $input) {
      __typename
      ... on SaveDeviceGroupPayload { deviceGroup { name etag } }
      ... on Error { code message }
    }
  }
`)

/** `twincast groups save` */
export const createGroupsSave = () =>
  hubCommand('save')
    .description('Creates a device group, or replaces the one with this name.')
    .argument('<name>', 'the name of the group')
    .addOption(where('the devices of the group, such as "tags.building = 43"').makeOptionMandatory())
    .option('--description <TEXT>', 'what people should know about the group')
    .option('--if-match <ETAG>', 'replaces the group only if it has this etag')
    .addOption(format())
    .action((name, { where: queryCondition, description, ifMatch, ...options }) =>
      withHub(options, async ({ client }) => {
        const { saveDeviceGroup } = await client.execute(SaveOneGroup, {
          input: {
            name,
            queryCondition,
            ...(description !== undefined && { description }),
            ...(ifMatch !== undefined && { ifMatch }),
          },
        })
        const { deviceGroup } = payloadOf(saveDeviceGroup, 'SaveDeviceGroupPayload')
        printRow({ name, etag: deviceGroup?.etag ?? null }, options.format)
      }),
    )
