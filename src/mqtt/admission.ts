import { randomUUID } from 'node:crypto'
import type { AedesOptions, Client, ConnectPacket } from 'aedes'
import type { Deps } from '../deps.ts'
import { authenticateDevice } from '../device/authentication-commands.ts'
import { checkDeviceId } from '../device/identity.ts'
import { DomainError } from '../errors.ts'
import { hostName } from '../host-name.ts'
import type { Arrivals } from '../limits/arrivals.ts'
import { createRefusalLog, type RefusalCause } from '../log/refused-clients.ts'
import { utf8Text } from '../utf8.ts'
import { clientCertificateOf } from './client-certificate.ts'
import { addressOf, type Connection, type Connections, newConnection, type Will } from './connection.ts'
import type { Rations } from './device-rate-limits.ts'
import type { Presence } from './presence.ts'
import { intakeOf } from './read-flow-control.ts'
import { isWellFormed, parsePublish, parseUserName } from './topics.ts'

/** Why a CONNECT is refused. 1: protocol, 2: client id, 3: unavailable, 5: not authorized [MQTT 3.1.1, 3.2.2.3]. */
export type ConnectRefusal = {
  readonly returnCode: 1 | 2 | 3 | 5
  readonly cause: RefusalCause
  readonly reason: string
}

/** IoT Hub closes a connection that was silent for 1.5 × its keep alive, and after 1,767 seconds at the latest. */
const longestKeepAliveSeconds = 1178

/** Maximum number of CONNECTs whose passwords may be waiting for the check. */
const mostUndecided = 5_000

/** The reason to refuse a CONNECT before its password is checked, or undefined. */
export function checkConnect(packet: ConnectPacket, hostNames: readonly string[]): ConnectRefusal | undefined {
  if (packet.protocolVersion !== 4 || packet.protocolId !== 'MQTT' || 'bridgeMode' in packet) {
    return { returnCode: 1, cause: 'protocol', reason: 'the client does not use MQTT 3.1.1' }
  }
  // [MQTT-3.1.3-8], [MQTT-3.1.3-9]: a device has a client id, with or without a session to keep.
  if (packet.clientId === '') return { returnCode: 2, cause: 'identity', reason: 'the client id is empty' }
  if (![packet.clientId, packet.username ?? ''].every(isWellFormed)) {
    return { returnCode: 5, cause: 'identity', reason: 'the client id or user name contains U+0000 or is not UTF-8' }
  }
  if (packet.password !== undefined && utf8Text(packet.password) === undefined) {
    return { returnCode: 5, cause: 'identity', reason: 'the password is not UTF-8' }
  }
  const userName = parseUserName(packet.username ?? '')
  if (userName === undefined)
    return { returnCode: 5, cause: 'identity', reason: 'the user name is not {hub}/{deviceId}/?api-version=…' }
  if (userName.deviceId !== packet.clientId || !isDeviceId(packet.clientId)) {
    return { returnCode: 5, cause: 'identity', reason: 'the client id differs from the device id in the user name' }
  }
  if (!hostNames.some((name) => hostName(name) === hostName(userName.hubName))) {
    return { returnCode: 5, cause: 'identity', reason: 'the user name names another hub' }
  }
  return packet.will === undefined || mayWill(packet.will, packet.clientId)
    ? undefined
    : { returnCode: 5, cause: 'identity', reason: 'the will message is not telemetry of this device' }
}

/** A will is a publication and follows the same rules; a will is only useful as telemetry. */
function mayWill({ topic, qos }: { readonly topic: string; readonly qos?: number }, deviceId: string): boolean {
  const parsed = parsePublish(topic)
  return parsed?.kind === 'telemetry' && parsed.deviceId === deviceId && qos !== 2
}

function isDeviceId(text: string): boolean {
  try {
    checkDeviceId(text, [])
    return true
  } catch (error) {
    if (error instanceof DomainError) return false
    throw error
  }
}

const crowded: ConnectRefusal = { returnCode: 3, cause: 'overload', reason: 'too many devices are connecting' }

/** What the client proves its identity with: a token, or a certificate, whose key TLS has verified. */
const credentialOf = ({ password, certificate }: Connection): string | undefined =>
  password === '' ? certificate?.thumbprints.at(-1) : password

/** CONNACK without a session [MQTT 3.1.1, 3.2]. */
export const connackPacket = (returnCode: number): Uint8Array => Uint8Array.of(0x20, 2, 0, returnCode)

type Hooks = Required<Pick<AedesOptions, 'preConnect' | 'authenticate'>>

