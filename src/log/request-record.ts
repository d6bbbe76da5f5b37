import { randomFillSync } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** What log lines show of a request or operation. The actor and the operation become known while it is served. */
export type RequestRecord = {
  readonly id: string
  /** The id of the viewer. */
  actor?: string
  /** The name of the GraphQL operation, or the operation id of the REST API. */
  operation?: string
  /** The number of errors in the result of the GraphQL operation, if any. */
  errors?: number
  /** The id of its trace, where requests are traced. */
  trace?: string
  /** That of an upgrade, which has no response object. */
  status?: number
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The name of the response header with the id. */
export const requestIdHeader = 'x-request-id'

/**
 * Characters that mean nothing in a header, a log line, a JSON text or a message of the REST API, in which a semicolon
 * ends a text.
 */
const wellFormed = /^[\w.:+/=@-]{1,128}$/
/** Version 00 of W3C Trace Context: the ids of the trace and of the span that sends the request, neither all zeros. */
const traceContext = /^00-(?!0{32})([\da-f]{32})-(?!0{16})([\da-f]{16})-[\da-f]{2}$/

/** Where a request has its record. A WeakMap would cost two microseconds per request, most of them at its collection. */
const recordKey = Symbol('record')

/** A request, or what has its headers. */
type Recorded = Pick<IncomingMessage, 'headers'> & { [recordKey]?: RequestRecord }

/** The record of an HTTP request, or of the request that opened a WebSocket. The same object for the same request. */
export function recordOf(request: Recorded): RequestRecord {
  request[recordKey] ??= { id: requestIdIn(request.headers) }
  return request[recordKey]
}

/** The record of an operation of a WebSocket. The client has chosen its id, which is used if it is well-formed. */
export function operationRecord(socket: RequestRecord, id: string, actor: string | undefined): RequestRecord {
  const own = id.length <= 64 && wellFormed.test(id) ? id : makeId()
  return { id: `${socket.id}/${own}`, ...(actor !== undefined && { actor }) }
}

/**
 * The id of a request: that of `x-request-id`, which proxies add, of `request-id`, which the SDKs of IoT Hub send, or
 * the trace and the span of `traceparent`. If none of them is well-formed, a random one of 32 hexadecimal digits.
 */
export function requestIdIn({ 'x-request-id': own, 'request-id': ofSdk, traceparent }: Headers): string {
  if (typeof own === 'string' && wellFormed.test(own)) return own
  if (typeof ofSdk === 'string' && wellFormed.test(ofSdk)) return ofSdk
  const [, trace, span] = typeof traceparent === 'string' ? (traceContext.exec(traceparent) ?? []) : []
  return trace === undefined ? makeId() : `${trace}-${span}`
}

/** Random bytes for the next ids: asked for one by one, they would cost several times as much. */
const pool = Buffer.alloc(4096)
const idBytes = 16
let used = pool.length

function makeId(): string {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += idBytes
  return pool.toString('hex', used - idBytes, used)
}
