import { Client, cacheExchange, fetchExchange, mapExchange } from 'urql'
import type { CurrentCredential } from './credential.ts'
import { withoutHiddenParts } from './hidden-parts.ts'
import type { Renewal } from './renewal.ts'

/** The codes of errors that say so. */
const refusals: ReadonlySet<unknown> = new Set(['UNAUTHORIZED', 'TOKEN_EXPIRED', 'TOKEN_INVALID'])

/** Whether a failed request says that the hub wants a token, or another. */
export function isUnauthorized(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  if ('response' in error && error.response instanceof Response && error.response.status === 401) return true
  const errors: unknown = 'graphQLErrors' in error ? error.graphQLErrors : undefined
  return (
    Array.isArray(errors) &&
    errors.some(({ extensions }: { extensions?: { code?: unknown } }) => refusals.has(extensions?.code))
  )
}

/** Sends requests to the hub, each with the credential that is in force when it is sent. */
export function authorizedFetch(credential: CurrentCredential, renewal: Renewal): typeof fetch {
  const send: typeof fetch = async (input, init) => {
    const authorization = credential.get()?.authorization
    const headers = new Headers(init?.headers)
    if (authorization !== undefined) headers.set('authorization', authorization)
    const response = await fetch(input, { ...init, headers })
    // The hub has done nothing of a request whose token it refuses.
    return response.status === 401 && (await renewal.replace(authorization)) ? await send(input, init) : response
  }
  return send
}

/**
 * Queries and mutations over HTTP. When the user returns to
 * a page, its previous data is shown at once and read again. A mutation makes queries about the same types run again.
 * `onRefused` is called when the hub does not accept the credential, and it cannot be renewed.
 */
export function createQueryClient(credential: CurrentCredential, renewal: Renewal, onRefused: () => void): Client {
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetch: authorizedFetch(credential, renewal),
    exchanges: [
      mapExchange({
        onError(error) {
          if (isUnauthorized(error)) onRefused()
        },
        onResult(result) {
          if (!result.data || !result.error) return result
          const { error, ...rest } = result
          const left = withoutHiddenParts(error)
          return left === undefined ? rest : { ...rest, error: left }
        },
      }),
      cacheExchange,
      fetchExchange,
    ],
  })
}