/** The broker's hooks that admit connections. An admitted connection is kept in `connections`. */
export function createAdmission(
  deps: Pick<Deps, 'db' | 'clock' | 'log' | 'metrics' | 'lease' | 'throttles'>,
  options: {
    readonly hostNames: readonly string[]
    readonly arrivals: Pick<Arrivals, 'mayTry' | 'tried' | 'pause'>
    readonly connections: Connections
    readonly rations: Rations
    readonly presence: Presence
    readonly takeTurn: <T>(work: () => Promise<T>) => Promise<T>
    /** Called when the CONNECT of a client has arrived. */
    readonly introduced: (client: Client) => void
    /** Whether the hub is about to stop. */
    readonly isLeaving: () => boolean
  },
): Hooks {
  const { hostNames, arrivals, connections, rations, presence, takeTurn, introduced, isLeaving } = options
  const logRefusal = createRefusalLog(deps)
  /** Logs the reason, which CONNACK cannot carry. */
  const logReason = (client: Client, deviceId: string, { returnCode, cause, reason }: ConnectRefusal): void => {
    const address = addressOf(client)
    // Connections refused because too many come at a time are counted together.
    logRefusal({
      protocol: 'MQTT',
      cause,
      reason,
      address,
      ...(returnCode !== 3 && { deviceId: deviceId.slice(0, 128) }),
    })
  }

  /** The wills of CONNECTs, kept between the two hooks. They are removed from the packets that the broker gets. */
  const wills = new WeakMap<Client, Will>()

  /**
   * A device that connects repeatedly waits between two connections, because each is a read and two writes. Only one of
   * its connections waits: a newer one replaces it, as it would replace an admitted one. Applied to authenticated
   * devices only, so that no other client can make a device wait.
   */
  const untilDue = async (connection: Connection): Promise<void> => {
    const waitMs = rations.connect(connection.deviceId)
    if (waitMs === 0) return
    const ration = rations.of(connection.deviceId)
    ration.endWaiting?.()
    const end = (): void => connections.end(connection)
    ration.endWaiting = end
    const gone = new AbortController()
    connection.client.conn.once('close', () => gone.abort())
    if (!connection.ended) await deps.clock.sleep(waitMs, gone.signal)
    if (ration.endWaiting === end) ration.endWaiting = undefined
  }

  const decide = async (connection: Connection): Promise<ConnectRefusal | undefined> => {
    const { deviceId, password, certificate } = connection
    try {
      const credential = await takeTurn(async () =>
        // A connection that closed while it waited costs nothing more.
        connection.ended ? undefined : authenticateDevice(deps, { deviceId, password, certificate, hostNames }),
      )
      if (credential === undefined)
        return { returnCode: 3, cause: 'unavailable', reason: 'the client has disconnected' }
      arrivals.tried(addressOf(connection.client), credentialOf(connection), !('refusal' in credential))
      if ('refusal' in credential) return { returnCode: 5, cause: 'credential', reason: credential.refusal }
      // Only now, so that clients without a credential use up nothing of what the devices may.
      if (deps.throttles.ask('connections') > 0) return crowded
      await untilDue(connection)
      if (connection.ended) return { returnCode: 3, cause: 'unavailable', reason: 'the client has disconnected' }
      connection.expiry = credential.expiry
      connection.identity = credential.identity
      // Written before CONNACK. When the device learns that it is connected, its row already names this connection.
      connection.firstDesired = (await presence.begin(connection)).desiredVersion
      return undefined
    } catch (error) {
      deps.log.warn({ err: error, deviceId }, 'device could not be admitted')
      return { returnCode: 3, cause: 'unavailable', reason: 'the database could not be queried' }
    }
  }

  const notNow = (reason: string): ConnectRefusal => ({ returnCode: 3, cause: 'unavailable', reason })
  const whyNotNow = (): ConnectRefusal | undefined => {
    if (isLeaving()) return notNow('the hub is stopping')
    if (!deps.lease.holds()) return notNow('the database is unreachable, and other instances may have taken over')
    return connections.undecidedCount >= mostUndecided ? crowded : undefined
  }

  /** Waits before a client is refused whose address has sent too many bad credentials. */
  const waitToRefuse = async ({ client }: Connection): Promise<ConnectRefusal> => {
    const gone = new AbortController()
    client.conn.once('close', () => gone.abort())
    await arrivals.pause(gone.signal)
    const reason = 'too many connections from this address had a bad credential'
    return { returnCode: 3, cause: 'failures', reason }
  }

  return {
    preConnect(client, packet, done) {
      introduced(client)
      const refusal = checkConnect(packet, hostNames)
      if (refusal === undefined) {
        if (!packet.keepalive || packet.keepalive > longestKeepAliveSeconds) {
          packet.keepalive = longestKeepAliveSeconds
        }
        if (packet.will !== undefined) {
          const { topic, payload, retain } = packet.will
          wills.set(client, { topic, payload: Buffer.from(payload), retain: retain === true })
          delete packet.will
        }
        done(null, true)
        return
      }
      logReason(client, packet.clientId, refusal)
      client.conn.write(connackPacket(refusal.returnCode), () => done(new Error(refusal.reason), false))
    },
    async authenticate(client, userName, password, done) {
      // preConnect has checked that the client id is the device's, and that the password is text.
      const token = (password && utf8Text(password)) ?? ''
      const connection = newConnection({
        id: randomUUID(),
        deviceId: client.id,
        client,
        intake: intakeOf(client.conn),
        password: token,
        certificate: token === '' ? clientCertificateOf(client.conn) : undefined,
        modelId: parseUserName(userName ?? '')?.modelId ?? '',
        will: wills.get(client),
      })
      client.conn.once('close', () => connections.end(connection))
      const mayTry = arrivals.mayTry(addressOf(client), credentialOf(connection))
      const early = mayTry ? whyNotNow() : await waitToRefuse(connection)
      if (!connection.ended) connections.add(connection)
      const refusal = early ?? (await decide(connection))
      if (refusal === undefined) {
        done(null, true)
        return
      }
      if (!connection.ended) logReason(client, client.id, refusal)
      // The broker would destroy the connection before TLS has sent the answer, which would be lost.
      client.conn.write(connackPacket(refusal.returnCode), () => connections.end(connection))
    },
  }
}
