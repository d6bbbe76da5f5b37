import { isForwarded } from '../graphql/transport/cross-site.ts'
import { isLoopback } from '../loopback.ts'
import { type Metrics, metricsType } from '../metrics.ts'
import { respond } from './respond.ts'
import type { Mount } from './server.ts'

/** The metrics of this process, for programs on this machine: without a token, and not through a proxy. */
export function mountMetrics(metrics: Metrics): Mount {
  return {
    path: '/metrics',
    methods: ['GET', 'HEAD'],
    isOpen: () => true,
    handle(request, response) {
      if (!isLoopback(request.socket.remoteAddress ?? '') || isForwarded(request)) {
        respond(response, 403, { message: 'Metrics are available on this machine only, and not through a proxy.' })
        return
      }
      response.writeHead(200, { 'content-type': metricsType, 'cache-control': 'no-store' })
      response.end(request.method === 'HEAD' ? undefined : metrics.print())
    },
  }
}
