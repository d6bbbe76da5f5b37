import type { Server, Socket } from 'node:net'
import { connectionName } from '../connection-name.ts'
import type { Deps } from '../deps.ts'
import { deduplicateLog } from '../log/deduplicated-log.ts'
import type { Metrics } from '../metrics/metrics.ts'
import {
  type AddressLimits,
  type AddressRecord,
  arrive,
  fail,
  isForgettable,
  leave,
  mayTry,
  networkOf,
  newAddress,
  openSocket,
} from './address-limits.ts'
import { createHandshakes } from './handshakes.ts'
import { peerAddress } from './peer-address.ts'

/** The kind of protocol of a port. Neither kind can use up the connections that both share. */
export type PortKind = 'HTTP' | 'MQTT'

/** Why a connection is refused: the `reason` of the metric, with what the log says. */
const refusals = {
  files: 'the process has reached its open file limit',
  port: 'too many connections to the port',
  connections: 'too many connections from one address',
  new_connections: 'too many new connections from one address',
  handshakes: 'too many handshakes of one address wait for their clients',
  sockets: 'too many GraphQL WebSockets from one address',
} as const
export type Refusal = keyof typeof refusals

/**
 * Decides which addresses may connect, before TLS and HTTP, and which may present tokens. Shared by all ports of the
 * hub.
 */
export type Arrivals = {
  /**
   * Limits the connections of the server, in total and per address, and those whose client has not introduced itself.
   */
  guard(server: Server, port: { readonly variable: string; readonly kind: PortKind }): void
  /** The client of a guarded connection has introduced itself: a request or a CONNECT has arrived. */
  introduced(socket: Socket): void
  /** Counts a guarded connection again as one whose client has not introduced itself. */
  expectIntroduction(socket: Socket): void
  /**
   * Counts a WebSocket of this address until its client has introduced itself, which the returned function reports.
   * `cut` closes it.
   */
  awaitIntroduction(address: string, cut: () => void): () => void
  /** Counts a GraphQL WebSocket of this address until the returned function is called. Undefined: it is refused. */
  openSocket(address: string): (() => void) | undefined
  /**
   * Whether a request from this address is processed: when its token was good before, or when the address did not
   * present too many bad ones. Shared by all protocols; a client certificate counts as a token.
   */
  mayTry(address: string, authorization: string | undefined): boolean
  /** Counts whether the token was good. */
  tried(address: string, authorization: string | undefined, isGood: boolean): void
  /** How long to wait before such a request is refused, or until the signal aborts. */
  pause(signal: AbortSignal): Promise<void>
}

/** Files that the hub needs in addition to connections: its database, its log, files of the console. */
const ownFiles = 200
/** The share of possible connections that one kind of port may use. */
const kindShare = 0.9
/** Number of remembered addresses above which unneeded records are removed. */
const mostAddresses = 2_000
/** Characters of remembered good tokens: more than 40,000 of ordinary length, those of a fleet among them. */
const mostCharacters = 8 * 1024 * 1024
/**
 * Milliseconds after which a token is refused without a check, and at most as many more. Clients that come back as soon
 * as they are refused then cost little, and do not come back all at once.
 */
const refusalPause = 500
const refusalSpread = 1_000

