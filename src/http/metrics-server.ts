import * as http from 'node:http'
import type { Socket } from 'node:net'
import type { Deps } from '../deps.ts'
import { type Metrics, metricsType } from '../metrics/metrics.ts'
import { openPort, type PortAddress } from '../open-port.ts'
import { addressFor } from './address.ts'
import { limitPipelining, type Pipeline } from './limit-pipelining.ts'
import { respond } from './respond.ts'
import { closeUnlessBodiless } from './unread-body.ts'

/** Serves the metrics of this process on a port of their own. */
export type MetricsServer = {
  /** Opens the port and returns its address, such as `http://localhost:4090/metrics`. ListenError. */
  listen(address: PortAddress): Promise<string>
  close(): Promise<void>
}

/** Milliseconds for a whole request, which has no body. */
const requestTimeout = 5_000
/** Milliseconds for which an idle connection is kept: longer than the pause between two collections. */
const keepAliveTimeout = 65_000

/**
 * Makes the server. It has a port of its own, so that a proxy in front of the hub does not publish the metrics, and
 * that they can be read while the other ports are full.
 */
export function createMetricsServer(
  { clock, limits, log }: Pick<Deps, 'clock' | 'limits' | 'log'>,
  metrics: Metrics,
): MetricsServer {
  const settings = { headersTimeout: requestTimeout, requestTimeout, keepAliveTimeout }
  const server = http.createServer({ ...settings, connectionsCheckingInterval: requestTimeout / 2 })
  server.maxConnections = limits.metricsConnections
  // A client that does not read the text.
  server.timeout = limits.httpWriteTimeout
  const pipelines = new WeakMap<Socket, Pipeline>()
  server.on('connection', (connection) =>
    pipelines.set(connection, limitPipelining(connection, limits.httpPipelinedRequests, clock)),
  )
  server.on('request', (request, response) => {
    pipelines.get(request.socket)?.add(response, true)
    answer(request, response).catch((error: unknown) => {
      log.error({ err: error }, 'metrics could not be printed')
      response.destroy()
    })
  })
  // On a listening server: a connection could not be accepted. Without a listener this would end the process.
  server.on('error', (error) => {
    if (server.listening) log.error({ err: error, port: 'METRICS_PORT' }, 'connection could not be accepted')
  })

  const answer = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
    closeUnlessBodiless(request, response)
    if (request.url?.split('?', 1)[0] !== '/metrics') {
      respond(response, 404, { message: 'This path does not exist. Available: /metrics.' })
    } else if (request.method !== 'GET' && request.method !== 'HEAD') {
      respond(response, 405, { message: '/metrics supports GET, HEAD only.' }, { allow: 'GET, HEAD' })
    } else {
      const text = await metrics.print()
      const length = Buffer.byteLength(text)
      response.writeHead(200, { 'content-type': metricsType, 'content-length': length, 'cache-control': 'no-store' })
      // Node itself omits the body of an answer to HEAD.
      response.end(text)
    }
  }

  return {
    async listen({ host, port }) {
      const address = await openPort(server, { variable: 'METRICS_PORT', host, port })
      return `${addressFor('http', host, address.port)}/metrics`
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}
