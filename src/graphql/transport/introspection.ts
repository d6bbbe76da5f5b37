import { BREAK, type DocumentNode, GraphQLError, visit } from 'graphql'
import { may } from '../../access/rights.ts'
import type { Viewer } from '../../access/viewer.ts'
import { lacksRight } from '../forbidden.ts'

/**
 * Refuses introspection to viewers that may not read anything: the policy `device` is for devices. This is not a
 * validation rule, because validation results are cached for all viewers.
 */
export function introspectionRefusal(viewer: Viewer, document: DocumentNode): GraphQLError | undefined {
  if (may(viewer, 'readJobs') || !asksForSchema(document)) return undefined
  const { message, extensions } = lacksRight(viewer, 'the schema', ['readJobs'])
  return new GraphQLError(message, { extensions: { ...extensions, code: 'UNAUTHORIZED' } })
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
