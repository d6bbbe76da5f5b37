import type { IncomingMessage, ServerResponse } from 'node:http'
import { addressOf } from '../limits/request-address.ts'
import { recordOf } from '../log/request-record.ts'
import { failSpan, type Tracing } from '../tracing.ts'

/** Handles a request in a span that ends with its answer. `path` is that of its mount. */
export type TraceRequest = (
  request: IncomingMessage,
  response: ServerResponse,
  { path, handle }: { readonly path: string; readonly handle: () => void },
) => void

/** Undefined without tracing. */
export function traceRequests(tracing: Tracing | undefined): TraceRequest | undefined {
  if (tracing === undefined) return undefined
  return (request, response, { path, handle }) => {
    const { method = '', headers } = request
    const record = recordOf(request)
    const attributes = {
      'http.request.method': method,
      'http.route': path,
      'url.path': request.url?.split('?', 1)[0] ?? '',
      'client.address': addressOf(request),
      'twincast.request.id': record.id,
    }
    tracing.within(`${method} ${path}`, { kind: 'server', attributes, from: headers }, (span) => {
      record.trace = span.spanContext().traceId
      response.once('close', () => {
        if (response.headersSent) span.setAttribute('http.response.status_code', response.statusCode)
        if (response.statusCode >= 500) failSpan(span, new Error(`status ${response.statusCode}`))
        span.end()
      })
      handle()
    })
  }
}
