import type { Duplex } from 'node:stream'
import { Aedes } from 'aedes'
import type { Deps } from '../deps.ts'
import { takeTurnsInOrder } from '../fair-queue.ts'
import { type Arrivals, createArrivals } from '../limits/arrivals.ts'
import type { ProxyProtocol } from '../limits/proxy-protocol.ts'
import { addressOf as addressOfRequest } from '../limits/request-address.ts'
import { createRefusalLog } from '../log/refused-clients.ts'
import type { MethodAnswer } from '../method/answer.ts'
import { createHandshakeLog } from '../tls/failed-handshakes.ts'
import { createAdmission } from './admission.ts'
import { answerUnknownLevels, correctPackets } from './aedes-workarounds.ts'
import { answerAmqp } from './amqp.ts'
import { closeSuperseded } from './close-superseded.ts'
import { compareConnections } from './compare-connections.ts'
import { addressOf, createConnections, drainTime } from './connection.ts'
import { createRations } from './device-rate-limits.ts'
import { disconnectRevoked } from './disconnect-revoked.ts'
import { type DrainPace, drainConnections } from './drain-connections.ts'
import { createInbound, type InboundCounters } from './inbound.ts'
import { createBlankPersistence, createUnroutedBus } from './no-routing.ts'
import { createOutbound } from './outbound.ts'
import { createPersistentSessions } from './persistent-sessions.ts'
import { type Certificates, createPorts, type ListenAddresses, type ListenOptions } from './ports.ts'
import { createPresence } from './presence.ts'
import { controlIntake, intakeOf } from './read-flow-control.ts'
import { createSessionPersistence } from './session-persistence.ts'
import { createTelemetry } from './telemetry.ts'
import { createWebSocketMount, type Upgraded, type WebSocketMount } from './websocket.ts'

/** The endpoint for devices: MQTT 3.1.1 as Azure IoT Hub speaks it (docs/mqtt.md). */
export type MqttServer = {
  /** Starts to listen. ListenError when a port is not available; `close` must be called even then. */
  listen(options: ListenOptions): Promise<ListenAddresses>
  /** New connections get these certificates. */
  renew(certificates: Certificates): void
  /** For devices that connect through an HTTP server. */
  readonly webSocket: WebSocketMount
  /** How many devices are connected, and what they sent. */
  stats(): Readonly<InboundCounters> & { readonly telemetry: number; readonly connections: number }
  /** Admits no more devices. Connected ones stay, and may answer. */
  turnAway(): void
  /** Disconnects devices a few at a time, those without calls under way first (`drainConnections`). */
  drain(
    pace: DrainPace,
    how: { readonly called: () => ReadonlySet<string>; readonly signal: AbortSignal },
  ): Promise<void>
  /** Stops reading from all devices. Everything read before has been handled. */
  hangUp(): void
  /** Closes all connections and records that. Ends within seconds, whatever the database does. */
  close(): Promise<void>
}

export type MqttServerOptions = {
  /** The hub's own names, with or without a port: they occur in user names and tokens. */
  readonly hostNames: readonly string[]
  /** Gets every answer to a method call; it must be quick and must not throw. */
  readonly onMethodResponse: (answer: MethodAnswer) => void
  /** Milliseconds for a TLS handshake. Default: 10,000. */
  readonly handshakeTimeout?: number
  readonly arrivals?: Arrivals
  /** Default: no port expects its headers. */
  readonly proxyProtocol?: ProxyProtocol
}

const speaksAmqp = 'the client uses AMQP, which this hub does not support; use MQTT'
const mostTopicLevels = 16
/** Milliseconds in which CONNECT must arrive. */
const connectTime = 10_000
/**
 * How many statements for devices run at the same time. They share the eight database connections with the scheduler,
 * which must still find a free one when a whole fleet connects or reads its twins at once.
 */
const databaseTurns = 5
/** Milliseconds that closing waits for the database. */
const closePatience = 10_000

