import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core'
import { createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import { HubRefusedError, HubUnreachableError } from './hub-errors.ts'
import { createHubHttp } from './hub-http.ts'

/** An `Authorization` value, or how to get one that is valid now. */
export type Authorization = string | (() => string)

/** The value for a request or connection that begins now. */
export const authorizationNow = (authorization: Authorization | undefined): string | undefined =>
  typeof authorization === 'function' ? authorization() : authorization

/** How to reach the GraphQL endpoint of a hub. */
export type HubClientOptions = {
  /** The http: or https: address. */
  readonly url: string
  /** The `Authorization` value, if the hub requires one; a function gives that of each request and connection. */
  readonly authorization?: Authorization | undefined
  /** The PEM text of the authority to trust instead of the system's. */
  readonly ca?: string | undefined
  /** How JSON of the hub is read, if not by JSON.parse. */
  readonly parse?: typeof JSON.parse
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

/** The variables of a generated document. */
type Variables = Record<string, unknown>

type Answer<R> = { readonly data?: R | null | undefined; readonly errors?: readonly AnswerError[] | undefined }
type AnswerError = { readonly message: string; readonly extensions?: Readonly<Record<string, unknown>> | undefined }

/** Creates a client. Nothing connects before the first request. */
export function createHubClient({ url, authorization, ca, parse = JSON.parse }: HubClientOptions): HubClient {
  const http = createHubHttp(url, ca)
  const headers = () => {
    const value = authorizationNow(authorization)
    return {
      'content-type': 'application/json',
      accept: 'application/graphql-response+json, application/json',
      ...(value ? { authorization: value } : {}),
    }
  }
  const subscriptions = createClient({
    url: url.replace(/^http/, 'ws'),
    webSocketImpl: class extends WebSocket {
      constructor(address: string, protocols: string) {
        super(address, protocols, ca ? { ca } : {})
      }
    },
    connectionParams: () => {
      const value = authorizationNow(authorization)
      return value ? { Authorization: value } : undefined
    },
    retryAttempts: 0,
    onNonLazyError: () => {},
  })

  return {
    async execute<R, V extends Variables>(document: TypedText<R, V>, variables: V) {
      const body = JSON.stringify({ query: document.toString(), variables })
      const [, answer] = await http.read(url, { headers: headers(), body })
      return dataOf(answerIn<R>(answer, { url, parse }))
    },
    async *subscribe<R, V extends Variables>(document: TypedText<R, V>, variables: V) {
      const query = document.toString()
      try {
        for await (const result of subscriptions.iterate<R>({ query, variables })) {
          yield dataOf<R>(result)
        }
      } catch (error) {
        throw error instanceof Error
          ? error
          : subscriptionError(error, { isRenewed: typeof authorization === 'function' })
      }
    },
    close() {
      void subscriptions.dispose()
      http.close()
    },
  }
}

type Reading = { readonly url: string; readonly parse: typeof JSON.parse }

function answerIn<R>(body: string, { url, parse }: Reading): Answer<R> {
  try {
    const answer: Answer<R> = parse(body)
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
 * the socket. `isRenewed`: the next connection would have another token.
 */
function subscriptionError(reason: unknown, { isRenewed }: { readonly isRenewed: boolean }): Error {
  if (Array.isArray(reason)) {
    const [error]: AnswerError[] = reason
    if (error !== undefined) return new HubRefusedError(String(error.extensions?.code ?? 'UNKNOWN'), error.message)
  }
  const { code, reason: why }: { readonly code?: unknown; readonly reason?: unknown } = Object(reason)
  if (code === 4401) {
    return new HubRefusedError(why === 'TOKEN_INVALID' ? why : 'UNAUTHORIZED', 'The hub has refused the token.')
  }
  // After 4403, another attempt may succeed, but not with a token that has expired.
  if (code === 4403 && why === 'TOKEN_EXPIRED' && !isRenewed) {
    return new HubRefusedError(why, 'The token has expired. Give another one with --token.')
  }
  const closed = code === undefined ? '' : ` (${String(code)})`
  return new HubUnreachableError(`The connection for subscriptions has closed${closed}.`)
}
