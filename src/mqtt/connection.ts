import { Socket } from 'node:net'
import type { Client } from 'aedes'
import type { DeviceCertificate } from '../device/certificate.ts'
import { peerAddress } from '../limits/peer-address.ts'
import { addressOf as addressOfRequest } from '../limits/request-address.ts'
import { encodePublish } from './publish-packet.ts'
import type { Intake } from './read-flow-control.ts'

/** Milliseconds for which a device may leave its socket full. */
export const drainTime = 15_000

/** The will of a device: telemetry that is published for the device when its connection breaks. */
export type Will = { readonly topic: string; readonly payload: Buffer; readonly retain: boolean }

/** One device's connection, from the moment its password is checked. It has a lifetime, so its fields change. */
export type Connection = {
  /** Identifies this connection among all connections of the device, past and future. */
  readonly id: string
  readonly deviceId: string
  readonly client: Client
  readonly intake: Intake
  /** Its token, which is checked again when the device's identity changes. Empty for a device with a certificate. */
  readonly password: string
  readonly certificate: DeviceCertificate | undefined
  /** The announced model; empty without one. */
  readonly modelId: string
  /** When the token or the certificate expires, in seconds since 1970 UTC. */
  expiry: number
  /** The identity of its device that was authenticated. */
  identity: string
  /** Whether the identity of its device changed while the password was being checked. */
  outdated: boolean
  /** Whether it has ended. Nothing may be done for it after that. */
  ended: boolean
  /** The sequence number of its presence announcement in this process; 0 before that. */
  announced: number
  /** Number of packets that the broker holds for it until its socket has room. */
  held: number
  /** The granted filters, with their QoS. */
  readonly subscriptions: Map<string, number>
  /** Undefined after DISCONNECT. */
  will: Will | undefined
  /** When its activity was last recorded, in milliseconds since 1970 UTC. */
  activeTime: number
  /** Makes it unreachable for method calls; undefined while it is not reachable. */
  detachMethods: (() => void) | undefined
  /** Whether it has subscribed to changes of its desired properties. */
  wantsDesired: boolean
  /** The version of its desired properties when it was admitted: it reads those by itself. */
  firstDesired: number
  /** The newest version of its desired properties that was sent to it, in an answer or a patch; 0 before the first. */
  sentDesired: number
  /** The newest version of its desired properties that was announced since it connected; 0 before the first. */
  announcedDesired: number
  /** Whether its desired properties may have changed while it was being admitted: it could not be notified yet. */
  missedDesired: boolean
  /** Whether its desired properties are being read, to be sent as a whole. */
  catchingUp: boolean
  /** Number of twin requests that are not answered yet. */
  openRequests: number
  /** Continues reading, after it stopped because too many requests were open. */
  readOn: (() => void) | undefined
  /** Settles when the last twin request is answered. */
  lastRequest: Promise<void>
}

/** What is known of a connection when it is created. */
export type NewConnection = Pick<
  Connection,
  'id' | 'deviceId' | 'client' | 'intake' | 'password' | 'certificate' | 'modelId' | 'will'
>

export const newConnection = (known: NewConnection): Connection => ({
  ...known,
  expiry: 0,
  identity: '',
  outdated: false,
  ended: false,
  announced: 0,
  held: 0,
  subscriptions: new Map(),
  activeTime: 0,
  detachMethods: undefined,
  wantsDesired: false,
  firstDesired: 0,
  sentDesired: 0,
  announcedDesired: 0,
  missedDesired: false,
  catchingUp: false,
  openRequests: 0,
  readOn: undefined,
  lastRequest: Promise.resolve(),
})

/**
 * Sends to this one device, at QoS 0 and without routing: the topics carry no device id, so a publication through the
 * broker would reach every device.
 */
export function send(connection: Connection, topic: string, payload: string): void {
  const { client } = connection
  if (connection.held === 0 && !client.conn.writableNeedDrain) {
    if (!connection.ended) client.conn.write(encodePublish(topic, payload))
    return
  }
  // The device reads slowly. The broker waits for it, at most for its drain timeout, and keeps the order.
  connection.held++
  client.publish({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }, () => {
    connection.held--
  })
}

/** The remote address, as far as it is visible here: behind a proxy that is not trusted it is the proxy's. */
export const addressOf = ({ conn, req }: Client): string =>
  req === undefined ? (conn instanceof Socket ? peerAddress(conn) : '') : addressOfRequest(req)

/** The connections to this process. At most one per device is open: the newest. */
export type Connections = {
  /** The connection of a client, from the check of its password until it has ended. */
  of(client: Client): Connection | undefined
  /** The open connection with this id. */
  named(id: string): Connection | undefined
  /** The open connection of a device. */
  find(deviceId: string): Connection | undefined
  /** The open connections. */
  all(): Iterable<Connection>
  /** Connections whose password is being checked, or whose session is being restored. */
  undecided(): Iterable<Connection>
  readonly undecidedCount: number
  readonly size: number
  /** Keeps a connection whose password is about to be checked. */
  add(connection: Connection): void
  /** Its device is authenticated. An older connection of the device ends, or this one when it is the older. */
  open(connection: Connection): void
  /** The connection has ended, or must end now. May be called again. */
  end(connection: Connection): void
}

/** Called for each connection that ends, with whether it was open. */
type Ended = (connection: Connection, wasOpen: boolean) => void

export function createConnections(ended: Ended): Connections {
  const byClient = new Map<Client, Connection>()
  const byDevice = new Map<string, Connection>()
  const byId = new Map<string, Connection>()
  const undecided = new Set<Connection>()

  const end = (connection: Connection): void => {
    if (connection.ended) return
    connection.ended = true
    byClient.delete(connection.client)
    undecided.delete(connection)
    connection.detachMethods?.()
    connection.detachMethods = undefined
    connection.client.close()
    const wasOpen = byId.delete(connection.id)
    if (byDevice.get(connection.deviceId) === connection) byDevice.delete(connection.deviceId)
    ended(connection, wasOpen)
  }
  return {
    of: (client) => byClient.get(client),
    named: (id) => byId.get(id),
    find: (deviceId) => byDevice.get(deviceId),
    all: () => byDevice.values(),
    undecided: () => undecided,
    get undecidedCount() {
      return undecided.size
    },
    get size() {
      return byDevice.size
    },
    add(connection) {
      byClient.set(connection.client, connection)
      undecided.add(connection)
    },
    open(connection) {
      if (connection.ended) return
      const other = byDevice.get(connection.deviceId)
      if (other !== undefined && other.announced > connection.announced) {
        end(connection)
        return
      }
      if (other !== undefined) end(other)
      undecided.delete(connection)
      byDevice.set(connection.deviceId, connection)
      byId.set(connection.id, connection)
    },
    end,
  }
}
