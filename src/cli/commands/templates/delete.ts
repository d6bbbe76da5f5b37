import { graphql } from '../../../generated/commands/gql.ts'
import { hubCommand } from '../../hub-options.ts'
import { payloadOf } from '../../payload.ts'
import { withHub } from '../../with-hub.ts'

const DeleteOneTemplate = graphql(`
  mutation DeleteOneTemplate($input: DeleteJobTemplateInput!) {
    deleteJobTemplate(input: $input) {
      __typename
      ... on Error { code message }
    }
  }
`)

/** `twincast templates delete` */
export const createTemplatesDelete = () =>
  hubCommand('delete')
    .description('Deletes a job template. Jobs that were scheduled from it stay as they are.')
    .argument('<templateId>', 'the template')
    .option('--if-match <ETAG>', 'deletes the template only if it has this etag')
    .action((templateId, { ifMatch, ...options }) =>
      withHub(options, async ({ client }) => {
        const input = { templateId, ...(ifMatch !== undefined && { ifMatch }) }
        const { deleteJobTemplate } = await client.execute(DeleteOneTemplate, { input })
        payloadOf(deleteJobTemplate, 'DeleteJobTemplatePayload')
      }),
    )
