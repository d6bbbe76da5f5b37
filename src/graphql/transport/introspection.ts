import { BREAK, type DocumentNode, GraphQLError, visit } from 'graphql'
import { may, type Viewer } from '../../access/policy.ts'

/**
 * Refuses introspection to viewers that may not read anything: the policy `device` is for devices. This is not a
 * validation rule, because validation results are cached for all viewers.
 */
export function introspectionRefusal(viewer: Viewer, document: DocumentNode): GraphQLError | undefined {
  if (may(viewer, 'readJobs') || !asksForSchema(document)) return undefined
  const message = `The policy "${viewer.policyName}" does not grant access to the schema.`
  return new GraphQLError(message, { extensions: { code: 'UNAUTHORIZED' } })
}

function asksForSchema(document: DocumentNode): boolean {
  let asks = false
  visit(document, {
    Field({ name }) {
      if (name.value !== '__schema' && name.value !== '__type') return undefined
      asks = true
      return BREAK
    },
  })
  return asks
}