export function createArrivals(
  deps: Pick<Deps, 'clock' | 'log' | 'limits'>,
  options: {
    /** How many files and connections the process may have open. Default: any number. */
    readonly openFiles?: number
    /** A trusted proxy connects for many clients, so only the limits of the port apply to it. */
    readonly isProxy?: (address: string) => boolean
    readonly metrics?: Metrics | undefined
  } = {},
): Arrivals {
  const { clock, log } = deps
  const { openFiles = Number.POSITIVE_INFINITY, isProxy = () => false, metrics } = options
  const limits: AddressLimits = {
    connections: deps.limits.addressConnections,
    sockets: deps.limits.addressSockets,
    newConnections: deps.limits.addressNewConnections,
    failures: deps.limits.addressFailures,
  }
  const ofPort: Readonly<Record<PortKind, number>> = {
    HTTP: deps.limits.httpConnections,
    MQTT: deps.limits.mqttConnections,
  }
  const total = Math.max(openFiles - Math.min(ownFiles, openFiles / 4), 1)
  const wanted = 2 * (ofPort.HTTP + ofPort.MQTT) + ownFiles
  if (openFiles < wanted) {
    log.warn(
      { openFiles, wanted, connections: Math.floor(total) },
      'the open file limit of this process is too low for its connection limits: raise it (ulimit -n, LimitNOFILE), or lower LIMIT_HTTP_CONNECTIONS and LIMIT_MQTT_CONNECTIONS',
    )
  }

  const open: Record<PortKind, number> = { HTTP: 0, MQTT: 0 }
  const addresses = new Map<string, AddressRecord>()
  const tokens = new Set<string>()
  let characters = 0
  const forgetToken = (token: string): void => {
    if (tokens.delete(token)) characters -= token.length
  }
  const now = (): number => clock.now().getTime()
  const recordOf = (network: string): AddressRecord => addresses.get(network) ?? newAddress(limits, now())
  const keep = (network: string, record: AddressRecord): void => {
    if (addresses.size >= mostAddresses && !addresses.has(network)) forget()
    addresses.set(network, record)
  }
  let sweepAt = 0
  const forget = (): void => {
    // Not for each connection while there is much to remember.
    if (now() < sweepAt) return
    sweepAt = now() + 1_000
    for (const [network, record] of addresses) if (isForgettable(record, now())) addresses.delete(network)
  }

  // A flood must not fill the disk.
  const logRefusal = deduplicateLog<{ readonly reason: Refusal; readonly address: string; readonly port?: string }>(
    clock,
    {
      keyOf: ({ port, reason, address }) => `${port} ${reason} ${address}`,
      write: ({ reason, ...details }, notWritten) =>
        log.warn(
          notWritten === 0 ? details : { ...details, times: notWritten + 1 },
          `${reason === 'handshakes' ? 'connection closed' : 'connection closed at once'}: ${refusals[reason]}`,
        ),
    },
  )
  const refuse = (reason: Refusal, address: string, port?: string): void => {
    metrics?.count('twincast_connections_refused_total', { reason })
    logRefusal({ reason, address, ...(port !== undefined && { port }) })
  }

  const handshakes = createHandshakes(clock, {
    most: deps.limits.addressHandshakes,
    onCut: (network) => refuse('handshakes', network),
  })
  /** How to end the handshake of a connection, by its name. */
  const unfinished = new Map<string, () => void>()
  const expectIntroduction = (socket: Socket): void => {
    const address = peerAddress(socket)
    if (address === '' || isProxy(address)) return
    const name = connectionName(socket)
    const finish = handshakes.begin(networkOf(address), () => socket.destroy())
    const end = (): void => {
      finish()
      socket.off('close', end)
      if (unfinished.get(name) === end) unfinished.delete(name)
    }
    unfinished.set(name, end)
    socket.on('close', end)
  }

  /** Counts the connection for its address, or closes it above the limits. */
  const arriveFrom = (address: string, socket: Socket, variable: string): boolean => {
    const network = networkOf(address)
    const record = arrive(recordOf(network), variable, { limits, now: now() })
    if (typeof record === 'string') {
      refuse(record, address, variable)
      socket.destroy()
      return false
    }
    keep(network, record)
    socket.on('close', () => keep(network, leave(recordOf(network), variable)))
    return true
  }
  const admit = (socket: Socket, variable: string, kind: PortKind): void => {
    const address = peerAddress(socket)
    // It has disconnected already.
    if (address === '') return
    if (open[kind] >= total * kindShare || open.HTTP + open.MQTT >= total) {
      refuse('files', address, variable)
      socket.destroy()
      return
    }
    if (!isProxy(address)) {
      if (!arriveFrom(address, socket, variable)) return
      expectIntroduction(socket)
    }
    open[kind]++
    socket.on('close', () => {
      open[kind]--
    })
  }

  return {
    pause: (signal) => clock.sleep(refusalPause + Math.random() * refusalSpread, signal),
    guard(server, { variable, kind }) {
      server.maxConnections = ofPort[kind]
      server.on('connection', (socket) => admit(socket, variable, kind))
      server.on('drop', (data) => refuse('port', data?.remoteAddress ?? '', variable))
      // On a listening server: a connection could not be accepted. Without a listener this would end the process.
      server.on('error', (error) => {
        if (server.listening) log.error({ err: error, port: variable }, 'connection could not be accepted')
      })
    },
    introduced: (socket) => unfinished.get(connectionName(socket))?.(),
    expectIntroduction,
    awaitIntroduction: (address, cut) => (isProxy(address) ? () => {} : handshakes.begin(networkOf(address), cut)),
    openSocket(address) {
      if (isProxy(address)) return () => {}
      const network = networkOf(address)
      const record = openSocket(recordOf(network), limits)
      if (record === undefined) {
        refuse('sockets', address)
        return undefined
      }
      keep(network, record)
      return () => keep(network, leave(recordOf(network), 'sockets'))
    },
    mayTry(address, authorization) {
      if (authorization !== undefined && tokens.has(authorization)) return true
      const record = addresses.get(networkOf(address))
      return record === undefined || mayTry(record, now())
    },
    tried(address, authorization, isGood) {
      if (!isGood) {
        const network = networkOf(address)
        keep(network, fail(recordOf(network), now()))
        if (authorization !== undefined) forgetToken(authorization)
      } else if (authorization !== undefined && !tokens.has(authorization)) {
        tokens.add(authorization)
        characters += authorization.length
        for (const oldest of tokens) {
          if (characters <= mostCharacters) break
          forgetToken(oldest)
        }
      }
    },
  }
}

/** How many files and connections this process may have open; infinity where the system does not report it. */
export function openFileLimit(): number {
  const limits = memberOf(process.report.getReport(), 'userLimits')
  const soft = memberOf(memberOf(limits, 'open_files'), 'soft')
  return typeof soft === 'number' ? soft : Number.POSITIVE_INFINITY
}

function memberOf(value: unknown, name: string): unknown {
  return Object.entries(Object(value)).find(([key]) => key === name)?.[1]
}
