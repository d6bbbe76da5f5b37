import { type Client, createClient, TerminatedCloseEvent } from 'graphql-ws'
import type { CurrentCredential } from './credential.ts'
import type { Renewal } from './renewal.ts'

/** The state of the live connection; `lost` means that it was given up, which only a fault of the hub or the console causes. */
export type Connection = 'connecting' | 'live' | 'reconnecting' | 'lost'

/** The live connection, kept open and reopened for as long as the page is open. */
export type Socket = Client & {
  /** For `useSyncExternalStore`. */
  readonly connection: {
    get(): Connection
    /** When it was lost, in milliseconds since 1970; undefined while it is not. */
    lostAt(): number | undefined
    subscribe(listener: () => void): () => void
  }
}

/** Milliseconds between pings, and until an answer must have come: a dead connection is noticed within their sum. */
const pingInterval = 10_000
const pongTimeout = 5_000
const firstWait = 500
const longestWait = 15_000

/** Milliseconds until a token that the hub could not check is sent again. */
const renewalPause = 5_000

/**
 * Opens it. A lost connection is opened again with growing waits, and graphql-ws repeats all subscriptions then. A new
 * token is sent on the open connection, whose subscriptions go on.
 */
export function openSocket(
  credential: CurrentCredential,
  renewal: Renewal,
  on: {
    /** The hub has closed it because of the credential, which cannot be renewed. */
    refused(): void
    /** The rights of the person or of the policy may have changed. */
    rightsChanged(): void
  },
): Socket {
  let connection: Connection = 'connecting'
  let lostAt: number | undefined
  /** When the hub sent the latest message. */
  let heardAt = Date.now()
  let isDisposed = false
  const listeners = new Set<() => void>()
  const become = (next: Connection): void => {
    connection = next
    for (const listener of listeners) listener()
  }
  let pong: ReturnType<typeof setTimeout> | undefined
  let repeat: ReturnType<typeof setTimeout> | undefined
  let open: WebSocket | undefined
  /** The credential that the hub has been sent on this connection. */
  let sent: string | undefined
  const renew = (): void => {
    clearTimeout(repeat)
    const authorization = credential.get()?.authorization
    if (open === undefined || authorization === undefined || authorization === sent) return
    sent = authorization
    open.send(JSON.stringify({ type: 'ping', payload: { authorization } }))
  }
  const client = createClient({
    url: new URL('/graphql', location.href.replace(/^http/, 'ws')).href,
    connectionParams: () => {
      sent = credential.get()?.authorization
      return sent === undefined ? {} : { authorization: sent }
    },
    lazy: false,
    keepAlive: pingInterval,
    retryAttempts: Number.POSITIVE_INFINITY,
    async retryWait(retries) {
      await waitBefore(retries)
      await renewal.usable()
      // graphql-ws would connect once more, without a credential or with that of the next session.
      if (isDisposed) await new Promise<never>(() => {})
    },
    shouldRetry: () => true,
    onNonLazyError: () => become('lost'),
    on: {
      connected(socket) {
        open = socket instanceof WebSocket ? socket : undefined
        lostAt = undefined
        become('live')
        renew()
      },
      closed(event) {
        clearTimeout(pong)
        clearTimeout(repeat)
        open = undefined
        // A connection that died was silent before that was noticed.
        lostAt ??= event instanceof TerminatedCloseEvent ? heardAt : Date.now()
        become('reconnecting')
        if (isDisposed || !(event instanceof CloseEvent)) return
        if (event.code === 4403 && event.reason === 'rights changed') on.rightsChanged()
        else if (event.code === 4401 || event.code === 4403) {
          if (credential.get()?.renewal === undefined) on.refused()
          else void renewal.replace(sent)
        }
      },
      message() {
        heardAt = Date.now()
      },
      ping(received) {
        if (received) return
        clearTimeout(pong)
        pong = setTimeout(() => client.terminate(), pongTimeout)
      },
      pong(received, payload) {
        if (!received) return
        clearTimeout(pong)
        // The answer to a renewal. The token before is still in force after an error.
        if (payload?.expiresAt === undefined) return
        if (payload.error === undefined) on.rightsChanged()
        else {
          sent = undefined
          repeat = setTimeout(renew, renewalPause)
        }
      },
    },
  })
  const unlisten = credential.listen(renew)
  return {
    ...client,
    dispose() {
      isDisposed = true
      unlisten()
      clearTimeout(repeat)
      return client.dispose()
    },
    connection: {
      get: () => connection,
      lostAt: () => lostAt,
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
