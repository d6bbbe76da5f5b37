import { EventEmitter } from 'node:events'
import type { Socket } from 'node:net'
import { Aedes, type Client } from 'aedes'
import type { Deps } from '../deps.ts'
import { connackPacket, createAdmission } from './admission.ts'
import { createConnections } from './connection.ts'
import { createInbound, type InboundCounters, type MethodAnswer } from './inbound.ts'
import { createListeners, type ListenAddresses, type ListenOptions } from './listeners.ts'
import { createOutbound } from './outbound.ts'
import { createPacketLimit } from './packet-limit.ts'
import { createPresence } from './presence.ts'
import { watchRevocations } from './revocation.ts'
import { createTurns } from './turns.ts'
import { createBlankPersistence, createUnroutedBus } from './unrouted.ts'

export type { MethodAnswer } from './inbound.ts'

/** The door for devices: MQTT 3.1.1 as Azure IoT Hub speaks it (docs/mqtt.md). */
export type MqttDoor = {
  /** Begins to listen. ListenError when a port cannot be had; then `close` is still due. */
  listen(options: ListenOptions): Promise<ListenAddresses>
  /** How many devices are connected, and what they sent. */
  stats(): Readonly<InboundCounters> & { readonly connections: number }
  /** Breaks all connections off and records that. Ends within seconds, whatever the database does. */
  close(): Promise<void>
}

export type MqttDoorOptions = {
  /** The hub's own names, with or without a port: in user names and tokens. */
  readonly hostNames: readonly string[]
  /** Names this process in the presence of devices. */
  readonly instanceId: string
  /** Gets every answer to a method call; must be quick and must not throw. */
  readonly onMethodResponse: (answer: MethodAnswer) => void
  /** Connections each listener takes; those above are closed at once. 20,000 unless given. */
  readonly maxConnections?: number
}

/** Remaining lengths, in bytes. A CONNECT holds two ids and a token; messages are at most 256 KB in IoT Hub. */
const PACKET_LIMITS = { first: 16 * 1024, others: 256 * 1024 }
const MAX_TOPIC_LEVELS = 16
/** Milliseconds in which CONNECT must have come. */
const CONNECT_TIMEOUT = 10_000
/** Milliseconds that a device may leave its socket full. */
const DRAIN_TIMEOUT = 15_000
/** Of the eight database connections that the scheduler shares. */
const DATABASE_TURNS = 5
/** Milliseconds that closing waits for the database. */
const CLOSE_PATIENCE = 10_000

export async function createMqttDoor(deps: Deps, options: MqttDoorOptions): Promise<MqttDoor> {
  const { hostNames, instanceId, onMethodResponse, maxConnections = 20_000 } = options
  const takeTurn = createTurns(DATABASE_TURNS)
  const presence = createPresence(deps, instanceId)
  const connections = createConnections({
    opened: ({ deviceId, id }) => presence.add({ deviceId, connectionId: id, connected: true, time: deps.clock.now() }),
    ended: ({ deviceId, id }) => presence.add({ deviceId, connectionId: id, connected: false, time: deps.clock.now() }),
  })
  const revocations = watchRevocations(deps, { hostNames, connections })
  const outbound = createOutbound(deps, connections)
  const inbound = createInbound(deps, { connections, onMethodResponse, takeTurn })

  const broker = await Aedes.createBroker({
    ...createAdmission(deps, { hostNames, connections, takeTurn }),
    authorizePublish: inbound.authorizePublish,
    authorizeSubscribe: inbound.authorizeSubscribe,
    // Nothing is routed, so there is nothing to forward but what this door sends itself.
    mq: createUnroutedBus(),
    persistence: createBlankPersistence(),
    connectTimeout: CONNECT_TIMEOUT,
    drainTimeout: DRAIN_TIMEOUT,
    maxTopicLevels: MAX_TOPIC_LEVELS,
  })
  broker.on('client', (client) => {
    const connection = connections.of(client)
    if (connection === undefined) return
    connections.open(connection)
    revocations.opened(connection)
  })
  broker.on('subscribe', (subscriptions, client) => {
    const granted = subscriptions.filter(({ qos }) => qos < 0x80)
    outbound.subscribed(
      client,
      granted.map(({ topic }) => topic),
    )
  })
  broker.on('unsubscribe', (filters, client) => outbound.unsubscribed(client, filters))

  const listeners = createListeners((socket) => {
    limitPackets(socket)
    const client = broker.handle(socket)
    grantNoQos2(client)
    answerUnknownLevels(client)
  }, maxConnections)

  return {
    listen: listeners.listen,
    stats: () => ({ connections: connections.size, ...inbound.counters }),
    async close() {
      const requests = [...connections.all()].map((connection) => connection.lastRequest)
      for (const connection of [...connections.all()]) connections.end(connection)
      await listeners.close()
      await Promise.all([revocations.close(), outbound.close()])
      const written = new AbortController()
      await Promise.race([
        Promise.all([...requests, presence.close()]),
        deps.clock.sleep(CLOSE_PATIENCE, written.signal),
      ])
      written.abort()
      await new Promise<void>((resolve) => broker.close(resolve))
    },
  }
}

/** The broker reads with `read`, and has no limit of its own. */
function limitPackets(socket: Socket): void {
  const withinLimit = createPacketLimit(PACKET_LIMITS)
  const read = socket.read.bind(socket)
  socket.read = (size) => {
    const chunk = read(size)
    if (chunk === null || withinLimit(chunk)) return chunk
    socket.destroy()
    return null
  }
}

/**
 * A subscription at QoS 2 is granted 1, as IoT Hub does. The broker grants what it reads before it asks its hook, so the
 * packet has to be changed before the broker sees it.
 */
function grantNoQos2(client: Client): void {
  if (!('_parser' in client && client._parser instanceof EventEmitter)) {
    throw new Error('The broker keeps its parser elsewhere: this version of aedes does not fit.')
  }
  client._parser.prependListener('packet', (packet) => {
    if (packet.cmd !== 'subscribe') return
    for (const subscription of packet.subscriptions) subscription.qos = Math.min(subscription.qos, 1)
  })
}

/** Of protocol levels that the parser does not know the broker only hears as an error, but they are owed an answer [MQTT-3.1.2-2]. */
function answerUnknownLevels(client: Client): void {
  client.prependListener('error', (error) => {
    if (error.message === 'Invalid protocol version') client.conn.write(connackPacket(1))
  })
}
