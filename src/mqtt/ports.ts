import { once } from 'node:events'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'
import { createServer as createTlsServer, type TlsOptions, type Server as TlsServer } from 'node:tls'
import type { Clock } from '../clock.ts'
import type { Arrivals } from '../limits/arrivals.ts'
import { peerAddress } from '../limits/peer-address.ts'
import type { ProxyProtocol } from '../limits/proxy-protocol.ts'
import { isLoopback } from '../loopback.ts'
import { ListenError, openPort, type PortAddress } from '../open-port.ts'
import type { HandshakeLog } from '../tls/failed-handshakes.ts'
import { beginHandshakesInTurns } from '../tls/handshake-turns.ts'
import { tlsSettings } from '../tls/settings.ts'

/** Where MQTT listens. `cert` and `key` are PEM. A port that is undefined is off. */
export type ListenOptions = {
  /** Plain MQTT, without TLS; on a loopback address only. */
  readonly mqtt?: PortAddress | undefined
  readonly mqtts?: PortAddress | undefined
  readonly cert: string
  readonly key: string
  /** PEM of the certificate authorities that are trusted for devices. */
  readonly deviceCa?: string | undefined
}

/** The part that may change while MQTT listens. */
export type Certificates = Pick<ListenOptions, 'cert' | 'key' | 'deviceCa'>

export type ListenAddresses = { readonly mqtt: AddressInfo | undefined; readonly mqtts: AddressInfo | undefined }

/**
 * The listening sockets. `accept` gets each connection that is ready for MQTT, and the function to call when its client
 * has introduced itself.
 */
export function createPorts(
  accept: (socket: Socket, introduced: () => void) => void,
  {
    clock,
    arrivals,
    proxyProtocol,
    handshakeTimeout,
    handshakeFailed,
  }: {
    readonly clock: Clock
    readonly arrivals: Arrivals
    readonly proxyProtocol: ProxyProtocol | undefined
    readonly handshakeTimeout: number
    readonly handshakeFailed: HandshakeLog
  },
) {
  const servers: Server[] = []
  let tlsServer: TlsServer | undefined
  const sockets = new Set<Socket>()

  const acceptSocket = (socket: Socket): void => accept(socket, () => arrivals.introduced(socket))
  const start = (server: Server, variable: string, at: PortAddress): Promise<AddressInfo> => {
    arrivals.guard(server, { variable, kind: 'MQTT' })
    proxyProtocol?.expectOn(server, variable === 'MQTT_PORT' ? 'mqtt' : 'mqtts')
    server.on('connection', (socket) => {
      sockets.add(socket)
      socket.once('close', () => sockets.delete(socket))
    })
    servers.push(server)
    return openPort(server, { variable, ...at })
  }

  let closed: Promise<unknown> = Promise.resolve()
  const stopListening = (): Promise<unknown> => {
    const listening = servers.filter((server) => server.listening)
    closed = Promise.all([closed, ...listening.map((server) => once(server, 'close'))])
    for (const server of listening) server.close()
    return closed
  }

  const createSecure = ({ cert, key, deviceCa }: Certificates): TlsServer => {
    const tls = {
      ...tlsSettings,
      cert,
      key,
      handshakeTimeout,
      noDelay: true,
      // A certificate is requested, and any or none is accepted: which one is needed is known once the device has
      // identified itself. Only registered authorities count, not those that the system trusts.
      requestCert: true,
      rejectUnauthorized: false,
      ca: deviceCa ?? [],
    } as const satisfies TlsOptions
    const secure = createTlsServer(tls, acceptSocket)
    beginHandshakesInTurns(secure, { clock, arrivals, timeout: handshakeTimeout })
    tlsServer = secure
    // Node reports a handshake that took too long, and leaves the connection open.
    secure.on('tlsClientError', (error, socket) => {
      handshakeFailed('MQTTS_PORT', error, peerAddress(socket))
      socket.destroy()
    })
    return secure
  }

  return {
    async listen({ mqtt, mqtts, ...certificates }: ListenOptions): Promise<ListenAddresses> {
      const secureAddress = mqtts && (await start(createSecure(certificates), 'MQTTS_PORT', mqtts))
      const plainAddress = mqtt && (await start(createTcpServer({ noDelay: true }, acceptSocket), 'MQTT_PORT', mqtt))
      // A name may resolve to anything; the bound address decides.
      if (plainAddress !== undefined && !isLoopback(plainAddress.address)) {
        throw new ListenError(
          `MQTT_PORT: plain MQTT is allowed on loopback addresses only, and ${plainAddress.address} is not one.`,
        )
      }
      return { mqtt: plainAddress, mqtts: secureAddress }
    },
    /** New connections get these certificates. */
    renew({ cert, key, deviceCa }: Certificates): void {
      tlsServer?.setSecureContext({ ...tlsSettings, cert, key, ca: deviceCa ?? [] })
    },
    /** Accepts no new connections. Resolves when all existing ones have ended. */
    stopListening,
    /** Closes every connection, including those in their handshake. */
    async close(): Promise<void> {
      const closed = stopListening()
      for (const socket of sockets) socket.destroy()
      await closed
    },
  }
}
