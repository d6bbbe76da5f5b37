import { Client, cacheExchange, fetchExchange, mapExchange } from 'urql'
import { withoutHiddenParts } from './hidden-parts.ts'

/** Whether a failed request says that the hub wants a token, or another. */
export function isUnauthorized(error: unknown): boolean {
  if (typeof error !== 'object' || error === null) return false
  if ('response' in error && error.response instanceof Response && error.response.status === 401) return true
  const errors: unknown = 'graphQLErrors' in error ? error.graphQLErrors : undefined
  return (
    Array.isArray(errors) &&
    errors.some((one: { extensions?: { code?: unknown } }) => one.extensions?.code === 'UNAUTHORIZED')
  )
}

/**
 * Queries and mutations over HTTP. When the user returns to a page, its previous data is shown at once and read again.
 * A mutation makes queries about the same types run again.
 */
export function createQueryClient(token: string | undefined, onRefused: () => void): Client {
  return new Client({
    url: '/graphql',
    preferGetMethod: false,
    requestPolicy: 'cache-and-network',
    fetchOptions: () => (token === undefined ? {} : { headers: { authorization: token } }),
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
