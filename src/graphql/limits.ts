import { type DocumentNode, GraphQLError } from 'graphql'
import { envelopeDepth, isDeeper, maxPrintedDepth } from '../json/json.ts'

/** Tokens of a document. The introspection of GraphiQL has about 250. */
export const maxTokens = 2000
/**
 * Lines of a document. Comments are no tokens, so this is the limit of them; and graphql counts the lines before each
 * error.
 */
export const maxLines = 4000
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

/** The error of a response, or an event, of too many bytes. */
export const answerTooLong = (maxBytes: number, bytes: number): GraphQLError =>
  limitExceeded('answerBytes', maxBytes, bytes, 'Request fewer rows per page, or fewer fields.')

/** Nested objects and arrays in the variables of an operation. Each argument has its own limits too. */
export const maxInputDepth = maxPrintedDepth + envelopeDepth

/** Refuses variables that are nested too deeply for any operation, before they are traversed or printed. */
export function refuseDeepVariables(variables: unknown): void {
  if (!isDeeper(variables, maxInputDepth)) return
  throw new GraphQLError(`The variables are nested more than ${maxInputDepth} levels deep.`, {
    extensions: { code: 'LIMIT_EXCEEDED', limit: 'variablesDepth', maximum: maxInputDepth, http: { status: 400 } },
  })
}

/** Refuses a document that is too long, before it is parsed. */
export function refuseLongDocument(text: string, maxBytes: number): void {
  // A character takes at most three bytes. Most documents are not even that long.
  if (text.length <= maxBytes / 3) return
  const bytes = Buffer.byteLength(text)
  if (bytes <= maxBytes) return
  const error = limitExceeded('documentBytes', maxBytes, bytes, 'Pass values as variables, and remove comments.')
  error.extensions.http = { status: 400 }
  throw error
}

/** Refuses a document with too many lines before it is parsed. */
export function refuseManyLines(text: string): void {
  // Most documents are not even that long.
  if (text.length < maxLines) return
  let lines = 1
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '\n' || (character === '\r' && text[at + 1] !== '\n')) lines++
  }
  if (lines <= maxLines) return
  const error = limitExceeded('lines', maxLines, lines, 'Pass values as variables, and remove comments.')
  error.extensions.http = { status: 400 }
  throw error
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
