import { type Client, createClient, type Message, MessageType } from 'graphql-ws'
import { createPositions } from './resume.ts'
import type { Session } from './session.ts'
import { SignedOutError } from './sign-in.ts'

/** Where the hub is, and who asks. */
export type HubSettings = {
  /** The http: or https: address of the GraphQL API. */
  readonly url: string
  readonly session: Session
  /** The class of WebSockets where the platform has none: Node before 22. */
  readonly webSocketImpl?: unknown
  /** Runs when the connection is lost, when it is there again, and when the hub has accepted the next token. */
  readonly onConnection?: (event: 'lost' | 'back' | 'renewed') => void
}

// #region connect
/** The connection for subscriptions. It outlives its tokens, reconnects, and continues where it was. */
export function connect({ url, session, webSocketImpl, onConnection = () => {} }: HubSettings): Client {
  const positions = createPositions()
  let socket: Sender | undefined
  let isLost = false
  /** The token that the hub has. */
  let sent: string | undefined
  let renewalTimer: ReturnType<typeof setTimeout> | undefined
  let pongTimer: ReturnType<typeof setTimeout> | undefined

  /** Waits until it is time for the next token, and a second more: timers may be early. Then sends it to the hub. */
  const planRenewal = (): void => {
    clearTimeout(renewalTimer)
    const wait = session.renewAt() - Date.now()
    if (wait < 2 ** 31 - 1_000) renewalTimer = setTimeout(() => void renew(socket), Math.max(wait, 0) + 1_000)
  }
  const renew = async (current: Sender | undefined): Promise<void> => {
    try {
      const authorization = await session.authorization()
      if (current !== socket) return
      // The provider was unreachable: try again.
      if (authorization === sent) planRenewal()
      else current?.send(JSON.stringify({ type: 'ping', payload: { authorization } }))
      sent = authorization
    } catch (error) {
      // A person who is signed out keeps the connection until the token ends.
      if (current === socket && !(error instanceof SignedOutError)) planRenewal()
    }
  }

  const client = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl,
    // A function, so that each new connection begins with the current token.
    connectionParams: async () => {
      sent = await session.authorization()
      return sent === undefined ? {} : { authorization: sent }
    },
    retryAttempts: Number.POSITIVE_INFINITY,
    // By default, the wait doubles without a limit.
    retryWait: (retries) => pause(Math.min(15_000, 500 * 2 ** retries) * (0.75 + Math.random() / 2)),
    // By default, the client gives up when it cannot connect. After 4401 it always does: the token was never good.
    shouldRetry: (failure) => !(failure instanceof SignedOutError),
    keepAlive: 10_000,
    jsonMessageReplacer: (key, value) => (key === '' ? positions.outgoing(withoutText(value)) : value),
    on: {
      message: positions.incoming,
      connected(opened) {
        if (isLost) onConnection('back')
        isLost = false
        socket = isSender(opened) ? opened : undefined
        planRenewal()
      },
      closed(event) {
        socket = undefined
        clearTimeout(renewalTimer)
        clearTimeout(pongTimer)
        // 1000: the client itself has closed it, because nothing is subscribed.
        if (isLost || isClose(event, 1000)) return
        isLost = true
        onConnection('lost')
      },
      ping(received) {
        // Without an answer the connection is dead, although nobody has closed it.
        if (!received) pongTimer = setTimeout(() => client.terminate(), 5_000)
      },
      pong(received, payload) {
        if (!received) return
        clearTimeout(pongTimer)
        if (payload === undefined || !('expiresAt' in payload)) return
        // With `error`, the hub has kept the old token. It closes the connection when that one ends.
        if (!('error' in payload)) onConnection('renewed')
        planRenewal()
      },
    },
  })
  return client
}

type Sender = { send(text: string): void }
const isSender = (value: unknown): value is Sender => typeof value === 'object' && value !== null && 'send' in value

const pause = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Whether the event says that a WebSocket was closed with this code. */
const isClose = (event: unknown, code: number): boolean =>
  typeof event === 'object' && event !== null && 'code' in event && event.code === code

/** With the id of a trusted document, the text is not sent. */
function withoutText(message: Message): Message {
  if (message.type !== MessageType.Subscribe || message.payload.extensions?.persistedQuery === undefined) return message
  return { ...message, payload: { ...message.payload, query: '' } }
}
// #endregion
