import { once } from 'node:events'
import * as http from 'node:http'
import * as https from 'node:https'
import { text } from 'node:stream/consumers'
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'

/** How to reach the GraphQL endpoint of a hub. */
export type HubClientOptions = {
  /** The http: or https: address. */
  readonly url: string
  /** The `Authorization` value, if the hub requires one. */
  readonly authorization?: string | undefined
  /** The PEM text of the authority to trust instead of the system's. */
  readonly ca?: string | undefined
}

/** A generated document: text with a type, of whichever folder. */
export type TypedText<R, V> = DocumentTypeDecoration<R, V> & { toString(): string }

/** A GraphQL client of a hub. It sends only generated documents. */
export type HubClient = {
  /** Sends a query or mutation. Rejects with HubUnreachableError or HubRefusedError. */
  execute<R, V extends Variables>(document: TypedText<R, V>, variables: V): Promise<R>
  /**
   * The updates of a subscription until it ends. Throws HubUnreachableError or HubRefusedError. Leaving the loop ends
   * the subscription.
   */
  subscribe<R, V extends Variables>(document: TypedText<R, V>, variables: V): AsyncIterable<R>
  /** Ends all subscriptions and connections. */
  close(): void
}

/**
 * Nothing answered at the address, or the answer did not come from a hub. `cause` is the socket's error, if there was
 * one.
 */
export class HubUnreachableError extends Error {
  override readonly name = 'HubUnreachableError'
}

/** The hub refused the request. `code` is that of the GraphQL error, such as `UNAUTHORIZED`. */
export class HubRefusedError extends Error {
  override readonly name = 'HubRefusedError'
  readonly code: string
  constructor(code: string, message: string) {
    super(message)
    this.code = code
  }
}

/** The variables of a generated document. */
type Variables = Record<string, unknown>

type Answer<R> = { readonly data?: R | null | undefined; readonly errors?: readonly AnswerError[] | undefined }
type AnswerError = { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> | undefined }

/** Creates a client. Nothing connects before the first request. */
export function createHubClient({ url, authorization, ca }: HubClientOptions): HubClient {
  const secure = url.startsWith('https:')
  const agent = secure
    ? new https.Agent({ keepAlive: true, ...(ca ? { ca } : {}) })
    : new http.Agent({ keepAlive: true })
  const headers = {
    'content-type': 'application/json',
    accept: 'application/graphql-response+json, application/json',
    ...(authorization ? { authorization } : {}),
  }
  const subscriptions = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, ca ? { ca } : {})
      }
    },
    ...(authorization ? { connectionParams: { Authorization: authorization } } : {}),
    retryAttempts: 0,
    onNonLazyError: () => {},
  })

  const post = async (body: string): Promise<string> => {
    const request = (secure ? https : http).request(url, { method: 'POST', agent, headers })
    request.end(body)
    try {
      const [response] = await once(request, 'response')
      return await text(response)
    } catch (error) {
      throw new HubUnreachableError(`No hub responds at ${url}.`, { cause: error })
    }
  }

  return {
    async execute<R, V extends Variables>(document: TypedText<R, V>, variables: V) {
      const body = await post(JSON.stringify({ query: document.toString(), variables }))
      return dataOf(parseAnswer<R>(body, url))
    },
    async *subscribe<R, V extends Variables>(document: TypedText<R, V>, variables: V) {
      const query = document.toString()
      try {
        for await (const result of subscriptions.iterate<R>({ query, variables })) {
          yield dataOf<R>(result)
        }
      } catch (error) {
        throw error instanceof Error ? error : subscriptionError(error)
      }
    },
    close() {
      void subscriptions.dispose()
      agent.destroy()
    },
  }
}

function parseAnswer<R>(body: string, url: string): Answer<R> {
  try {
    const answer: Answer<R> = JSON.parse(body)
    if (answer.data !== undefined || Array.isArray(answer.errors)) return answer
  } catch {} // not JSON, or null: so not GraphQL
  throw new HubUnreachableError(`The server at ${url} is not the GraphQL endpoint of a hub.`)
}

function dataOf<R>({ data, errors }: Answer<R>): R {
  const [error] = errors ?? []
  if (error !== undefined) throw new HubRefusedError(String(error.extensions?.code ?? 'UNKNOWN'), error.message)
  if (data === undefined || data === null) throw new HubRefusedError('UNKNOWN', 'The response of the hub has no data.')
  return data
}

/**
 * The error for a rejection of graphql-ws that is not an Error: the errors of the operation, or the event that closed
 * the socket.
 */
function subscriptionError(reason: unknown): Error {
  if (Array.isArray(reason)) {
    const [error]: AnswerError[] = reason
    if (error !== undefined) return new HubRefusedError(String(error.extensions?.code ?? 'UNKNOWN'), error.message)
  }
  const closed = typeof reason === 'object' && reason !== null && 'code' in reason ? ` (${String(reason.code)})` : ''
  return new HubUnreachableError(`The connection for subscriptions has closed${closed}.`)
}
