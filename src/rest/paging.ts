import { decodeCursor } from '../cursor.ts'
import { InvalidInputError } from '../errors.ts'
import type { Call } from './route.ts'

/** The requested page of a list: the maximum number of rows, and where the previous page ended. */
export type PageRequest = { readonly size: number; readonly continuation: string | undefined }

const defaultSize = 100
const maxSize = 1000

/**
 * The requested page, from the headers that SDKs send or the query parameters of the documentation. 100 rows by
 * default, and at most 1,000 whatever is requested. InvalidInputError.
 */
export function pageRequest({ headers, query }: Pick<Call, 'headers' | 'query'>): PageRequest {
  const size = (headers.get('x-ms-max-item-count') ?? query.get('pageSize')) || null
  const continuation = headers.get('x-ms-continuation') ?? query.get('continuationToken')
  if (size !== null && !/^0*[1-9]\d{0,8}$/.test(size)) {
    throw new InvalidInputError(['x-ms-max-item-count'], 'x-ms-max-item-count must be a whole number of at least 1.')
  }
  return { size: Math.min(Number(size ?? defaultSize), maxSize), continuation: continuation || undefined }
}

/**
 * The headers of a page. The last page has no continuation header: even an empty one makes the Azure SDK request
 * another page.
 */
export function pageHeaders(itemType: string, continuation: string | undefined): Record<string, string> {
  return { 'x-ms-item-type': itemType, ...(continuation !== undefined && { 'x-ms-continuation': continuation }) }
}

/**
 * The keys of the row where the last page ended. InvalidInputError for a token of another list, and for text that is
 * not a token.
 */
export function readListContinuation(list: string, continuation: string): readonly string[] {
  const keys = decodeCursor(list, continuation)
  if (keys === undefined) throw invalidContinuation()
  return keys
}

/** A continuation that cannot be read. */
export function invalidContinuation(): InvalidInputError {
  return new InvalidInputError(['x-ms-continuation'], 'The continuation token does not belong to this query.')
}
