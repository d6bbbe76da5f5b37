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
 * Bytes of a request. Counted before anything is parsed, because comments are no tokens to the parser. A method payload
 * (128 KB) and a twin patch (40 KB) fit, escaped within reason.
 */
export const maxRequestBytes = 256 * 1024
/** Tokens of a document. The introspection of GraphiQL has about 250. */
export const maxTokens = 2000
/** Fields inside each other. The deepest useful path, from jobs to a value of a device's twin, has 11. */
export const maxDepth = 12
/** Renamed fields, those in fragments counted at each use: a field can be asked for many times only under other names. */
export const maxAliases = 30
/** As how many an alias of introspection counts: complexity knows nothing of it, and each could repeat all of the schema. */
const introspectionAliasWeight = 10
/** Objects an answer can hold at worst, which is about the rows that are read. A page of 100 with its edges costs 300. */
export const maxComplexity = 5000
/** Rows of a page, ids of `nodes`. */
export const maxPageSize = 100
/** Devices that one mutation creates. */
export const maxNewDevices = 1000
/** Operations at once on one WebSocket. */
export const maxOperationsPerSocket = 100
/** WebSockets at once; each may be idle for ever, and takes about 30 KB: 300 MB when all are taken. */
export const maxSockets = 10_000

/** The error of every limit: `extensions` name it, and how far the request went. `advice` says what to do. */
export function limitExceeded(limit: string, maximum: number, actual: number, advice = ''): GraphQLError {
  const message = `The request is over a limit: ${limit} is ${actual} and may be at most ${maximum}. ${advice}`.trim()
  return new GraphQLError(message, {
    extensions: { code: 'LIMIT_EXCEEDED', limit, maximum, actual },
  })
}

/** Objects and arrays in one another in what a client sends with an operation. Each argument has limits of its own. */
export const maxInputDepth = maxPrintedDepth + envelopeDepth

/** Throws the error for variables that no operation takes, before anything walks through them or prints them. */
export function refuseDeepVariables(variables: unknown): void {
  if (!isDeeper(variables, maxInputDepth)) return
  throw new GraphQLError(`The variables are nested more than ${maxInputDepth} levels deep.`, {
    extensions: { code: 'LIMIT_EXCEEDED', limit: 'variablesDepth', maximum: maxInputDepth, http: { status: 400 } },
  })
}

/** The parser takes stack for each level, and the tokens allow more levels than there is stack for. */
export function parseDocument(parse: () => DocumentNode): DocumentNode {
  try {
    return parse()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new GraphQLError('The document is nested too deep to be parsed.', {
      extensions: { code: 'GRAPHQL_PARSE_FAILED', http: { status: 400 } },
    })
  }
}

type Size = { readonly depth: number; readonly aliases: number }

const nothing: Size = { depth: 0, aliases: 0 }

/** Limits the shape of a document. Introspection may be deep: graphql's own rules bound it. */
export const shapeLimits: ValidationRule = (context) => ({
  Document(document) {
    for (const { depth, aliases } of measure(document)) {
      if (depth > maxDepth) context.reportError(limitExceeded('depth', maxDepth, depth))
      if (aliases > maxAliases) context.reportError(limitExceeded('aliases', maxAliases, aliases))
    }
  },
})

/** The size of each operation. Every fragment is measured once, however often it is used: so in linear time. */
function measure(document: DocumentNode): Size[] {
  const fragments = new Map<string, FragmentDefinitionNode>()
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) fragments.set(definition.name.value, definition)
  }
  const sizes = new Map<string, Size>()

  const fragmentSize = (name: string): Size => {
    const known = sizes.get(name)
    if (known !== undefined) return known
    sizes.set(name, nothing) // a fragment within itself; another rule refuses it
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
