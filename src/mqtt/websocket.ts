import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { createWebSocketStream, WebSocketServer } from 'ws'
import type { Deps } from '../deps.ts'
import { countEarlyBytes } from '../limits/early-bytes.ts'
import { addressOf } from '../limits/request-address.ts'
import { limitFrames } from '../limits/websocket-frames.ts'
import { createRefusalLog, type RefusalCause } from '../log/refused-clients.ts'
import { recordOf, requestIdHeader } from '../log/request-record.ts'
import { isOwnOrigin } from '../origin.ts'
import { refuseMalformedUpgrades } from '../refuse-malformed-upgrades.ts'
import { refuseUpgrade } from '../refuse-upgrade.ts'
import { amqpSubprotocols } from './amqp.ts'
import { intakeOf, packetLimits } from './read-flow-control.ts'

/** MQTT over WebSocket, to be mounted in an HTTP server. */
export type WebSocketMount = {
  readonly path: '/$iothub/websocket'
  readonly methods: readonly string[]
  /** Whether IoT Hub speaks AMQP at this path. Such clients are answered that this hub does not. */
  claims(url: string): boolean
  /** Answers requests without an upgrade: this is a WebSocket endpoint. */
  handle(request: IncomingMessage, response: ServerResponse): void
  upgrade(request: IncomingMessage, connection: Duplex, head: Buffer): void
}

/**
 * Maximum bytes of a WebSocket message. It is collected before any of it is read, and may contain several packets or a
 * part of one [MQTT-6.0.0-2]: clients with much to send combine packets.
 */
const maxMessage = 2 * packetLimits.others

/** Maximum frames per message: each frame has a cost of its own. */
const maxFrames = 256

/** Maximum chunks in which a frame arrives. Slow networks deliver chunks of 500 bytes. */
const maxChunks = 4096

/** Bytes for the frames around a CONNECT, and for pings. */
const frameRoom = 1024

/** Milliseconds for a client to close its side, after which it is cut off. */
const closeTime = 2_000

/** The origin of a connection, and the function to call when its device is admitted. */
export type Upgraded = { readonly request: IncomingMessage; readonly admitted: () => void }

/** `accept` gets each connection as a stream of MQTT's bytes. `close` closes all of them. */
export function createWebSocketMount(
  deps: Pick<Deps, 'clock' | 'log' | 'limits' | 'metrics'>,
  accept: (stream: Duplex, from: Upgraded) => void,
): {
  readonly mount: WebSocketMount
  close(): void
} {
  const logRefusal = createRefusalLog(deps)
  // The types of ws lack `closeTimeout`, so it cannot be written into the call.
  const settings = {
    noServer: true,
    maxPayload: maxMessage,
    maxFragments: maxFrames,
    maxBufferedChunks: maxChunks,
    closeTimeout: closeTime,
    handleProtocols: (protocols: Set<string>, request: IncomingMessage) => offeredBy(protocols, request) ?? false,
  }
  const server = new WebSocketServer(settings)
  refuseMalformedUpgrades(server, 'MQTT', logRefusal)
  server.on('headers', (headers, request) => {
    const record = recordOf(request)
    record.status = 101
    headers.push(`${requestIdHeader}: ${record.id}`)
  })
  const mount: WebSocketMount = {
    path: '/$iothub/websocket',
    methods: ['GET'],
    claims: isForServices,
    handle(_request, response) {
      response.writeHead(426, { connection: 'Upgrade', upgrade: 'websocket', 'content-length': 0 }).end()
    },
    upgrade(request, connection, head) {
      const refusal = refusalOf(request)
      if (refusal !== undefined) {
        const { cause, reason, status } = refusal
        const requestId = recordOf(request).id
        logRefusal({ protocol: 'MQTT', cause, reason, address: addressOf(request), requestId })
        refuseUpgrade(request, connection, { status })
        return
      }
      server.handleUpgrade(request, connection, head, (socket) => {
        // Before the stream receives it. [MQTT-6.0.0-1]: anything but binary data closes the connection.
        socket.on('message', (_data, isBinary) => {
          if (!isBinary) stream.destroy()
        })
        const stream = createWebSocketStream(socket)
        // A device may send more after its CONNECT. That is read once it is admitted.
        let isHeld = false
        const stopCounting = countEarlyBytes(connection, {
          head,
          most: packetLimits.first + frameRoom,
          over() {
            isHeld = true
            connection.pause()
          },
        })
        const admitted = (): void => {
          stopCounting()
          if (isHeld) connection.resume()
        }
        accept(stream, { request, admitted })
        limitFrames(connection, deps, () => {
          // The stream continues when it is read.
          const readOn = intakeOf(stream).hold()
          socket.pause()
          return () => {
            socket.resume()
            readOn()
          }
        })
      })
    },
  }
  return {
    mount,
    close() {
      for (const socket of server.clients) socket.terminate()
    },
  }
}

type RefusedUpgrade = { readonly status: string; readonly cause: RefusalCause; readonly reason: string }

/** Why there will be no WebSocket; undefined when there may be one. */
function refusalOf(request: IncomingMessage): RefusedUpgrade | undefined {
  // Pages of the hub itself may act as devices.
  if (!isOwnOrigin(request)) {
    const { origin = '', host = '' } = request.headers
    return {
      status: '403 Forbidden',
      cause: 'origin',
      reason: `pages of ${origin} are not allowed to connect to ${host}`,
    }
  }
  // [MQTT-6.0.0-3]
  if (offeredBy(request.headers['sec-websocket-protocol']?.split(',') ?? [], request) !== undefined) return undefined
  return {
    status: '400 Bad Request',
    cause: 'protocol',
    reason: 'the client does not offer the WebSocket subprotocol mqtt',
  }
}

/** The path at which services speak AMQP to IoT Hub. */
const isForServices = (url = ''): boolean => url.split('?', 1)[0] === '/$servicebus/websocket'

/**
 * The protocol name as the client spells it: clients in C offer `MQTT` and expect that spelling in the answer. A client
 * that offers only AMQP gets its WebSocket too, and a refusal in AMQP (amqp.ts).
 */
function offeredBy(protocols: Iterable<string>, { url }: IncomingMessage): string | undefined {
  const known = isForServices(url) ? amqpSubprotocols : ['mqtt', ...amqpSubprotocols]
  const offered = [...protocols].map((protocol) => protocol.trim())
  return known.flatMap((name) => offered.find((protocol) => protocol.toLowerCase() === name) ?? [])[0]
}
