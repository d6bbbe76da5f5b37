import SchemaBuilder from '@pothos/core'
import ComplexityPlugin from '@pothos/plugin-complexity'
import ErrorsPlugin from '@pothos/plugin-errors'
import RelayPlugin, { resolveNodes } from '@pothos/plugin-relay'
import type { AuthFailure } from '@pothos/plugin-scope-auth'
import { isRight, may, type Right } from '../access/rights.ts'
import AuditPlugin from './audit-plugin.ts'
import { complexityOptions } from './complexity.ts'
import type { Context } from './context.ts'
import { lacksRight } from './forbidden.ts'
import { limitExceeded, maxPageSize } from './limits.ts'
import { refusedNode } from './node-access.ts'
import { decodeNodeId, encodeNodeId } from './node-id.ts'
import ScopeAuthPlugin from './quick-rights.ts'

type OwnTypes = {
  Context: Context
  DefaultFieldNullability: false
  DefaultEdgesNullability: { list: false; items: false }
  DefaultNodeNullability: false
  /** A field requires the right, or one of several. */
  AuthScopes: { right: Right | readonly Right[] }
  /** Counted only when selected. */
  Connection: { totalCount: () => number | Promise<number> }
  Scalars: {
    ID: { Input: string; Output: string }
    DateTime: { Input: Date; Output: Date }
    JSON: { Input: unknown; Output: unknown }
  }
}

/** The rights, one of which would have been enough. */
function rightsIn(failure: AuthFailure): readonly Right[] {
  if ('failures' in failure) return failure.failures.flatMap(rightsIn)
  return 'parameter' in failure ? [failure.parameter].flat().filter(isRight) : []
}

/** The builder that all type files add to. It defines only the root types itself. */
export const builder = new SchemaBuilder<OwnTypes>({
  plugins: [ErrorsPlugin, AuditPlugin, ScopeAuthPlugin, RelayPlugin, ComplexityPlugin],
  defaultFieldNullability: false,
  errors: { directResult: true },
  scopeAuth: {
    // A subscription without the right is refused at its start, not at its first event.
    authorizeOnSubscribe: true,
    authScopes: ({ viewer }) => ({
      right: (needed) => [needed].flat().some((right) => may(viewer, right)),
    }),
    unauthorizedError: (_parent, { viewer }, info, { failure }) =>
      lacksRight(viewer, `${info.parentType.name}.${info.fieldName}`, rightsIn(failure)),
  },
  relay: {
    encodeGlobalID: (typename, id) => encodeNodeId(typename, String(id)),
    decodeGlobalID: decodeNodeId,
    idFieldOptions: {
      description: 'The global ID of this object, for `node` and client caches. Opaque.',
    },
    nodeTypeOptions: { description: 'An object with a global ID, by which `node` reads it again.' },
    nodeQueryOptions: {
      description:
        'The object with this global ID. Null when it no longer exists. FORBIDDEN without the right to read objects of its type, whether or not it exists.',
      args: { id: { description: 'The `id` of the object.' } },
      resolve: (_root, { id }, { viewer }, { schema }, resolveNode) =>
        refusedNode(schema, viewer, id.typename) ?? resolveNode(id),
    },
    nodesQueryOptions: {
      nullable: { list: true, items: true },
      description:
        'The objects with these global IDs, in the same order. Null for each object that no longer exists, and for each of a type that you may not read, with an error FORBIDDEN. Null as a whole only with an error.',
      args: { ids: { description: `The \`id\`s of the objects: at most ${maxPageSize}.` } },
      complexity: ({ ids }: { ids?: readonly unknown[] }) => ({ field: 1, multiplier: ids?.length ?? 1 }),
      resolve: async (_root, { ids }, context, info): Promise<readonly unknown[]> => {
        if (ids.length > maxPageSize) throw limitExceeded('ids', maxPageSize, ids.length)
        const refused = ids.map(({ typename }) => refusedNode(info.schema, context.viewer, typename))
        // The function that the plugin passes reads all ids, whichever it is given.
        const allowed = ids.map((id, index) => (refused[index] === undefined ? id : null))
        const found: readonly unknown[] = await resolveNodes(builder, context, info, allowed)
        return refused.map((error, index) => error ?? found[index])
      },
    },
    pageInfoTypeOptions: { description: 'The position of a page in its list.' },
    hasNextPageFieldOptions: { description: 'Whether the list has rows after this page.' },
    hasPreviousPageFieldOptions: { description: 'Whether the list has rows before this page.' },
    startCursorFieldOptions: { description: 'The cursor of the first row, for `before`. Null when the page is empty.' },
    endCursorFieldOptions: { description: 'The cursor of the last row, for `after`. Null when the page is empty.' },
    pageInfoFieldOptions: { description: 'The position of this page in the list.' },
    edgesFieldOptions: { description: 'The rows of this page, each with its cursor.' },
    nodesOnConnection: { description: 'The rows of this page.' },
    nodeFieldOptions: { description: 'The row.' },
    cursorFieldOptions: { description: 'The position of the row in this list, for `after` and `before`. Opaque.' },
  },
  complexity: complexityOptions,
})

builder.queryType({ description: 'All queries.' })
builder.mutationType({
  description:
    'All mutations. Each has one argument, `input`. Its result is a union of a payload and the expected errors.',
})
builder.subscriptionType({
  description: 'All subscriptions. Each first sends the current state, where there is one, and then changes.',
})

/** The types of the builder, for functions that make types with it. */
export type Types = typeof builder.$inferSchemaTypes
