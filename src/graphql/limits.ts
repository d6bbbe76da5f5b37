import {
  type DocumentNode,
  type FragmentDefinitionNode,
  GraphQLError,
  Kind,
  type SelectionSetNode,
  type ValidationRule,
} from 'graphql'
import { envelopeDepth, isDeeper, maxPrintedDepth } from '../json/json.ts'

/**
 * Bytes of a request. Counted before parsing, because the parser does not count comments as tokens. A method payload
 * (128 KB) and a twin patch (40 KB) fit, with a reasonable number of escapes.
 */
export const maxRequestBytes = 256 * 1024
/** Tokens of a document. The introspection of GraphiQL has about 250. */
export const maxTokens = 2000
/** Nested fields. The deepest useful path, from jobs to a value of a device's twin, has 11. */
export const maxDepth = 12
/** Aliases. Those in a fragment count at each use. Without aliases, a field cannot be selected repeatedly. */
export const maxAliases = 30
/**
 * The number of aliases that an alias in introspection counts for. Complexity does not cover introspection, and each
 * alias could repeat the whole schema.
 */
const introspectionAliasWeight = 10
/**
 * Maximum number of objects in an answer, which is about the number of rows that are read. A page of 100 with its edges
 * counts 300.
 */
export const maxComplexity = 5000
/** Rows of a page, ids of `nodes`. */
export const maxPageSize = 100
/** Devices that one mutation creates. */
export const maxNewDevices = 1000
/** Concurrent operations on one WebSocket. */
export const maxOperationsPerSocket = 100
/** Concurrent WebSockets. Each may be idle forever and takes about 30 KB, so all together take 300 MB. */
export const maxSockets = 10_000

/**
 * The error of every limit. `extensions` contain the limit, its maximum and the actual value. `advice` says what to do.
 */
export function limitExceeded(limit: string, maximum: number, actual: number, advice = ''): GraphQLError {
  const message = `The request exceeds a limit: ${limit} is ${actual}, the maximum is ${maximum}. ${advice}`.trim()
  return new GraphQLError(message, {
    extensions: { code: 'LIMIT_EXCEEDED', limit, maximum, actual },
  })
}

/** Nested objects and arrays in the variables of an operation. Each argument has its own limits too. */
export const maxInputDepth = maxPrintedDepth + envelopeDepth

/** Refuses variables that are nested too deeply for any operation, before they are traversed or printed. */
export function refuseDeepVariables(variables: unknown): void {
  if (!isDeeper(variables, maxInputDepth)) return
  throw new GraphQLError(`The variables are nested more than ${maxInputDepth} levels deep.`, {
    extensions: { code: 'LIMIT_EXCEEDED', limit: 'variablesDepth', maximum: maxInputDepth, http: { status: 400 } },
  })
}

/**
 * Parses a document. The parser uses stack space for each level, and the limit of tokens allows more levels than fit.
 */
export function parseDocument(parse: () => DocumentNode): DocumentNode {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new GraphQLError('The document is nested too deeply to be parsed.', {
      extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400 } },
    })
  }
}

type Size = { readonly depth: number; readonly aliases: number }

const nothing: Size = { depth: 0, aliases: 0 }

/** Limits the depth and the aliases of a document. Introspection may be deep: the rules of graphql limit it. */
export const shapeLimits: ValidationRule = (context) => ({
  Document(document) {
    for (const { depth, aliases } of measure(document)) {
      if (depth > maxDepth) context.reportError(limitExceeded('depth', maxDepth, depth))
      if (aliases > maxAliases) context.reportError(limitExceeded('aliases', maxAliases, aliases))
    }
  },
})

/** The size of each operation. Every fragment is measured once, however often it is used, so this takes linear time. */
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
  return document.definitions.flatMap((definition) =>
    definition.kind === Kind.OPERATION_DEFINITION ? [sizeOf(definition.selectionSet)] : [],
  )
}
