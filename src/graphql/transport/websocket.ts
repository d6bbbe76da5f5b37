import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { type GraphQLError, getOperationAST } from 'graphql'
import { CloseCode, handleProtocols, makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Viewer } from '../../access/policy.ts'
import type { Deps } from '../../deps.ts'
import { LimitExceededError, UnauthorizedError } from '../../errors.ts'
import { countEarlyBytes } from '../../limits/early-bytes.ts'
import { limitFrames } from '../../limits/websocket-frames.ts'
import { type GatheredLog, gatherLog } from '../../log/gathered-log.ts'
import { utf8Text } from '../../utf8.ts'
import { type Authenticate, callerOf, type ServerContext, type Yoga } from '../context.ts'
import { limitExceeded, maxOperationsPerSocket, maxRequestBytes, maxSockets, refuseDeepVariables } from '../limits.ts'
import { whenExpired } from '../live/expiry.ts'
import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { isForwarded } from './guard.ts'
import { isUnavailable } from './mask.ts'
import { createOutlet, entered, type Outlet } from './outlet.ts'
import type { PrintResult } from './print-result.ts'
import { createSocketInbox, type SocketInbox } from './socket-inbox.ts'
import { sendResult, sendResults } from './socket-results.ts'

/** Milliseconds until a client must have said who it is. */
const initTimeout = 3_000
/** Milliseconds between pings; a client that has not answered one when the next is due is gone. */
const keepAlive = 12_000
/** Milliseconds that a client has to close its side, after which it is cut off. */
const closeTimeout = 2_000
/** Bytes of a message from somebody who has not been let in: room for a token, and some. */
export const maxBytesBeforeAck = 16 * 1024
/** Bytes of frames around such a message, and of pings. */
const frameRoom = 1024
/**
 * Every piece costs on its own: frames of a message, which browsers cut at 64 KB or not at all, and chunks in which a frame
 * arrives, of which slow networks make some of 500 bytes.
 */
const pieces = { maxFragments: 256, maxBufferedChunks: 4096 }

/** One connection. */
type Extra = {
  readonly socket: WebSocket
  readonly request: IncomingMessage
  readonly ended: AbortController
  /** Whether the client has begun to say who it is. */
  introduced: boolean
  viewer?: Viewer
  /** Ends the count of bytes from somebody who has not been let in. */
  readonly letIn: () => void
  inbox?: SocketInbox
  readonly outlet: Outlet
}

/** Logs that a connection was cut off without a code that its client could read: why, and where the client is. */
type LogCutOff = GatheredLog<{ readonly reason: string; readonly address: string }>

