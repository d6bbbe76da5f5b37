import { type Client, createClient } from 'graphql-ws'

/** The state of the live connection; `lost` means that it was given up, which only a fault of the hub or the console causes. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'lost'

/** The live connection, kept open and reopened for as long as the page is open. */
export type Socket = Client & {
  /** For `useSyncExternalStore`. */
  readonly connection: { get(): Connection; subscribe(listener: () => void): () => void }
}

/** Milliseconds between pings, and until an answer must have come: a dead connection is noticed within their sum. */
const pingInterval = 10_000
const pongTimeout = 5_000
const firstWait = 500
const longestWait = 15_000

/**
 * Opens it. A lost connection is opened again with growing waits, and graphql-ws repeats all subscriptions then.
 * `onRefused` is called when the hub closes it because of the token: 4401 it is missing, 4403 it is no longer valid.
 */
export function openSocket(token: string | undefined, onRefused: (code: number) => void): Socket {
  let connection: Connection = 'connecting'
  const listeners = new Set<() => void>()
  const become = (next: Connection): void => {
    connection = next
    for (const listener of listeners) listener()
  }
  let pong: ReturnType<typeof setTimeout> | undefined
  const client = createClient({
    url: new URL('/graphql', location.href.replace(/^http/, 'ws')).href,
    ...(token === undefined ? {} : { connectionParams: { authorization: token } }),
    lazy: false,
    keepAlive: pingInterval,
    retryAttempts: Number.POSITIVE_INFINITY,
    retryWait: (retries) => waitBefore(retries),
    shouldRetry: () => true,
    onNonLazyError: () => become('lost'),
    on: {
      connected: () => become('live'),
      closed(event) {
        clearTimeout(pong)
        const code = event instanceof CloseEvent ? event.code : 0
        if (code === 4401 || code === 4403) onRefused(code)
        else become('reconnecting')
      },
      ping(received) {
        if (received) return
        clearTimeout(pong)
        pong = setTimeout(() => client.terminate(), pongTimeout)
      },
      pong(received) {
        if (received) clearTimeout(pong)
      },
    },
  })
  return {
    ...client,
    connection: {
      get: () => connection,
      subscribe(listener) {
        listeners.add(listener)
        return () => listeners.delete(listener)
      },
    },
  }
}

/** Doubling from half a second to 15, with jitter, so that not all pages return to the hub at once. */
async function waitBefore(retries: number): Promise<void> {
  const wait = Math.min(longestWait, firstWait * 2 ** Math.min(retries, 10))
  await new Promise((resolve) => setTimeout(resolve, wait * (0.75 + Math.random() / 2)))
}
