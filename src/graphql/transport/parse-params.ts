import type { Deps } from '../../deps.ts'
import { longRequestBytes } from '../../limits/long-turns.ts'
import { callerOf, type ServerContext } from '../context.ts'
import type { Documents } from './documents.ts'
import type { DocumentOf } from './requested-document.ts'

/** The parameters of an operation, as they were sent: unchecked members of a JSON body or of a search string. */
export type Params = Record<string, unknown>

/**
 * Parses the parameters of a request of this many bytes. Those of a long request wait for the caller's turn, in which
 * its document is parsed and validated, too. It is kept with the request, because the longest are not cached. Undefined
 * when the client has disconnected meanwhile. GraphQLError with an HTTP status.
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
    const parseAll = (): Params => {
      const params = parse()
      const { query } = params
      if (server.document === undefined && typeof query === 'string' && query !== '') {
        const document = documentOf({ ...params, query })
        documents.validate(document)
        server.document = document
      }
      return params
    }
    server.isLong = true
    return longTurns.take(callerOf(viewer, address), parseAll, signal)
  }
}