/** GraphQL over WebSocket, the protocol graphql-transport-ws. Operations take the same way as those over HTTP. */
export function createWebSockets(
  deps: Pick<Deps, 'clock' | 'log' | 'limits' | 'requestRoom'>,
  options: {
    readonly yoga: Yoga
    readonly subscribe: Subscribe
    readonly authenticate: Authenticate
    readonly mask: (error: unknown) => GraphQLError
    readonly print: PrintResult
  },
) {
  const { yoga, subscribe, authenticate, mask, print } = options
  const { execute } = yoga.getEnveloped({})
  const logCutOff: LogCutOff = gatherLog(deps.clock, {
    keyOf: ({ reason, address }) => `${reason} ${address}`,
    write: (cutOff, notWritten) =>
      deps.log.info(
        notWritten === 0 ? cutOff : { ...cutOff, times: notWritten + 1 },
        'a GraphQL WebSocket was cut off',
      ),
  })
  const server = makeServer<Record<string, unknown> | undefined, Extra>({
    // By our clock instead: see `waitForInit`.
    connectionInitWaitTimeout: 0,
    execute: async (args) => {
      const { outlet, signal } = contextIn(args)
      // A mutation is not put off: it may have been asked for in vain then, or wait for a device itself.
      const isQuery = getOperationAST(args.document, args.operationName)?.operation === 'query'
      if (!isQuery || outlet === undefined) return execute(args)
      if (!(await entered(outlet, signal))) return { data: null }
      try {
        return await execute(args)
      } finally {
        outlet.leave()
      }
    },
    subscribe,
    async onConnect({ connectionParams, extra }) {
      const { socket, request, ended } = extra
      extra.introduced = true
      const authorization = authorizationIn(connectionParams) ?? request.headers.authorization
      let viewer: Viewer
      try {
        const by = { forwarded: isForwarded(request), address: request.socket.remoteAddress }
        // A client that is told to come again may do so only a few times, and after longer and longer pauses.
        viewer = await readThroughOutage({ deps, signal: ended.signal }, () => authenticate(authorization, by))
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error
        // `false` closes with 4403 Forbidden, unless the socket is closing already.
        if (authorization === undefined) socket.close(CloseCode.Unauthorized, 'Unauthorized')
        return false
      }
      void whenExpired(deps.clock, viewer, ended.signal, () => socket.close(CloseCode.Forbidden, 'token expired'))
      // What goes on here ends with the socket. Did it end by itself, a moment before, the client would be told so, and
      // would not come back for it.
      const { policyName, rights } = viewer
      extra.viewer = { policyName, rights }
      extra.letIn()
      return true
    },
    async onSubscribe({ extra, subscriptions }, id, { query, operationName, variables }) {
      const count = Object.keys(subscriptions).length
      if (count > maxOperationsPerSocket) return [limitExceeded('operations', maxOperationsPerSocket, count)]
      const context: ServerContext = {
        viewer: extra.viewer,
        address: extra.request.socket.remoteAddress,
        signal: extra.inbox?.signalOf(id) ?? extra.ended.signal,
        outlet: extra.outlet,
      }
      const { schema, parse, validate, contextFactory } = yoga.getEnveloped(context)
      try {
        refuseDeepVariables(variables)
        const document = parse(query)
        const errors = validate(schema, document)
        if (errors.length > 0) return errors
        return { schema, document, operationName, variableValues: variables, contextValue: await contextFactory() }
      } catch (error) {
        const shown = mask(error)
        // What has no code is the parser's. Over HTTP yoga gives it this one.
        shown.extensions.code ??= 'GRAPHQL_PARSE_FAILED'
        return [shown]
      }
    },
    onOperation({ extra: { socket } }, id, _payload, _args, result) {
      const sending = { id, socket, print }
      return Symbol.asyncIterator in result ? sendResults(result, sending) : sendResult(result, sending)
    },
    // What errors say of HTTP is meant for HTTP.
    onError({ extra }, _id, _payload, errors) {
      // An operation that ends with an error is over for its client; one whose socket breaks is begun again.
      if (errors.some(isUnavailable)) closeForNow(extra.socket)
      return errors.map((error) => {
        const { http: _http, ...extensions } = error.extensions
        return { ...error.toJSON(), extensions }
      })
    },
  })

  // The types of ws do not know `closeTimeout` yet, so it cannot be written into the call.
  const settings = { noServer: true, maxPayload: maxRequestBytes, handleProtocols, closeTimeout, ...pieces }
  const sockets = new WebSocketServer(settings)
  const open = (socket: WebSocket, request: IncomingMessage, letIn: () => void): void => {
    const ended = new AbortController()
    const outlet = createOutlet(() => socket.bufferedAmount, deps.limits.socketBytes)
    let holds = 0
    const holdReading = (): (() => void) => {
      holds++
      socket.pause()
      return () => {
        holds--
        if (holds === 0) socket.resume()
      }
    }
    /** Nothing is read of a client that leaves too much unread. What it sends is answered, too. */
    let readOn: (() => void) | undefined
    const holdIfFull = (): void => {
      if (socket.bufferedAmount >= deps.limits.socketBytes) readOn ??= holdReading()
    }
    request.socket.on('drain', () => {
      readOn?.()
      readOn = undefined
      outlet.relieve()
    })
    limitFrames(request.socket, deps, holdReading)
    const extra: Extra = { socket, request, ended, introduced: false, letIn, outlet }
    // A frame has room for 123 bytes of it, and an id that is told in it may be longer.
    const close = (code = 1000, reason = ''): void => socket.close(code, Buffer.byteLength(reason) > 123 ? '' : reason)
    const hold = (length: number): (() => void) | undefined => {
      if (extra.viewer === undefined) return () => {}
      try {
        return deps.requestRoom.take(callerOf(extra.viewer, request.socket.remoteAddress), length)
      } catch (error) {
        if (error instanceof LimitExceededError) return undefined
        throw error
      }
    }
    const refuse = (id: string): void => {
      const { requestBytes } = deps.limits
      const message = `The operations under way hold too many bytes. Complete some; ${requestBytes} may be held at a time.`
      const extensions = { code: 'LIMIT_EXCEEDED', limit: 'requestBytes', maximum: requestBytes }
      socket.send(JSON.stringify({ id, type: 'error', payload: [{ message, extensions }] }))
    }
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) => send(socket, data),
        close,
        onMessage(handle) {
          const handleAll = async (text: string): Promise<void> => {
            try {
              // What had to wait until the socket was closed would be started for nobody.
              if (socket.readyState === socket.OPEN) await handle(text)
            } catch (error) {
              if (socket.readyState !== socket.OPEN) return
              if (isUnavailable(error)) {
                closeForNow(socket)
                return
              }
              deps.log.error({ err: error }, 'a WebSocket message could not be handled')
              close(CloseCode.InternalServerError, 'Internal server error')
            }
          }
          const inbox = createSocketInbox(handleAll, close, { hold, refuse })
          extra.inbox = inbox
          socket.on('message', (data) => {
            // In a frame of text ws has seen that it is UTF-8, in a binary one it has not.
            const text = Buffer.isBuffer(data) ? utf8Text(data) : undefined
            const isTooBig = extra.viewer === undefined && Buffer.byteLength(text ?? '') > maxBytesBeforeAck
            if (text === undefined) close(CloseCode.BadRequest, 'Message is not UTF-8')
            else if (isTooBig) close(1009, 'Message too big')
            else inbox.take(text)
            holdIfFull()
          })
        },
      },
      extra,
    )
    // Broken frames and too large ones: ws closes the socket with the code that fits.
    socket.on('error', (error) => deps.log.debug({ err: error }, 'a WebSocket broke'))
    socket.once('close', (code, reason) => {
      ended.abort()
      extra.inbox?.close()
      closed(code, utf8Text(reason) ?? '').catch((error: unknown) =>
        deps.log.error({ err: error }, 'a WebSocket was left open'),
      )
    })
    void waitForInit(deps, extra)
    void watch(deps, extra, logCutOff)
  }

  return {
    /** Takes over a connection whose request may be answered. */
    upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
      if (sockets.clients.size >= maxSockets) {
        connection.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        return
      }
      sockets.handleUpgrade(request, connection, head, (socket) => {
        const letIn = countEarlyBytes(connection, {
          head,
          most: maxBytesBeforeAck + frameRoom,
          over() {
            letIn()
            // Nor is more of it read while the client is told.
            socket.pause()
            socket.close(1009, 'Message too big')
          },
        })
        open(socket, request, letIn)
      })
    },
    /** Says goodbye to all, and waits a moment for their answer. */
    async close(): Promise<void> {
      const waited = new AbortController()
      const gone = [...sockets.clients].map(
        (socket) =>
          new Promise<void>((resolve) => {
            socket.once('close', () => resolve())
            socket.close(1001, 'going away')
          }),
      )
      await Promise.race([Promise.all(gone), deps.clock.sleep(closeTimeout, waited.signal)])
      waited.abort()
      for (const socket of sockets.clients) socket.terminate()
    },
  }
}