export async function createMqttServer(deps: Deps, options: MqttServerOptions): Promise<MqttServer> {
  const { hostNames, onMethodResponse, arrivals = createArrivals(deps), proxyProtocol } = options
  const { handshakeTimeout = 10_000 } = options
  const takeTurn = takeTurnsInOrder(databaseTurns)
  const rations = createRations(deps)
  const presence = createPresence(deps)
  const sessions = createPersistentSessions(deps)
  const telemetry = createTelemetry(deps, () => connections.size)
  const connections = createConnections((connection, wasOpen) => {
    presence.end(connection)
    if (wasOpen) telemetry.takeWill(connection)
  })
  const revocations = disconnectRevoked(deps, { hostNames, connections })
  const stopYielding = closeSuperseded(deps, connections)
  const comparing = compareConnections(deps, { connections, presence, recheck: revocations.recheck })
  const outbound = createOutbound(deps, { connections, takeTurn })
  const inbound = createInbound(deps, { connections, onMethodResponse, telemetry, takeTurn })

  let leaving = false
  const broker = await Aedes.createBroker({
    ...createAdmission(deps, {
      hostNames,
      arrivals,
      connections,
      rations,
      presence,
      takeTurn,
      isLeaving: () => leaving,
      introduced: ({ conn }) => introductions.get(conn)?.(),
    }),
    authorizePublish: inbound.authorizePublish,
    authorizeSubscribe: inbound.authorizeSubscribe,
    // Nothing is routed: only packets that this endpoint sends itself are forwarded.
    mq: createUnroutedBus(),
    persistence: { ...createBlankPersistence(), ...createSessionPersistence(connections, sessions) },
    connectTimeout: connectTime,
    drainTimeout: drainTime,
    maxTopicLevels: mostTopicLevels,
  })
  broker.on('client', (client) => {
    const connection = connections.of(client)
    if (connection === undefined) return
    connections.open(connection)
    revocations.opened(connection)
  })
  // Nothing may be sent before CONNACK [MQTT-3.2.0-1].
  broker.on('connackSent', ({ returnCode }, client) => {
    if (returnCode !== 0) return
    outbound.restored(client)
    intakeOf(client.conn).admit(rations.of(client.id))
  })
  broker.on('subscribe', (subscriptions, client) => {
    const granted = subscriptions.filter(({ qos }) => qos < 0x80)
    outbound.subscribed(
      client,
      granted.map(({ topic }) => topic),
    )
  })
  broker.on('unsubscribe', (filters, client) => outbound.unsubscribed(client, filters))

  /** What to call when the client of a connection has introduced itself. */
  const introductions = new WeakMap<Duplex, () => void>()
  const accept = (stream: Duplex, introduced: () => void, from?: Upgraded): void => {
    introductions.set(stream, introduced)
    answerAmqp(stream, () =>
      logRefusal({ protocol: 'MQTT', cause: 'protocol', reason: speaksAmqp, address: addressOf(client) }),
    )
    const intake = controlIntake(stream, deps, from?.admitted)
    const client = broker.handle(stream, from?.request)
    correctPackets(client, intake, () => {
      // [MQTT-3.1.2-10]
      const connection = connections.of(client)
      if (connection !== undefined) connection.will = undefined
    })
    answerUnknownLevels(client)
  }
  const logRefusal = createRefusalLog(deps)
  const ports = createPorts(accept, {
    clock: deps.clock,
    arrivals,
    proxyProtocol,
    handshakeTimeout,
    handshakeFailed: createHandshakeLog(deps),
  })
  const webSockets = createWebSocketMount(deps, (stream, from) => {
    const introduced = arrivals.awaitIntroduction(addressOfRequest(from.request), () => stream.destroy())
    stream.once('close', introduced)
    accept(stream, introduced, from)
  })

  const { metrics } = deps
  metrics?.read('twincast_queue_length', () => [{ labels: { queue: 'admissions' }, value: connections.undecidedCount }])
  metrics?.read('twincast_mqtt_connections', () => [{ labels: {}, value: connections.size }])
  metrics?.read('twincast_mqtt_messages_total', () => [
    { labels: { kind: 'telemetry' }, value: telemetry.count },
    { labels: { kind: 'method_response' }, value: inbound.counters.methodResponses },
    { labels: { kind: 'twin_request' }, value: inbound.counters.twinRequests },
    { labels: { kind: 'forbidden' }, value: inbound.counters.forbidden },
  ])

  const hangUp = (): void => {
    for (const connection of [...connections.all(), ...connections.undecided()]) connections.end(connection)
  }
  const turnAway = (): void => {
    leaving = true
    void ports.stopListening()
  }

  return {
    listen: ports.listen,
    renew: ports.renew,
    webSocket: webSockets.mount,
    stats: () => ({ connections: connections.size, telemetry: telemetry.count, ...inbound.counters }),
    turnAway,
    drain: (pace, how) => drainConnections(deps, connections, { ...pace, ...how }),
    hangUp,
    async close() {
      const requests = [...connections.all()].map((connection) => connection.lastRequest)
      turnAway()
      hangUp()
      inbound.close()
      stopYielding()
      webSockets.close()
      await ports.close()
      await Promise.all([revocations.close(), outbound.close(), comparing.close()])
      const written = new AbortController()
      await Promise.race([
        Promise.all([...requests, presence.close(), sessions.close(), telemetry.close()]),
        deps.clock.sleep(closePatience, written.signal),
      ])
      written.abort()
      await new Promise<void>((resolve) => broker.close(resolve))
    },
  }
}
