import { createHash } from 'node:crypto'
import { InvalidInputError } from '../errors.ts'
import { utf8Text } from '../utf8.ts'

/** Where a page of results ended: the keys of its last row, and how many rows TOP still allows. */
export type Place = { readonly keys: readonly string[]; readonly left: number | undefined }

/** Tells one question from another; not a secret. */
const fingerprint = (question: string): string => createHash('sha256').update(question).digest('base64url').slice(0, 22)

/** A place as a token that fits a header: base64url. `question` is all that the next page has to be asked with again. */
export function writeContinuation(question: string, { keys, left }: Place): string {
  return Buffer.from(JSON.stringify([fingerprint(question), left ?? null, ...keys])).toString('base64url')
}

/**
 * The place in a token. InvalidInputError for a token of another question, and for anything whose keys do not match
 * `patterns`, one for each key.
 */
export function readContinuation(question: string, token: string, patterns: readonly RegExp[]): Place {
  const [owner, left, ...keys] = valuesIn(token)
  const texts = keys.filter((key) => typeof key === 'string')
  const fits =
    texts.length === keys.length &&
    texts.length === patterns.length &&
    patterns.every((pattern, index) => pattern.test(texts[index] ?? ''))
  if (owner === fingerprint(question) && fits) {
    if (left === null) return { keys: texts, left: undefined }
    if (typeof left === 'number' && Number.isInteger(left) && left > 0) return { keys: texts, left }
  }
  throw new InvalidInputError(
    ['continuation'],
    'The continuation token is not one of this query with this page size, or it is damaged.',
  )
}

function valuesIn(token: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(utf8Text(Buffer.from(token, 'base64url')) ?? '')
    return Array.isArray(value) ? value : []
  } catch {
    return []
  }
}
