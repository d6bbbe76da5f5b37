import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const DeleteOneGroup = graphql(`
  mutation DeleteOneGroup($input: DeleteDeviceGroupInput!) {
    deleteDeviceGroup(input: $input) {
      __typename
      ... on Error { code message }
    }
  }
`)

/** `twincast groups delete` */
export const createGroupsDelete = () =>
  hubCommand('delete')
    .description('Deletes a device group. Jobs that were scheduled with it keep their condition.')
    .argument('<name>', 'the name of the group')
    .option('--if-match <ETAG>', 'deletes the group only if it has this etag')
    .action((name, { ifMatch, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = { name, ...(ifMatch !== undefined && { ifMatch }) }
        const { deleteDeviceGroup } = await client.execute(DeleteOneGroup, { input })
        payloadOf(deleteDeviceGroup, 'DeleteDeviceGroupPayload')
      }),
    )
