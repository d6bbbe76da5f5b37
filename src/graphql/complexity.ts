import {
  type DocumentNode,
  type FragmentDefinitionNode,
  type GraphQLError,
  type GraphQLNamedType,
  type GraphQLOutputType,
  type GraphQLSchema,
  getNamedType,
  isInterfaceType,
  isLeafType,
  isObjectType,
  Kind,
  type SelectionSetNode,
} from 'graphql'
import type { Context } from './context.ts'
import { limitExceeded } from './limits.ts'

/** Nested fields. The deepest useful path, from jobs to a value of a device's twin, has 11. */
const maxDepth = 12
/** Aliases. Those in a fragment count at each use. Without aliases, a field cannot be selected repeatedly. */
const maxAliases = 30
/**
 * Maximum number of objects in an answer, which is about the number of rows that are read. A page of 100 with its edges
 * counts 300.
 */
export const maxComplexity = 5000

/**
 * The number of objects that a JSON document counts for. A document is printed each time a client selects it: a twin
 * has up to 288 KB of JSON text, and about 1 MB with its metadata.
 */
const documentComplexity = 5

function complexityOf(type: GraphQLNamedType): number {
  if (type.name === 'JSON') return documentComplexity
  return isLeafType(type) ? 0 : 1
}

const weightOf = (type: GraphQLOutputType) => ({ field: complexityOf(getNamedType(type)), multiplier: 1 })

const limited = { complexity: maxComplexity }
const unlimited = {}

/**
 * Limits the complexity of an operation, unless that is known not to exceed the limit. Objects count. Their scalar values do not, except JSON documents. The
 * arguments `first`, `last` and `ids` give the length of a list.
 */
export const complexityOptions = {
  limit: ({ isWithinComplexity }: Pick<Context, 'isWithinComplexity'>) => (isWithinComplexity ? unlimited : limited),
  fieldComplexity: (_args: unknown, _context: unknown, { type }: { readonly type: GraphQLOutputType }) =>
    weightOf(type),
  complexityError: (_kind: unknown, { complexity }: { readonly complexity: number }) =>
    limitExceeded('complexity', maxComplexity, complexity),
}

/**
 * Gives each field without a weight of its own a constant, which depends on its type. For a function, the plugin would read
 * the arguments of the field in each request.
 */
export function withConstantWeights(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (!isObjectType(type) && !isInterfaceType(type)) continue
    for (const { type: fieldType, extensions } of Object.values(type.getFields())) {
      if (extensions.complexity !== complexityOptions.fieldComplexity) continue
      Object.assign(extensions, { complexity: weightOf(fieldType) })
    }
  }
  return schema
}

/**
 * The number of aliases that an alias in introspection counts for. Complexity does not cover introspection, and each
 * alias could repeat the whole schema.
 */
const introspectionAliasWeight = 10

type Size = { readonly depth: number; readonly aliases: number }

const nothing: Size = { depth: 0, aliases: 0 }

/** The errors of a document that is too deep or has too many aliases. Introspection may be deep: graphql limits it. */
export function shapeErrors(document: DocumentNode): readonly GraphQLError[] {
  const sizes = measure(document)
  const depth = Math.max(...sizes.map((size) => size.depth))
  const aliases = Math.max(...sizes.map((size) => size.aliases))
  return [
    ...(depth > maxDepth ? [limitExceeded('depth', maxDepth, depth)] : []),
    ...(aliases > maxAliases ? [limitExceeded('aliases', maxAliases, aliases)] : []),
  ]
}

/**
 * The size of each operation and of each fragment, also of one that no operation uses. Every fragment is measured once,
 * however often it is used, so this takes linear time.
 */
function measure(document: DocumentNode): Size[] {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const sizes = new Map<string, Size>()

  const fragmentSize = (name: string): Size => {
    const known = sizes.get(name)
    if (known !== undefined) return known
    sizes.set(name, nothing) // A fragment that contains itself. Another rule refuses it.
    const fragment = fragments.get(name)
    const size = fragment === undefined ? nothing : sizeOf(fragment.selectionSet)
    sizes.set(name, size)
    return size
  }
  const sizeOf = (selectionSet: SelectionSetNode): Size => {
    let depth = 0
    let aliases = 0
    const add = (size: Size, levels: number, names: number): void => {
      depth = Math.max(depth, size.depth + levels)
      aliases += size.aliases + names
    }
    for (const selection of selectionSet.selections) {
      if (selection.kind === Kind.FRAGMENT_SPREAD) add(fragmentSize(selection.name.value), 0, 0)
      else if (selection.kind === Kind.INLINE_FRAGMENT) add(sizeOf(selection.selectionSet), 0, 0)
      else {
        const inner = selection.selectionSet ? sizeOf(selection.selectionSet) : nothing
        const names = selection.alias === undefined ? 0 : 1
        const isIntrospection = selection.selectionSet !== undefined && selection.name.value.startsWith('__')
        if (isIntrospection) add(nothing, 1, (inner.aliases + names) * introspectionAliasWeight)
        else add(inner, 1, names)
      }
    }
    return { depth, aliases }
  }
  return [
    ...document.definitions.flatMap((definition) =>
      definition.kind === Kind.OPERATION_DEFINITION ? [sizeOf(definition.selectionSet)] : [],
    ),
    // The depth counts where a fragment is used: introspection may be deeper.
    ...[...fragments.keys()].map((name) => ({ depth: 0, aliases: fragmentSize(name).aliases })),
  ]
}