/** Tells a client to come again: other codes are the end for most of them. */
function closeForNow(socket: WebSocket): void {
  socket.close(1013, 'The database does not answer: try again later.')
}

/** Ends a connection whose client does not say who it is. */
async function waitForInit({ clock }: Pick<Deps, 'clock'>, extra: Extra): Promise<void> {
  await clock.sleep(initTimeout, extra.ended.signal)
  if (extra.introduced || extra.ended.signal.aborted) return
  extra.socket.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout')
}

/** Resolves when the data has left: what makes a slow client get fewer events instead of a growing queue. */
function send(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) resolve()
    else socket.send(data, (error) => (error ? reject(error) : resolve()))
  })
}

/**
 * Ends a connection whose other side is gone without having said so. One of which nothing is read is there as long as less
 * and less waits for it. A code and a reason would wait behind what is not read, so they stand in the log.
 */
async function watch({ clock }: Pick<Deps, 'clock'>, { socket, request, ended }: Extra, log: LogCutOff): Promise<void> {
  let alive = true
  let waiting = 0
  socket.on('pong', () => {
    alive = true
  })
  for (;;) {
    await clock.sleep(keepAlive, ended.signal)
    if (ended.signal.aborted) return
    const takesSome = socket.isPaused && socket.bufferedAmount < waiting
    if (!alive && !takesSome) {
      const reason =
        socket.bufferedAmount > 0 ? 'the client does not read what was sent' : 'the client does not answer pings'
      log({ reason, address: request.socket.remoteAddress ?? '' })
      socket.terminate()
      return
    }
    alive = false
    waiting = socket.bufferedAmount
    socket.ping()
  }
}

/** The `authorization` in the payload of `connection_init`, spelt as clients may spell a header. */
function authorizationIn(payload: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const [, value] = Object.entries(payload ?? {}).find(([name]) => name.toLowerCase() === 'authorization') ?? []
  return typeof value === 'string' ? value : undefined
}
