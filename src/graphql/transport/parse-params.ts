import type { Deps } from '../../deps.ts'
import { longRequestBytes } from '../../limits/long-turns.ts'
import { callerOf, type ServerContext } from '../context.ts'
import type { Documents } from './documents.ts'
import type { DocumentOf } from './requested-document.ts'

/** The parameters of an operation, as they were sent: unchecked members of a JSON body or of a search string. */
export type Params = Record<string, unknown>

/**
 * Parses the parameters of a request of this many bytes. Those of a long request wait for a turn of the caller. In that turn
 * the document is parsed, too; it is validated in another one. The document is kept with the request, because the longest are
 * not cached. Undefined when the client has disconnected meanwhile. GraphQLError with an HTTP status.
 */
export type ParseParams = (
  request: Request,
  server: ServerContext,
  bytes: number,
  parse: () => Params,
) => Promise<Params | undefined>

export function createParseParams(
  { longTurns }: Pick<Deps, 'longTurns'>,
  documents: Documents,
  documentOf: DocumentOf,
): ParseParams {
  return async ({ signal }, server, bytes, parse) => {
    const { viewer, address } = server
    if (bytes < longRequestBytes || viewer === undefined) return parse()
    const take = <T>(work: () => T, size = 0) => longTurns.take(callerOf(viewer, address), work, signal, size)
    const isKnown = server.document !== undefined
    server.isLong = true
    const params = await take(() => {
      const parsed = parse()
      const { query } = parsed
      if (!isKnown && typeof query === 'string' && query !== '') server.document = documentOf({ ...parsed, query })
      return parsed
    }, bytes)
    const { document } = server
    if (params === undefined || document === undefined || isKnown) return params
    // In other turns: each of them may take milliseconds.
    const errors = await documents.validateInTurns(document, take)
    return errors && params
  }
}
