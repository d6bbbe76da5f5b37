import * as http from 'node:http'
import * as https from 'node:https'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { connectionName } from '../connection-name.ts'
import type { Deps } from '../deps.ts'
import { type Arrivals, createArrivals } from '../limits/arrivals.ts'
import { createProxies, type Proxies } from '../limits/client-address.ts'
import { peerAddress } from '../limits/peer-address.ts'
import type { ProxyProtocol } from '../limits/proxy-protocol.ts'
import { addressOf, noteClient } from '../limits/request-address.ts'
import type { AccessLog } from '../log/access-log.ts'
import { createRefusalLog } from '../log/refused-clients.ts'
import { recordOf, requestIdHeader } from '../log/request-record.ts'
import { openPort, type PortAddress } from '../open-port.ts'
import { type Checks, whyUnavailable } from '../readiness.ts'
import { refuseUpgrade } from '../refuse-upgrade.ts'
import { createHandshakeLog } from '../tls/failed-handshakes.ts'
import { beginHandshakesInTurns } from '../tls/handshake-turns.ts'
import { tlsSettings } from '../tls/settings.ts'
import { addressFor } from './address.ts'
import { limitPipelining, type Pipeline } from './limit-pipelining.ts'
import { logRequests } from './log-requests.ts'
import { measureRequests } from './measure-requests.ts'
import { mayComePlain, type PlainHttp, plainRefusal, tlsAddress } from './plain-http.ts'
import { respond } from './respond.ts'
import { traceRequests } from './trace-requests.ts'
import { closeUnlessBodiless } from './unread-body.ts'

type Handle = (request: http.IncomingMessage, response: http.ServerResponse) => void

/** A handler for one path. A mounted protocol needs to know nothing about this server. */
export type Mount = {
  readonly path: string
  /** Whether it also handles all paths below. */
  readonly below?: boolean
  /**
   * Whether it handles a request at a path without a mount, because its client could not read the server's own answer.
   */
  readonly claims?: (url: string) => boolean
  readonly methods: readonly string[]
  readonly handle: Handle
  /** Whether this request needs no token. An answer without a check does not make its token a good one. */
  readonly isOpen?: (request: http.IncomingMessage) => boolean
  /** Headers of every answer to this request, also of those that this server gives itself. */
  readonly headersFor?: (request: http.IncomingMessage) => Readonly<Record<string, string>>
  /** Takes over the connection of a WebSocket. */
  readonly upgrade?: (request: http.IncomingMessage, connection: Duplex, head: Buffer) => void
  /** Closes what it keeps open. Without it, connections that it took over outlive this server. */
  readonly close?: () => Promise<void>
}

/** Everything that is mounted in addition to the probes. */
export type Mounts = {
  readonly graphql?: Mount
  readonly rest?: readonly Mount[]
  readonly console?: readonly Mount[]
  readonly mqtt?: Mount
  readonly audit?: Mount
  readonly results?: Mount
  readonly schemaFile?: Mount
}

/**
 * The HTTP server of the hub, plain and by TLS. It listens before the mounts are open, and longer than they are: its
 * probes, `/healthz` and `/readyz`, always answer, everything else gets 503 while the mounts are closed.
 */
export type HttpServer = {
  /** Lets requests through to the mounts. */
  open(mounts: Mounts): void
  /** Lets no more requests through; requests under way may finish for a while, or until `hurry` aborts. */
  drain(hurry?: AbortSignal): Promise<void>
  /** Opens the given ports and returns their addresses, such as `http://localhost:4000`. ListenError. */
  listen(ports: { readonly http?: PortAddress | undefined; readonly https?: PortAddress | undefined }): Promise<{
    readonly http: string | undefined
    readonly https: string | undefined
  }>
  /** New connections get this certificate. PEM text. */
  renew(pair: { readonly cert: string; readonly key: string }): void
  /** Accepts no new connections, lets requests under way finish for a while, then cuts them off. */
  close(): Promise<void>
}

