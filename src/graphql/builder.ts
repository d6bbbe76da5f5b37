import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import ErrorsPlugin from '@pothos/plugin-errors'
import PrismaPlugin from '@pothos/plugin-prisma'
import RelayPlugin from '@pothos/plugin-relay'
import ScopeAuthPlugin from '@pothos/plugin-scope-auth'
import { GraphQLError, type GraphQLNamedType, getNamedType, isLeafType } from 'graphql'
import { may, type Operation } from '../access/policy.ts'
import type PrismaTypes from '../generated/pothos.ts'
import { getDatamodel } from '../generated/pothos.ts'
import type { Context } from './context.ts'
import { limitExceeded, maxComplexity, maxPageSize } from './limits.ts'
import { decodeNodeId, encodeNodeId } from './node-id.ts'

/**
 * As how many objects a JSON document counts, which is written out each time it is asked for: a twin has up to 288 KB of
 * JSON text, and about 1 MB with its metadata.
 */
const documentComplexity = 5

function complexityOf(type: GraphQLNamedType): number {
  if (type.name === 'JSON') return documentComplexity
  return isLeafType(type) ? 0 : 1
}

type OwnTypes = {
  Context: Context
  PrismaTypes: PrismaTypes
  DefaultFieldNullability: false
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  /** A field needs the right to the operation, or to one of several. */
  AuthScopes: { operation: Operation | readonly Operation[] }
  /** Counted only when it is asked for. */
  Connection: { totalCount: () => number | Promise<number> }
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
  }
}

/** The builder that all type files add to. It defines no types itself but the roots. */
export const builder = new SchemaBuilder<OwnTypes>({
  plugins: [ErrorsPlugin, ScopeAuthPlugin, PrismaPlugin, RelayPlugin, ComplexityPlugin],
  defaultFieldNullability: false,
  prisma: {
    client: ({ deps }) => deps.db.prisma,
    dmmf: getDatamodel(),
    exposeDescriptions: true,
    onUnusedQuery: 'error',
  },
  errors: { directResult: true },
  scopeAuth: {
    // A subscription is refused when it is asked for, not at its first event.
    authorizeOnSubscribe: true,
    authScopes: ({ viewer }) => ({
      operation: (operations) => [operations].flat().some((operation) => may(viewer, operation)),
    }),
    unauthorizedError: (_parent, { viewer }, info) =>
      new GraphQLError(
        `The policy "${viewer.policyName}" does not grant the right to ${info.parentType.name}.${info.fieldName}.`,
        { extensions: { code: 'FORBIDDEN' } },
      ),
  },
  relay: {
    encodeGlobalID: (typename, id) => encodeNodeId(typename, String(id)),
    decodeGlobalID: decodeNodeId,
    idFieldOptions: {
      description: 'Names this object among all of the hub, for `node` and for client caches. Opaque.',
    },
    nodeTypeOptions: { description: 'What has a global id and can be read again by it.' },
    nodeQueryOptions: {
      description: 'The object of this global id; null when there is none any more.',
      args: { id: { description: 'The `id` of an object.' } },
    },
    nodesQueryOptions: {
      description: 'The objects of these global ids in their order, null for those that are gone.',
      args: { ids: { description: `Global ids, at most ${maxPageSize}.` } },
      complexity: ({ ids }: { ids?: readonly unknown[] }) => ({ field: 1, multiplier: ids?.length ?? 1 }),
      resolve: (_root, { ids }, _context, _info, resolveNodes) => {
        if (ids.length > maxPageSize) throw limitExceeded('ids', maxPageSize, ids.length)
        return resolveNodes(ids)
      },
    },
    pageInfoTypeOptions: { description: 'Where a page lies in its list.' },
    hasNextPageFieldOptions: { description: 'Whether rows follow the last one of this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether rows precede the first one of this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first row, for `before`. Null when the page is empty.' },
    endCursorFieldOptions: { description: 'The cursor of the last row, for `after`. Null when the page is empty.' },
    pageInfoFieldOptions: { description: 'Where this page lies in the list.' },
    edgesFieldOptions: { description: 'The rows of this page with their cursors.' },
    nodesOnConnection: { description: 'The rows of this page.' },
    nodeFieldOptions: { description: 'The row.' },
    cursorFieldOptions: { description: 'Where the row lies in this list, for `after` and `before`. Opaque.' },
  },
  complexity: {
    limit: { complexity: maxComplexity },
    // Objects cost, their values do not, unless they are documents. A list's length is known where it is asked for: in
    // `first`, `last` or `ids`.
    fieldComplexity: (_args, _context, field) => ({ field: complexityOf(getNamedType(field.type)), multiplier: 1 }),
    complexityError: (_kind, { complexity }) => limitExceeded('complexity', maxComplexity, complexity),
  },
})

builder.queryType({ description: 'What can be read.' })
builder.mutationType({
  description:
    'What can be changed. Every mutation has one `input`; failures that are to be expected are in its result.',
})
builder.subscriptionType({
  description: 'What can be followed: the present state first where there is one, then changes.',
})

/** The types of the builder, for functions that make types with it. */
export type Types = typeof builder.$inferSchemaTypes
