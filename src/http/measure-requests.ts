import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Deps } from '../deps.ts'

/** Measures a request until its answer is sent. `path` is that of its mount. */
export type MeasureRequest = (request: IncomingMessage, response: ServerResponse, path: string | undefined) => void

/** Methods that are counted by their names: a client may send others. */
const methods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'])

/** Undefined without metrics. */
export function measureRequests({ clock, metrics }: Pick<Deps, 'clock' | 'metrics'>): MeasureRequest | undefined {
  if (metrics === undefined) return undefined
  return ({ method = '' }, response, path = 'other') => {
    const begun = clock.elapsed()
    response.once('close', () => {
      if (String(response.getHeader('content-type')).startsWith('text/event-stream')) return
      // The client may have disconnected before it got an answer.
      const status = response.headersSent ? String(response.statusCode) : 'none'
      const labels = { path, method: methods.has(method) ? method : 'other', status }
      metrics.observe('twincast_http_request_seconds', labels, (clock.elapsed() - begun) / 1000)
    })
  }
}
