import { Socket } from 'node:net'
import type { Client } from 'aedes'
import type { DeviceCertificate } from '../device/certificate.ts'
import type { Intake } from './intake.ts'
import { encodePublish } from './publish-packet.ts'

/** Milliseconds that a device may leave its socket full. */
export const drainTime = 15_000

/** What a device wants said in its name when its connection breaks: telemetry of its own. */
export type Will = { readonly topic: string; readonly payload: Buffer; readonly retain: boolean }

/** One device's connection, from the moment its password is looked at. Has a lifetime, so its fields change. */
export type Connection = {
  /** Names this connection among all of the device's, before and after. */
  readonly id: string
  readonly deviceId: string
  readonly client: Client
  readonly intake: Intake
  /** The token it came with, to be looked at again when the device's identity changes. Empty: it has a certificate. */
  readonly password: string
  readonly certificate: DeviceCertificate | undefined
  /** The model that it announced; empty is none. */
  readonly modelId: string
  /** When the token or the certificate ends, in seconds since 1970 UTC. */
  expiry: number
  /** Which identity of its device it was let in for. */
  identity: string
  /** Its device's identity changed while the password was being looked at. */
  outdated: boolean
  /** Nothing may be done for it any more. */
  ended: boolean
  /** The how-manieth it was of which presence was told, here and until the end of it; 0 is not yet. */
  announced: number
  /** Packets for it that the broker holds until its socket has room. */
  held: number
  /** The filters it was granted, with their QoS. */
  readonly subscriptions: Map<string, number>
  /** Undefined once the device has taken its leave. */
  will: Will | undefined
  /** When its activity was last noted, in milliseconds since 1970 UTC. */
  activeTime: number
  /** Takes it out of the reach of method calls; undefined while it is not within. */
  detachMethods: (() => void) | undefined
  /** Has subscribed to changes of its desired properties. */
  wantsDesired: boolean
  /** The version of its desired properties when it was let in: it reads what there was by then. */
  firstDesired: number
  /** The newest version of its desired properties that was sent to it, in whatever way; 0 is none. */
  sentDesired: number
  /** The newest version of its desired properties that was heard of since it is here; 0 is none. */
  heardDesired: number
  /** Its desired properties are being read, to be sent whole. */
  catchingUp: boolean
  /** Twin requests that were taken and are not answered yet. */
  openRequests: number
  /** Reads on, when nothing is read because too many requests are open. */
  readOn: (() => void) | undefined
  /** Settles when the last twin request taken is answered. */
  lastRequest: Promise<void>
}

/** What is known of a connection when it is made. */
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
  heardDesired: 0,
  catchingUp: false,
  openRequests: 0,
  readOn: undefined,
  lastRequest: Promise.resolve(),
})

/**
 * Sends to this one device, at QoS 0 and past all routing: the topics carry no device id, so that a publication through
 * the broker would reach every device.
 */
export function send(connection: Connection, topic: string, payload: string): void {
  const { client } = connection
  if (connection.held === 0 && !client.conn.writableNeedDrain) {
    if (!connection.ended) client.conn.write(encodePublish(topic, payload))
    return
  }
  // The device is slow to read. The broker waits for it, not longer than its drain timeout, and keeps the order.
  connection.held++
  client.publish({ cmd: 'publish', topic, payload, qos: 0, dup: false, retain: false }, () => {
    connection.held--
  })
}

/** Where a connection comes from, as far as it can be seen here: a proxy has an address of its own. */
export const addressOf = ({ conn, req }: Client): string =>
  req?.socket.remoteAddress ?? (conn instanceof Socket ? conn.remoteAddress : undefined) ?? ''

/** The connections to this process. At most one a device is open: the newest. */
export type Connections = {
  /** Whose connection this is, once its password is being looked at and until it has ended. */
  of(client: Client): Connection | undefined
  /** The connection of this id, if it is open. */
  named(id: string): Connection | undefined
  /** The open connection of a device. */
  find(deviceId: string): Connection | undefined
  /** Those that are open. */
  all(): Iterable<Connection>
  /** Those whose password is being looked at. */
  undecided(): Iterable<Connection>
  readonly undecidedCount: number
  readonly size: number
  /** Keeps a connection whose password is about to be looked at. */
  add(connection: Connection): void
  /** Its device is who it says. An older connection of the device ends, or this one when it is the older. */
  open(connection: Connection): void
  /** The connection has ended, or is to end now. May be said again. */
  end(connection: Connection): void
}

/** Hears of each connection that ends, and whether it was open. */
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
