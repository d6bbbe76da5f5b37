import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { jsonObject } from '../../options.ts'
import { format } from '../../output/format.ts'
import { printRow } from '../../output/print.ts'
import { payloadOf } from '../../payload.ts'
import { UsageError } from '../../usage-error.ts'
import { withHub } from '../../with-hub.ts'

const PatchTwin = graphql(`
  mutation PatchTwin($input: UpdateTwinInput!) {
    updateTwin(input: $input) {
      __typename
      ... on UpdateTwinPayload { twin { etag version tags properties { desired { value } } } }
      ... on Error { code message }
    }
  }
`)

/** `twincast twins patch` */
export const createTwinsPatch = () =>
  hubCommand('patch')
    .description('Merges a patch into the tags and desired properties of a device. null deletes a key.')
    .argument('<deviceId>', 'the device')
    .addOption(jsonObject('--tags <JSON>', 'the patch for the tags'))
    .addOption(jsonObject('--desired <JSON>', 'the patch for the desired properties'))
    .option('--if-match <ETAG>', 'changes nothing if the twin has another etag')
    .addOption(format())
    .action((deviceId, { tags, desired, ifMatch, ...options }) => {
      if (tags === undefined && desired === undefined) throw new UsageError('Give --tags, --desired or both.')
      return withHub(options, async ({ client }) => {
        const patch = { ...(tags && { tags }), ...(desired && { properties: { desired } }) }
        const { updateTwin } = await client.execute(PatchTwin, {
          input: { deviceId, patch, ...(ifMatch !== undefined && { ifMatch }) },
        })
        const { twin } = payloadOf(updateTwin, 'UpdateTwinPayload')
        if (!twin) return
        const { etag, version, tags: newTags, properties } = twin
        printRow({ deviceId, etag, version, tags: newTags, desired: properties.desired.value }, options.format)
      })
    })
