import { decodeCursor } from '../cursor.ts'
import { InvalidInputError } from '../errors.ts'
import type { Call } from './route.ts'

/** What a client asks of a list: rows at most, and where it stopped. */
export type PageRequest = { readonly size: number; readonly continuation: string | undefined }

const defaultSize = 100
const maxSize = 1000

/**
 * The page that is asked for, by the headers that SDKs send or by the query parameters of the articles. 100 rows unless
 * said otherwise, 1,000 at most, whatever is said. InvalidInputError.
 */
export function pageRequest({ headers, query }: Pick<Call, 'headers' | 'query'>): PageRequest {
  const size = (headers.get('x-ms-max-item-count') ?? query.get('pageSize')) || null
  const continuation = headers.get('x-ms-continuation') ?? query.get('continuationToken')
  if (size !== null && !/^0*[1-9]\d{0,8}$/.test(size)) {
    throw new InvalidInputError(['x-ms-max-item-count'], 'x-ms-max-item-count must be a whole number from 1.')
  }
  return { size: Math.min(Number(size ?? defaultSize), maxSize), continuation: continuation || undefined }
}

/**
 * The headers of a page. Without more rows there is no continuation at all: even an empty one makes the Azure SDK ask on.
 */
export function pageHeaders(itemType: string, continuation: string | undefined): Record<string, string> {
  return { 'x-ms-item-type': itemType, ...(continuation !== undefined && { 'x-ms-continuation': continuation }) }
}

/** The keys of the row where the last page ended. InvalidInputError for a token of another list, and for what is no token. */
export function readContinuation(list: string, continuation: string): readonly string[] {
  const keys = decodeCursor(list, continuation)
  if (keys === undefined) throw invalidContinuation()
  return keys
}

/** A continuation that leads nowhere. */
export function invalidContinuation(): InvalidInputError {
  return new InvalidInputError(['x-ms-continuation'], 'The continuation token is not one of this query.')
}
