import { createHash } from 'node:crypto'
import { decodeCursor, encodeCursor } from '../cursor.ts'
import { InvalidInputError } from '../errors.ts'

/** Where a page of results ended: the keys of its last row, and how many rows TOP still allows. */
export type Place = { readonly keys: readonly string[]; readonly left: number | undefined }

/** Identifies a question; not a secret. */
const fingerprint = (question: string): string => createHash('sha256').update(question).digest('base64url').slice(0, 22)

/**
 * A place as a token that fits into a header: base64url. `question` is everything that must be the same in the request
 * for the next page.
 */
export function writeStatementContinuation(question: string, { keys, left }: Place): string {
  const rows = left === undefined ? '' : String(Math.min(left, Number.MAX_SAFE_INTEGER))
  return encodeCursor(fingerprint(question), [rows, ...keys])
}

/**
 * The place in a token. InvalidInputError for a token of another question, and for anything whose keys do not match
 * `patterns`, one for each key.
 */
export function readStatementContinuation(question: string, token: string, patterns: readonly RegExp[]): Place {
  const [left = 'none', ...keys] = decodeCursor(fingerprint(question), token) ?? []
  const fits = keys.length === patterns.length && patterns.every((pattern, index) => pattern.test(keys[index] ?? ''))
  if (fits && left === '') return { keys, left: undefined }
  if (fits && /^[1-9]\d{0,15}$/.test(left)) return { keys, left: Number(left) }
  throw new InvalidInputError(
    ['continuation'],
    'The continuation token is damaged, or belongs to another query or page size.',
  )
}