/** Milliseconds for a whole request, its body included; the answer may take longer. */
const requestTimeout = 30_000
/**
 * Milliseconds for which an idle connection is kept; longer than the 60 seconds of common proxies, which reuse
 * connections.
 */
const keepAliveTimeout = 65_000
/** Milliseconds that requests under way get at a shutdown. */
const closeTimeout = 5_000

/** Headers of every answer: no sniffing of types, no embedding in pages of other sites. */
const commonHeaders = {
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
} as const

/**
 * For answers by TLS: browsers that trust the certificate use TLS only for this name, for a year. Subdomains are not
 * the hub's. A proxy that terminates TLS in front of the hub decides this for itself.
 */
const strictTransport = 'max-age=31536000'

/**
 * Makes the server. `whyNotReady` gives the reason for `/readyz`; undefined when ready. `cert` and `key` are PEM text.
 */
export function createHttpServer(
  deps: Pick<Deps, 'clock' | 'log' | 'limits' | 'metrics' | 'tracing'>,
  options: {
    /** Mounts that are open from the beginning. */
    readonly mounts?: Mounts
    readonly whyNotReady: () => string | undefined
    /** The parts that `/readyz` shows. One that is not ok makes the hub unavailable, unless that is harmless. */
    readonly checks?: () => Promise<Checks>
    readonly cert: string
    readonly key: string
    readonly arrivals?: Arrivals
    /** Default: no proxy is trusted. */
    readonly proxies?: Proxies
    /** Default: off. */
    readonly accessLog?: AccessLog | undefined
    /** Default: no port expects its headers. */
    readonly proxyProtocol?: ProxyProtocol
    /** Whose requests without TLS are accepted. Default: `loopback`. */
    readonly plainHttp?: PlainHttp
    /** Milliseconds for the head of a request: a slower client only occupies a connection. Default: 10,000. */
    readonly headersTimeout?: number
    /** Milliseconds for a TLS handshake. Default: 10,000. */
    readonly handshakeTimeout?: number
  },
): HttpServer {
  const {
    mounts: given,
    whyNotReady,
    checks: check = async () => ({}),
    cert,
    key,
    arrivals = createArrivals(deps),
  } = options
  const { proxies = createProxies([]), proxyProtocol, plainHttp = 'loopback' } = options
  const { headersTimeout = 10_000, handshakeTimeout = 10_000 } = options
  const probe = (path: string, handle: Handle): Mount => ({
    path,
    methods: ['GET', 'HEAD'],
    handle,
    isOpen: () => true,
  })
  const probes: readonly Mount[] = [
    // Whether the process lives: as long as it can answer.
    probe('/healthz', (_request, response) => respond(response, 200, { status: 'ok' })),
    probe('/readyz', (_request, response) => {
      void check()
        .catch((error: Error): Checks => ({ checks: { ok: false, reason: error.message } }))
        .then((checks) => {
          const reason = whyNotReady() ?? whyUnavailable(checks)
          if (reason === undefined) respond(response, 200, { status: 'ready', checks })
          else respond(response, 503, { status: 'unavailable', reason, checks }, { 'retry-after': '1' })
        })
    }),
  ]
  let isOpen = false
  let mounts = probes
  const open = ({ graphql, mqtt, audit, results, schemaFile, rest = [], console: pages = [] }: Mounts): void => {
    isOpen = true
    const single = [graphql, audit, results, schemaFile, mqtt].filter((mount) => mount !== undefined)
    mounts = [...single, ...probes, ...rest, ...pages]
  }
  if (given !== undefined) open(given)
  const mountAt = (request: http.IncomingMessage): Mount | undefined => {
    const path = request.url?.split('?', 1)[0] ?? ''
    return (
      mounts.find((mount) => mount.path === path || (mount.below && path.startsWith(`${mount.path}/`))) ??
      mounts.find((mount) => mount.claims?.(request.url ?? ''))
    )
  }

  const measure = measureRequests(deps)
  const access = logRequests(deps, options.accessLog)
  const traceRequest = traceRequests(deps.tracing)
  const logRefusal = createRefusalLog(deps)
  const handshakeFailed = createHandshakeLog(deps)
  const refusePlain = (request: http.IncomingMessage): string => {
    const reason = plainRefusal(plainHttp, proxies, originOf(request))
    logRefusal({
      protocol: 'HTTP',
      cause: 'plain',
      reason,
      address: addressOf(request),
      requestId: recordOf(request).id,
    })
    return reason
  }
  const findClient = (request: http.IncomingMessage): void => {
    const peer = peerAddress(request.socket)
    if (proxies.isTrusted(peer)) noteClient(request, proxies.clientOf(peer, request.headers))
  }
  /** The connections that speak HTTP. Requests under way on one are forgotten with it. */
  const pipelines = new Map<Duplex, Pipeline>()
  /** Those of them on which no request has arrived. */
  const silent = new Set<Duplex>()
  const noteRequest = ({ socket }: http.IncomingMessage): void => {
    if (silent.delete(socket)) arrivals.introduced(socket)
  }
  const handle = (request: http.IncomingMessage, response: http.ServerResponse, by: 'plain' | 'TLS'): void => {
    noteRequest(request)
    const mount = mountAt(request)
    pipelines.get(request.socket)?.add(response, mount === undefined || mount.isOpen?.(request) === true)
    findClient(request)
    measure?.(request, response, mount?.path)
    access?.answer(request, response)
    const headers = { ...commonHeaders, ...mount?.headersFor?.(request) }
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    response.setHeader(requestIdHeader, recordOf(request).id)
    const { method = '' } = request
    if (method === 'GET' || method === 'HEAD' || !mount?.methods.includes(method))
      closeUnlessBodiless(request, response)
    if (!isOpen && (mount === undefined || !probes.includes(mount))) {
      const message = whyNotReady() ?? 'The hub is not ready.'
      respond(response, 503, { message }, { 'retry-after': '1', connection: 'close' })
    } else if (mount === undefined) {
      const message = `This path does not exist. Available: ${mounts.map(({ path }) => path).join(', ')}.`
      respond(response, 404, { message })
    } else if (by === 'plain' && !probes.includes(mount) && !mayComePlain(plainHttp, proxies, originOf(request))) {
      sendToTls(mount, request, response)
    } else if (!mount.methods.includes(method)) {
      const allow = mount.methods.join(', ')
      respond(response, 405, { message: `${mount.path} supports ${allow} only.` }, { allow })
    } else if (mount.isOpen?.(request) || letsTry(request, response)) {
      if (traceRequest === undefined || probes.includes(mount)) mount.handle(request, response)
      else traceRequest(request, response, { path: mount.path, handle: () => mount.handle(request, response) })
    }
  }
  const handleSecure: Handle = (request, response) => {
    response.setHeader('strict-transport-security', strictTransport)
    handle(request, response, 'TLS')
  }
  let securePort: number | undefined
  const originOf = ({ headers, socket }: http.IncomingMessage) => ({
    peer: peerAddress(socket),
    headers,
    tlsPort: securePort,
  })
  /**
   * Redirects a page before anybody enters a token into it, and refuses everything else without a look at its token.
   */
  const sendToTls = (mount: Mount, request: http.IncomingMessage, response: http.ServerResponse): void => {
    const origin = originOf(request)
    const address = proxies.isTrusted(origin.peer) ? undefined : tlsAddress(origin)
    const isPage = (request.method === 'GET' || request.method === 'HEAD') && mount.isOpen?.(request) === true
    if (isPage && address !== undefined) {
      const location = `${address}${request.url}`
      response.writeHead(308, { location, 'content-length': 0, 'cache-control': 'no-store' }).end()
      return
    }
    respond(response, 403, { message: refusePlain(request) }, { connection: 'close' })
  }
  /** Whether the address may present tokens; if not, it gets the reason. */
  const letsTry = (request: http.IncomingMessage, response: http.ServerResponse): boolean => {
    const { authorization } = request.headers
    const address = addressOf(request)
    if (!arrivals.mayTry(address, authorization)) {
      const reason = 'too many bad tokens'
      logRefusal({ protocol: 'HTTP', cause: 'failures', reason, address, requestId: recordOf(request).id })
      void refuseLate(response)
      return false
    }
    response.once('finish', () => {
      if (response.statusCode === 401) arrivals.tried(address, authorization, false)
      else if (response.statusCode < 400) arrivals.tried(address, authorization, true)
    })
    return true
  }
  /** Refusals that wait, each with what ends the wait. */
  const late = new Set<AbortController>()
  const refuseLate = async (response: http.ServerResponse): Promise<void> => {
    const waiting = new AbortController()
    late.add(waiting)
    response.once('close', () => waiting.abort())
    await arrivals.pause(waiting.signal)
    late.delete(waiting)
    if (response.destroyed) return
    const message = 'Too many requests from this address had an invalid token. Retry in 1 s.'
    respond(response, 429, { message }, { 'retry-after': '1', connection: 'close' })
  }
  const upgrade = (request: http.IncomingMessage, connection: Duplex, head: Buffer): void => {
    noteRequest(request)
    findClient(request)
    access?.upgrade(request)
    connection.on('error', (error) => deps.log.debug({ err: error }, 'HTTP connection broken'))
    const mount = mountAt(request)
    if (mount?.close === undefined) connections.delete(connectionName(request.socket))
    const held = pipelines.get(connection)?.release() ?? Buffer.alloc(0)
    pipelines.delete(connection)
    mount?.upgrade?.(request, connection, Buffer.concat([head, held]))
  }
  const upgradePlain: typeof upgrade = (request, connection, head) => {
    const origin = originOf(request)
    if (mayComePlain(plainHttp, proxies, origin)) {
      upgrade(request, connection, head)
      return
    }
    findClient(request)
    access?.upgrade(request)
    const message = refusePlain(request)
    connection.on('error', (error) => deps.log.debug({ err: error }, 'HTTP connection broken'))
    refuseUpgrade(request, connection, { status: '403 Forbidden', message })
  }
  const wantsUpgrade = (request: http.IncomingMessage): boolean =>
    request.method === 'CONNECT' || (isOpen && isWebSocket(request) && mountAt(request)?.upgrade !== undefined)

  // Node checks every thirty seconds for slow requests by default, which would turn thirty seconds into a minute.
  const connectionsCheckingInterval = headersTimeout / 2
  const settings = { headersTimeout, requestTimeout, keepAliveTimeout, connectionsCheckingInterval }
  const plain = http.createServer({ ...settings, IncomingMessage: requestThat(wantsUpgrade) }, (request, response) =>
    handle(request, response, 'plain'),
  )
  const secure = https.createServer(
    { ...settings, IncomingMessage: requestThat(wantsUpgrade), ...tlsSettings, cert, key, handshakeTimeout },
    handleSecure,
  )
  beginHandshakesInTurns(secure, { clock: deps.clock, arrivals, timeout: handshakeTimeout })
  const servers = [plain, secure]
  // Includes connections that a server no longer knows, WebSockets, or does not know yet, during a TLS handshake.
  const connections = new Map<string, Socket>()
  const keep = (connection: Socket): void => {
    const name = connectionName(connection)
    connections.set(name, connection)
    connection.on('close', () => {
      if (connections.get(name) === connection) connections.delete(name)
    })
  }
  const speak = (connection: Socket): void => {
    pipelines.set(connection, limitPipelining(connection, deps.limits.httpPipelinedRequests, deps.clock))
    silent.add(connection)
    connection.on('close', () => {
      pipelines.delete(connection)
      silent.delete(connection)
    })
  }
  plain.on('connection', speak)
  secure.on('secureConnection', speak)
  arrivals.guard(plain, { variable: 'HTTP_PORT', kind: 'HTTP' })
  arrivals.guard(secure, { variable: 'HTTPS_PORT', kind: 'HTTP' })
  // Everything but the listeners that keep track of all connections, to close them.
  proxyProtocol?.expectOn(plain, 'http')
  proxyProtocol?.expectOn(secure, 'https')
  secure.on('tlsClientError', (error, socket) => handshakeFailed('HTTPS_PORT', error, peerAddress(socket)))
  for (const server of servers) {
    // Nothing was received or sent for this time. Without an answer that waits to be read, the hub is still working on
    // one.
    server.timeout = deps.limits.httpWriteTimeout
    server.on('timeout', (connection: Socket) => {
      const isAtWork = (pipelines.get(connection)?.unanswered.size ?? 0) > 0 && connection.writableLength === 0
      if (!isAtWork) connection.destroy()
    })
    server.on('upgrade', server === plain ? upgradePlain : upgrade)
    server.on('connection', keep)
    // Replaces the raw connection below it.
    server.on('secureConnection', keep)
  }

  const underWay = (): http.ServerResponse[] => [...pipelines.values()].flatMap(({ unanswered }) => [...unanswered])
  let draining: Promise<void> | undefined
  const drain = (hurry?: AbortSignal): Promise<void> => {
    isOpen = false
    draining ??= finish(hurry)
    return draining
  }
  const finish = async (hurry?: AbortSignal): Promise<void> => {
    const waited = new AbortController()
    const over = hurry === undefined ? waited.signal : AbortSignal.any([waited.signal, hurry])
    for (const waiting of late) waiting.abort()
    await Promise.all(mounts.map((mount) => mount.close?.()))
    // Waits for answers and not for connections: browsers open some ahead and send no request.
    const answered = Promise.all(
      underWay().map((response) => new Promise((resolve) => response.once('close', resolve))),
    )
    await Promise.race([answered, deps.clock.sleep(closeTimeout, over)])
    waited.abort()
  }
  const close = async (): Promise<void> => {
    for (const server of servers) server.close()
    await drain()
    const gone = [...connections.values()].map((connection) => {
      const closed = new Promise((resolve) => connection.once('close', resolve))
      connection.destroy()
      return closed
    })
    await Promise.all(gone)
  }

  return {
    open,
    drain,
    async listen({ http, https }) {
      try {
        const plainAddress = http && (await openPort(plain, { variable: 'HTTP_PORT', ...http }))
        const secureAddress = https && (await openPort(secure, { variable: 'HTTPS_PORT', ...https }))
        securePort = secureAddress?.port
        return {
          http: plainAddress && addressFor('http', http.host, plainAddress.port),
          https: secureAddress && addressFor('https', https.host, secureAddress.port),
        }
      } catch (error) {
        await close()
        throw error
      }
    },
    renew: (pair) => secure.setSecureContext({ ...tlsSettings, ...pair }),
    close,
  }
}

function isWebSocket({ method, headers }: http.IncomingMessage): boolean {
  const offered = headers.upgrade?.split(',') ?? []
  return method === 'GET' && offered.some((protocol) => protocol.trim().toLowerCase() === 'websocket')
}

/**
 * A request that is an upgrade only if the server wants it to be (RFC 9110, 7.8): others are answered as if they
 * offered none. Node otherwise treats every offer as an upgrade as soon as there is a listener for upgrades.
 */
function requestThat(wantsUpgrade: (request: http.IncomingMessage) => boolean): typeof http.IncomingMessage {
  return class extends http.IncomingMessage {
    private offersUpgrade?: boolean
    get upgrade(): boolean {
      return this.offersUpgrade === true && wantsUpgrade(this)
    }
    set upgrade(offers: boolean | null) {
      this.offersUpgrade = offers === true
    }
  }
}
