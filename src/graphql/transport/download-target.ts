import type { IncomingMessage } from 'node:http'
import { InvalidInputError } from '../../errors.ts'
import { readQueryString } from '../../query-string.ts'

/** The path of a download, and its parameters, which have one of the allowed names each. InvalidInputError. */
export function downloadTargetOf(
  { url }: IncomingMessage,
  allowed: readonly string[],
): { readonly pathname: string; readonly parameters: URLSearchParams } {
  const { pathname, search } = new URL(url ?? '', 'http://hub')
  const parameters = readQueryString(search.slice(1))
  if (parameters === undefined) throw new InvalidInputError([], 'The encoding of the query string is not valid.')
  const unknown = [...parameters.keys()].find((name) => !allowed.includes(name))
  if (unknown === undefined) return { pathname, parameters }
  throw new InvalidInputError([unknown], `"${unknown.slice(0, 128)}" is not a parameter. Use ${allowed.join(', ')}.`)
}
