import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Deps } from '../deps.ts'
import { type Compress, createCompress } from '../graphql/transport/compress.ts'
import { addressOf } from '../limits/request-address.ts'
import { type RequestRecord, recordOf } from '../log/request-record.ts'
import { endInTurns } from '../send-in-turns.ts'
import type { Mount } from './server.ts'

/**
 * A handler in terms of web requests and responses, which answers every request itself. `address`: that of the client;
 * `whenAnswered` calls back when the answer has been sent, or the client has disconnected; `record` identifies the
 * request in the log. An answer with `Cache-Control: no-transform` is not compressed.
 */
export type WebHandler = (
  request: Request,
  address?: string,
  whenAnswered?: (act: () => void) => void,
  record?: RequestRecord,
) => Promise<Response>

/** The methods that are passed on; the server refuses the others, some of which a Request cannot represent. */
const methods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

/**
 * The mounts of a handler at these paths and everything below them, and for the other paths that it `claims` (see
 * `Mount`).
 */
export function mountWebHandler(
  deps: Pick<Deps, 'clock' | 'log'>,
  paths: readonly string[],
  handler: WebHandler,
  claims: (url: string) => boolean = () => false,
): Mount[] {
  const compress = createCompress()
  const handle: Mount['handle'] = (incoming, outgoing) => {
    serve({ ...deps, compress }, handler, incoming, outgoing).catch((error: unknown) => {
      deps.log.error({ err: error, requestId: recordOf(incoming).id }, 'HTTP request could not be answered')
      outgoing.destroy()
    })
  }
  return paths.map((path) => ({ path, below: true, claims, methods, handle }))
}

async function serve(
  { clock, compress }: Pick<Deps, 'clock'> & { readonly compress: Compress },
  handler: WebHandler,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const gone = new AbortController()
  // Not for answered requests: an abort costs as much as a small request, for the error that it creates.
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) gone.abort()
  })
  const whenAnswered = (act: () => void): void => {
    if (outgoing.destroyed) act()
    else outgoing.once('close', act)
  }
  const request = toRequest(incoming, gone.signal)
  const response = await handler(request, addressOf(incoming), whenAnswered, recordOf(incoming))
  const whole = Buffer.from(await response.arrayBuffer())
  const isKept = response.headers.get('cache-control') === 'no-transform'
  const packed = isKept ? undefined : await compress(whole, incoming.headers['accept-encoding'])
  const body = packed ?? whole
  response.headers.forEach((value, name) => {
    outgoing.setHeader(name, value)
  })
  if (packed !== undefined) outgoing.setHeader('content-encoding', 'gzip')
  // The rest of the request is not worth reading, and without that, no other request can use this connection.
  if (!incoming.complete) outgoing.setHeader('connection', 'close')
  outgoing.setHeader('cache-control', isKept ? 'no-store, no-transform' : 'no-store')
  if (response.status !== 204) outgoing.setHeader('content-length', body.length)
  outgoing.writeHead(response.status)
  await endInTurns(clock, outgoing, body)
}

/** The host is ignored: tokens name the hub, and a handler needs only the path. */
function toRequest(incoming: IncomingMessage, signal: AbortSignal): Request {
  const { method = 'GET', url = '/' } = incoming
  const headers = new Headers()
  for (const [name, value] of Object.entries(incoming.headers)) {
    if (typeof value === 'string') headers.set(name, value)
  }
  const body = method === 'GET' || method === 'HEAD' ? null : streamOf(incoming)
  const init = { method, headers, signal, body, duplex: 'half' } // required for a stream
  return new Request(`http://hub${url}`, init)
}

/** Reads on demand, and not ahead: a request may be refused without reading its body. */
function streamOf(incoming: IncomingMessage): ReadableStream<Uint8Array<ArrayBuffer>> {
  const chunks: AsyncIterator<Buffer<ArrayBuffer>> = incoming[Symbol.asyncIterator]()
  return new ReadableStream(
    {
      async pull(controller) {
        const next = await chunks.next()
        if (next.done) controller.close()
        else controller.enqueue(next.value)
      },
    },
    { highWaterMark: 0 },
  )
}
