import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { GraphQLError, getOperationAST } from 'graphql'
import { CloseCode, handleProtocols, MessageType, makeServer } from 'graphql-ws'
import { type WebSocket, WebSocketServer } from 'ws'
import type { Authenticator } from '../../access/authenticator-commands.ts'
import { BearerError } from '../../access/oidc/bearer-fault.ts'
import type { Viewer } from '../../access/viewer.ts'
import type { Deps } from '../../deps.ts'
import { IssuerUnavailableError, LimitExceededError, UnauthorizedError } from '../../errors.ts'
import type { Arrivals } from '../../limits/arrivals.ts'
import { maxBodyBytes } from '../../limits/body-size.ts'
import { countEarlyBytes } from '../../limits/early-bytes.ts'
import { longRequestBytes } from '../../limits/long-turns.ts'
import { addressOf } from '../../limits/request-address.ts'
import { createSharedHolds } from '../../limits/shared-holds.ts'
import { limitFrames } from '../../limits/websocket-frames.ts'
import type { AccessLog } from '../../log/access-log.ts'
import { deduplicateLog } from '../../log/deduplicated-log.ts'
import { createRefusalLog } from '../../log/refused-clients.ts'
import { operationRecord, type RequestRecord, recordOf, requestIdHeader } from '../../log/request-record.ts'
import { refuseMalformedUpgrades } from '../../refuse-malformed-upgrades.ts'
import { refuseUpgrade } from '../../refuse-upgrade.ts'
import { utf8Text } from '../../utf8.ts'
import { type Authenticate, type ContextOf, callerOf, type ServerContext } from '../context.ts'
import { limitExceeded, maxOperationsPerSocket, maxSockets, refuseDeepVariables } from '../limits.ts'
import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { createStanding, inTurns, type Standing } from '../live/standing.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { schema } from '../schema.ts'
import { isForwarded } from './cross-site.ts'
import type { Documents } from './documents.ts'
import { createKeepAlive, type LogCutOff } from './keep-alive.ts'
import { createLongMessages } from './long-messages.ts'
import { isUnavailable, type Mask } from './mask-errors.ts'
import { createOutlet, entered, type Outlet } from './outlet.ts'
import type { PrintResult } from './print-result.ts'
import type { DocumentOf } from './requested-document.ts'
import type { RunOperation } from './run-operation.ts'
import { createSocketInbox, type SocketInbox } from './socket-inbox.ts'
import { sendResult, sendResults } from './socket-results.ts'
import { createSocketViewer, type SocketViewer } from './socket-viewer.ts'

/** Milliseconds in which a client must send `connection_init`. */
const initTimeout = 3_000
/** Milliseconds in which a client must close its side before the connection is terminated. */
const closeTimeout = 2_000
/** Bytes of a message of a client that is not authenticated yet: a token and some room. */
export const maxBytesBeforeAck = 16 * 1024
/** Bytes of the frames around such a message, and of pings. */
const frameRoom = 1024
/**
 * Limits of pieces, because each of them has a cost: frames of a message, which browsers split at 64 KB or not at all,
 * and chunks of a frame, which slow networks split at about 500 bytes.
 */
const pieces = { maxFragments: 256, maxBufferedChunks: 4096 }

/** Of an operation that the client completed before it began. Nobody receives it. */
const completed = new GraphQLError('The operation was completed before it began.')

/** What a connection needs until its client is authenticated. It is not kept for longer. */
type Arrival = {
  /** The header of the upgrade. */
  readonly authorization: string | undefined
  /** Called when the client has sent `connection_init`, or has disconnected. */
  readonly introduced: () => void
  /** Aborts then. */
  readonly waiting: AbortSignal
  /** Ends the count of bytes that a client may send before it is authenticated. */
  readonly letIn: () => void
}

/** One connection. The request of the upgrade is not kept: thousands may be open. */
type Extra = {
  readonly socket: WebSocket
  /** The connection below the socket. */
  readonly connection: Duplex
  /** From where the client has connected, and by which request. */
  readonly by: { readonly forwarded: boolean; readonly address: string; readonly record: RequestRecord }
  readonly ended: AbortController
  arrival: Arrival | undefined
  viewer?: SocketViewer
  standing?: Standing
  inbox?: SocketInbox
  readonly outlet: Outlet
}

