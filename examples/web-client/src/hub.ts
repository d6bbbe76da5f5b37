import { Client, fetchExchange, subscriptionExchange } from '@urql/core'
import { createClient } from 'graphql-ws'

/** Where the hub is, and who asks. */
export type HubSettings = {
  /** The http: or https: address of its GraphQL API. In a page: `new URL('/graphql', location.href).href`. */
  readonly url: string
  /** The present shared access signature; undefined where the hub asks for none. Asked for at every request. */
  readonly token?: () => string | undefined
  /** The class of WebSockets, where the platform brings none: Node before 22. */
  readonly webSocketImpl?: unknown
  /** Hears when the connection for subscriptions is lost, and when it is there again. */
  readonly onConnection?: (state: 'lost' | 'back') => void
}

/** A client of a hub. `close` ends its subscriptions and its connection. */
export type Hub = { readonly client: Client; close(): void }

/** Makes a client: queries and mutations by POST, subscriptions by WebSocket. Nothing connects before it is used. */
export function connectHub({ url, token, webSocketImpl, onConnection }: HubSettings): Hub {
  const authorization = (): { authorization?: string } => {
    const value = token?.()
    return value === undefined ? {} : { authorization: value }
  }
  let isLost = false
  const socket = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl,
    // A function: after a token has expired, the hub closes the socket and the next one carries the next token.
    connectionParams: authorization,
    // As long as somebody follows something. It asks again by itself, and the hub begins with the present state.
    retryAttempts: Number.POSITIVE_INFINITY,
    on: {
      connected() {
        if (isLost) onConnection?.('back')
        isLost = false
      },
      closed(event) {
        if (isLost || isNormal(event)) return
        isLost = true
        onConnection?.('lost')
      },
    },
  })
  const client = new Client({
    url,
    preferGetMethod: false,
    fetchOptions: () => ({ headers: authorization() }),
    // No cache: each of these questions is asked once. A page puts cacheExchange, or Graphcache, before these two.
    exchanges: [
      fetchExchange,
      subscriptionExchange({
        forwardSubscription: ({ query = '', variables }) => ({
          subscribe: (sink) => ({ unsubscribe: socket.subscribe({ query, variables }, sink) }),
        }),
      }),
    ],
  })
  return { client, close: () => void socket.dispose() }
}

/** Whether this client itself has closed the socket, because nobody follows anything any more. */
function isNormal(event: unknown): boolean {
  return typeof event === 'object' && event !== null && 'code' in event && event.code === 1000
}
