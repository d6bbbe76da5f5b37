import type { GraphQLError, GraphQLSchema } from 'graphql'
import { may } from '../access/rights.ts'
import type { Viewer } from '../access/viewer.ts'
import { lacksRight } from './forbidden.ts'
import { requiredRights } from './needs.ts'

/**
 * The error for a global id of a type that the viewer may not read. It is found without reading the object, so it is
 * the same whether or not the object exists, and takes the same time.
 */
export function refusedNode(schema: GraphQLSchema, viewer: Viewer, typename: string): GraphQLError | undefined {
  const needed = requiredRights(schema.getType(typename)?.extensions ?? {}, {})
  const isGranted = needed.length === 0 || needed.some((right) => may(viewer, right))
  return isGranted ? undefined : lacksRight(viewer, typename, needed)
}