/**
 * GraphQL over WebSocket with the protocol graphql-transport-ws. Operations are parsed, validated and executed as over
 * HTTP.
 */
export function createWebSockets(
  deps: Pick<Deps, 'clock' | 'log' | 'limits' | 'metrics' | 'requestRoom' | 'answerRoom' | 'longTurns'>,
  options: {
    readonly documents: Documents
    readonly documentOf: DocumentOf
    readonly contextOf: ContextOf
    readonly run: RunOperation
    readonly subscribe: Subscribe
    readonly authenticate: Authenticate
    /** Limits the sockets of each address. Default: they are not limited. */
    readonly arrivals?: Pick<Arrivals, 'awaitIntroduction' | 'openSocket'> | undefined
    readonly accepting: Pick<Authenticator, 'refresh' | 'onRightsChanged'>
    readonly mask: Mask
    readonly print: PrintResult
    readonly accessLog?: AccessLog | undefined
  },
) {
  const {
    documents,
    documentOf,
    contextOf,
    run,
    subscribe,
    authenticate,
    arrivals,
    accepting,
    mask,
    print,
    accessLog,
  } = options
  const holdShared = createSharedHolds(deps.answerRoom)
  /** The viewers of all sockets that are accepted. */
  const viewers = new Map<SocketViewer, WebSocket>()
  const review = ([viewer, socket]: readonly [SocketViewer, WebSocket]): void => {
    const now = accepting.refresh(viewer.current())
    if (now === undefined) socket.close(...revoked)
    else if (now !== viewer.current()) viewer.replace(now)
  }
  const stopReviews = accepting.onRightsChanged(() => void inTurns(deps.clock, viewers, review))
  const logCutOff: LogCutOff = deduplicateLog(deps.clock, {
    keyOf: ({ reason, address }) => `${reason} ${address}`,
    write: (cutOff, notWritten) =>
      deps.log.info(
        notWritten === 0 ? cutOff : { ...cutOff, times: notWritten + 1 },
        'GraphQL WebSocket closed by the hub',
      ),
  })
  const keepAlive = createKeepAlive(deps.clock, logCutOff)
  const server = makeServer<Record<string, unknown> | undefined, Extra>({
    // `waitForInit` does this by the clock of the hub.
    connectionInitWaitTimeout: 0,
    execute: async (args) => {
      const { outlet, signal } = contextIn(args)
      // A mutation does not wait: its client may disconnect meanwhile, and the mutation may itself wait for a device.
      const isQuery = getOperationAST(args.document, args.operationName)?.operation === 'query'
      if (!isQuery || outlet === undefined) return run(args)
      if (!(await entered(outlet, signal))) return { data: null }
      try {
        return await run(args)
      } finally {
        outlet.leave()
      }
    },
    subscribe,
    async onConnect({ connectionParams, extra }) {
      const { socket, ended, by, arrival } = extra
      arrival?.introduced()
      const authorization = authorizationIn(connectionParams) ?? arrival?.authorization
      let viewer: Viewer
      try {
        // Wait here, because a client that is asked to reconnect may do so only a few times, with growing pauses.
        viewer = await readThroughOutage({ deps, signal: ended.signal }, () => authenticate(authorization, by))
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error
        socket.close(...closeByRefusal(error, authorization))
        // graphql-ws closes with 4403 Forbidden what is not closing yet.
        return false
      }
      const current = accepting.refresh(viewer)
      if (current === undefined) {
        socket.close(...revoked)
        return false
      }
      const standing = createStanding()
      extra.standing = standing
      const own = createSocketViewer(deps, current, {
        ended: ended.signal,
        expired: () => socket.close(CloseCode.Forbidden, 'TOKEN_EXPIRED'),
        changed: standing.review,
      })
      extra.viewer = own
      viewers.set(own, socket)
      ended.signal.addEventListener('abort', () => viewers.delete(own), { once: true })
      if (ended.signal.aborted) viewers.delete(own)
      arrival?.letIn()
      extra.arrival = undefined
      return true
    },
    async onSubscribe({ extra, subscriptions }, id, payload) {
      deps.longTurns.arrived(callerIn(extra))
      const { operationName, variables, extensions } = payload
      const count = Object.keys(subscriptions).length
      if (count > maxOperationsPerSocket) return [limitExceeded('operations', maxOperationsPerSocket, count)]
      const signal = extra.inbox?.signalOf(id) ?? extra.ended.signal
      const record = operationRecord(extra.by.record, id, extra.viewer?.current().id)
      if (accessLog !== undefined) {
        const begun = deps.clock.elapsed()
        const { address } = extra.by
        const write = () => accessLog({ protocol: 'WebSocket', record, address, ms: deps.clock.elapsed() - begun })
        signal.addEventListener('abort', write, { once: true })
      }
      const server: ServerContext = {
        viewer: extra.viewer?.current(),
        address: extra.by.address,
        record,
        signal,
        outlet: extra.outlet,
        ...(extra.standing && { standing: extra.standing }),
      }
      try {
        refuseDeepVariables(variables)
        const document = documentOf(payload)
        const isLong = payload.query.length >= longRequestBytes
        const take = <T>(work: () => T) => deps.longTurns.take(callerIn(extra), work, signal)
        const errors = isLong ? await documents.validateInTurns(document, take) : documents.validate(document)
        if (errors === undefined) return [completed]
        if (errors.length > 0) return errors
        const contextValue = contextOf(server, { signal }, { document, extensions })
        return { schema, document, operationName, variableValues: variables, contextValue }
      } catch (error) {
        return [mask(error, record.id)]
      }
    },
    onOperation({ extra }, id, _payload, _args, result) {
      const { socket, connection } = extra
      const hold = (payload: Buffer): (() => void) => holdShared(callerIn(extra), payload)
      const sending = { id, socket, connection, print, hold }
      return Symbol.asyncIterator in result ? sendResults(result, sending) : sendResult(result, sending)
    },
    // The extension `http` of errors is for HTTP only.
    onError({ extra }, _id, _payload, errors) {
      // A client does not repeat an operation that ends with an error, but subscribes again when the socket closes.
      if (errors.some(isUnavailable)) closeForNow(extra.socket)
      return errors.map((error) => {
        const { http: _http, ...extensions } = error.extensions
        return { ...error.toJSON(), extensions }
      })
    },
  })

  /** Answers a ping. One with a credential renews that of the socket; others get their payload back. */
  const answerPing = async ({ socket, by, viewer }: Extra, payload: Payload): Promise<void> => {
    const authorization = authorizationIn(payload)
    const answer = (shown: unknown): Promise<void> =>
      send(socket, JSON.stringify({ type: MessageType.Pong, ...(shown !== undefined && { payload: shown }) }))
    if (authorization === undefined || viewer === undefined) {
      await answer(withoutCredential(payload))
      return
    }
    await answer(await viewer.renew(() => authenticate(authorization, by)))
  }

  // The types of ws do not know `closeTimeout` yet, so it cannot be written into the call.
  const settings = { noServer: true, maxPayload: maxBodyBytes, handleProtocols, closeTimeout, ...pieces }
  const sockets = new WebSocketServer(settings)
  sockets.on('headers', (headers, request) => {
    const record = recordOf(request)
    record.status = 101
    headers.push(`${requestIdHeader}: ${record.id}`)
  })
  deps.metrics?.read('twincast_graphql_websockets', () => [{ labels: {}, value: sockets.clients.size }])
  const logRefusal = createRefusalLog(deps)
  refuseMalformedUpgrades(sockets, 'GraphQL', logRefusal)
  const open = (socket: WebSocket, request: IncomingMessage, letIn: () => void): void => {
    const connection = request.socket
    const by = { forwarded: isForwarded(request), address: addressOf(request), record: recordOf(request) }
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
    /**
     * Stops reading from a client that does not read its results, because each of its messages would add another
     * answer.
     */
    let readOn: (() => void) | undefined
    const holdIfFull = (): void => {
      if (socket.bufferedAmount >= deps.limits.socketBytes) readOn ??= holdReading()
    }
    connection.on('drain', () => {
      readOn?.()
      readOn = undefined
      outlet.relieve()
    })
    limitFrames(connection, deps, holdReading)
    const arrival = arrivalOf(socket, request, { arrivals, letIn })
    const extra: Extra = { socket, connection, by, ended, arrival, outlet }
    // A close frame has room for 123 bytes of reason, and an ID in the reason may be longer.
    const close = (code = 1000, reason = ''): void => socket.close(code, Buffer.byteLength(reason) > 123 ? '' : reason)
    const hold = (length: number): (() => void) | undefined => {
      if (extra.viewer === undefined) return () => {}
      try {
        return deps.requestRoom.take(callerOf(extra.viewer.current(), by.address), length)
      } catch (error) {
        if (error instanceof LimitExceededError) return undefined
        throw error
      }
    }
    const refuse = (id: string): void => {
      const { requestBytes } = deps.limits
      const message = `The operations in progress hold too many bytes. The maximum is ${requestBytes}. Complete some of them first.`
      const extensions = { code: 'LIMIT_EXCEEDED', limit: 'requestBytes', maximum: requestBytes }
      socket.send(JSON.stringify({ id, type: 'error', payload: [{ message, extensions }] }))
    }
    const closed = server.opened(
      {
        protocol: socket.protocol,
        send: (data) => send(socket, data),
        close,
        onPing: (payload) => answerPing(extra, payload),
        onMessage(handle) {
          const onError = (error: unknown): void => {
            if (socket.readyState !== socket.OPEN) return
            if (isUnavailable(error)) {
              closeForNow(socket, error instanceof IssuerUnavailableError ? 'issuer of the token' : 'database')
              return
            }
            deps.log.error({ err: error, requestId: by.record.id }, 'WebSocket message could not be handled')
            close(CloseCode.InternalServerError, 'Internal server error')
          }
          let isTurn = false
          const handleAll = (text: string): Promise<void> => {
            // The socket may have closed while the operation waited. Then it is not started.
            if (socket.readyState !== socket.OPEN) return Promise.resolve()
            const handled = isTurn ? handle(text) : deps.longTurns.count(callerIn(extra), () => handle(text))
            return handled.catch(onError)
          }
          const inbox = createSocketInbox(handleAll, close, { hold, refuse })
          extra.inbox = inbox
          const take = createLongMessages(deps.longTurns, {
            caller: () => (extra.viewer === undefined ? undefined : callerIn(extra)),
            signal: ended.signal,
            hold() {
              const readOn = holdReading()
              const alive = keepAlive.hold(socket)
              return () => {
                alive()
                readOn()
              }
            },
            take(text, inTurn) {
              isTurn = inTurn
              try {
                inbox.take(text)
              } finally {
                isTurn = false
              }
            },
            refuse: () => socket.close(1013, 'Too many of your large messages wait. Try again later.'),
          })
          socket.on('message', (data) => {
            // ws checks that text frames are UTF-8, but not binary frames.
            const text = Buffer.isBuffer(data) ? utf8Text(data) : undefined
            const isTooBig = extra.viewer === undefined && Buffer.byteLength(text ?? '') > maxBytesBeforeAck
            if (text === undefined) close(CloseCode.BadRequest, 'Message is not UTF-8')
            else if (isTooBig) close(1009, 'Message too big')
            else take(text)
            holdIfFull()
          })
        },
      },
      extra,
    )
    // Invalid and oversized frames: ws closes the socket with the matching code.
    socket.on('error', (error) => deps.log.debug({ err: error, requestId: by.record.id }, 'WebSocket connection lost'))
    socket.on('close', (code, reason) => {
      ended.abort()
      keepAlive.forget(socket)
      extra.arrival?.introduced()
      extra.arrival = undefined
      extra.inbox?.close()
      closed(code, utf8Text(reason) ?? '').catch((error: unknown) =>
        deps.log.error({ err: error, requestId: by.record.id }, 'WebSocket could not be cleaned up'),
      )
    })
    void waitForInit(deps, socket, arrival.waiting)
    keepAlive.watch(socket, by.address)
  }

  return {
    /** Takes over a connection whose request has passed the guard. */
    upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void {
      // Its end would not be noticed.
      if (connection.destroyed) return
      if (sockets.clients.size >= maxSockets) {
        const message = `The hub has ${maxSockets} GraphQL WebSockets, the maximum.`
        const requestId = recordOf(request).id
        logRefusal({ protocol: 'GraphQL', cause: 'overload', reason: message, address: addressOf(request), requestId })
        refuseUpgrade(request, connection, { status: '503 Service Unavailable', message })
        return
      }
      const leave = arrivals === undefined ? () => {} : arrivals.openSocket(addressOf(request))
      if (leave === undefined) {
        const most = deps.limits.addressSockets
        const message = `This address has ${most} GraphQL WebSockets, the maximum (LIMIT_ADDRESS_SOCKETS). Close one of them first.`
        refuseUpgrade(request, connection, { status: '503 Service Unavailable', message })
        return
      }
      connection.on('close', leave)
      sockets.handleUpgrade(request, connection, head, (socket) => {
        const letIn = countEarlyBytes(connection, {
          head,
          most: maxBytesBeforeAck + frameRoom,
          over() {
            letIn()
            // Stop reading while the close frame is sent.
            socket.pause()
            socket.close(1009, 'Message too big')
          },
        })
        open(socket, request, letIn)
      })
    },
    /** Closes all WebSockets, and waits briefly for the clients to close their side. */
    async close(): Promise<void> {
      stopReviews()
      keepAlive.close()
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

/** The caller behind an accepted socket. */
const callerIn = ({ viewer, by }: Extra): string => (viewer === undefined ? '' : callerOf(viewer.current(), by.address))

/**
 * How a socket is closed whose token is refused. Clients stop after 4401. They try again after 4403: an expired token may
 * be followed by a good one, and a token that was not checked, is too new or has a new key of its issuer may become good.
 */
function closeByRefusal(error: UnauthorizedError, authorization = ''): readonly [CloseCode, string] {
  const { code } = error
  if (authorization === '') return [CloseCode.Unauthorized, 'Unauthorized']
  if (code === 'UNAUTHORIZED') return [CloseCode.Forbidden, 'Forbidden']
  const mayBecomeGood = error instanceof BearerError && (error.fault === 'key' || error.fault === 'not_yet_valid')
  const isFinal = code === 'TOKEN_INVALID' && !mayBecomeGood
  return [isFinal ? CloseCode.Unauthorized : CloseCode.Forbidden, code]
}

/** How a socket is closed whose token was good until its policy got another key: as if it connected now. */
const revoked = [CloseCode.Unauthorized, 'TOKEN_INVALID'] as const

/** Closes with a code that makes clients reconnect. Most clients do not reconnect after other codes. */
function closeForNow(socket: WebSocket, part: 'database' | 'issuer of the token' = 'database'): void {
  socket.close(1013, `The ${part} is unavailable. Try again later.`)
}

/** A function of its own, so that what lasts as long as the connection does not keep what it uses. */
function arrivalOf(
  socket: WebSocket,
  request: IncomingMessage,
  {
    arrivals,
    letIn,
  }: { readonly arrivals: Pick<Arrivals, 'awaitIntroduction'> | undefined; readonly letIn: () => void },
): Arrival {
  const waiting = new AbortController()
  const finish = arrivals?.awaitIntroduction(addressOf(request), () =>
    socket.close(1013, 'Too many connections from this address wait for connection_init. Try again later.'),
  )
  const introduced = (): void => {
    waiting.abort()
    finish?.()
  }
  return { authorization: request.headers.authorization, introduced, waiting: waiting.signal, letIn }
}

/** Closes a connection whose client does not send `connection_init` in time. */
async function waitForInit({ clock }: Pick<Deps, 'clock'>, socket: WebSocket, waiting: AbortSignal): Promise<void> {
  await clock.sleep(initTimeout, waiting)
  if (waiting.aborted) return
  socket.close(CloseCode.ConnectionInitialisationTimeout, 'Connection initialisation timeout')
}

/** Resolves when the data has been sent, so that a slow client gets fewer events instead of a growing queue. */
function send(socket: WebSocket, data: string): Promise<void> {
  return new Promise((resolve, reject) => {
    if (socket.readyState !== socket.OPEN) resolve()
    else socket.send(data, (error) => (error ? reject(error) : resolve()))
  })
}

type Payload = Readonly<Record<string, unknown>> | undefined

const isCredential = (name: string): boolean => name.toLowerCase() === 'authorization'

/** The `authorization` in the payload of `connection_init` or a ping, in upper or lower case like a header. */
function authorizationIn(payload: Payload): string | undefined {
  const [, value] = Object.entries(payload ?? {}).find(([name]) => isCredential(name)) ?? []
  return typeof value === 'string' ? value : undefined
}

/** What the answer to a ping repeats of it. A payload may also be null, which the types of graphql-ws do not say. */
const withoutCredential = (payload: Payload): Payload =>
  payload ? Object.fromEntries(Object.entries(payload).filter(([name]) => !isCredential(name))) : undefined
