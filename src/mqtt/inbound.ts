import { randomUUID } from 'node:crypto'
import { setMaxListeners } from 'node:events'
import type { AedesOptions, Client } from 'aedes'
import { temporaryMessage } from '../database/outage.ts'
import type { Deps } from '../deps.ts'
import { faultMessage, InvalidInputError, LimitExceededError, NotFoundError, NotShownError } from '../errors.ts'
import { overBudget } from '../json/json-budget.ts'
import type { Limits } from '../limits/limits.ts'
import { createRefusalLog } from '../log/refused-clients.ts'
import { type MethodAnswer, readResponse } from '../method/answer.ts'
import { readProperties, reportProperties } from '../twin/commands.ts'
import { deviceView } from '../twin/document.ts'
import { utf8Text } from '../utf8.ts'
import { filterOf } from './aedes-workarounds.ts'
import { addressOf, type Connection, type Connections, drainTime, send } from './connection.ts'
import type { Telemetry } from './telemetry.ts'
import { parsePublish, parseSubscription, twinResponseTopic } from './topics.ts'

/**
 * Maximum number of open twin requests per connection; at that number, reading pauses. Requests that arrived together
 * with the last one wait too: some SDKs write forty patches at once and do not repeat refused ones.
 */
export const maxOpenRequests = 16
/** The cost of a twin request in packets: it is a statement or a transaction. */
const requestCost = 20
/** This many bytes of a twin or a patch cost as much as a packet: they are parsed, validated, merged and printed. */
const bytesOfAPacket = 128
const packetsFor = (bytes: number): number => Math.floor(bytes / bytesOfAPacket)

/** Number of publications of each kind since the start. */
export type InboundCounters = {
  methodResponses: number
  twinRequests: number
  /** Publications that closed their connection. */
  forbidden: number
}

type Hooks = Required<Pick<AedesOptions, 'authorizePublish' | 'authorizeSubscribe'>>

type InboundOptions = {
  readonly connections: Connections
  readonly onMethodResponse: (answer: MethodAnswer) => void
  readonly telemetry: Telemetry
  readonly takeTurn: <T>(work: () => Promise<T>) => Promise<T>
}

/**
 * The broker's hooks for publications and subscriptions of devices. All publications are consumed here. The broker only
 * acknowledges those that the hook accepts (PUBACK for QoS 1): it has nowhere to route them.
 */
export function createInbound(
  deps: Deps,
  { connections, onMethodResponse, telemetry, takeTurn }: InboundOptions,
): Hooks & { readonly counters: Readonly<InboundCounters>; close(): void } {
  const logRefusal = createRefusalLog(deps)
  const closing = new AbortController()
  setMaxListeners(0, closing.signal) // one listener per waiting device
  const counters: InboundCounters = {
    methodResponses: 0,
    twinRequests: 0,
    forbidden: 0,
  }

  /** The device must read its answers before the hub does more for it. */
  const untilRead = async (connection: Connection): Promise<void> => {
    const { conn } = connection.client
    if (!conn.writableNeedDrain || connection.ended) return
    const drained = new AbortController()
    conn.once('drain', () => drained.abort())
    await deps.clock.sleep(drainTime, drained.signal)
    if (!drained.signal.aborted) connections.end(connection)
  }

  /**
   * Answers the requests of a connection one after the other, so that a read returns what the device reported before
   * it. `answer` never rejects.
   */
  const enqueue = (connection: Connection, bytes: number, answer: () => Promise<void>): void => {
    counters.twinRequests++
    connection.intake.charge(requestCost - 1 + packetsFor(bytes))
    connection.openRequests++
    if (connection.openRequests === maxOpenRequests) connection.readOn = connection.intake.hold()
    connection.lastRequest = connection.lastRequest.then(async () => {
      // A device that disconnected may be back and have reported something newer, which this must not overwrite.
      if (!connection.ended) await takeTurn(answer)
      await untilRead(connection)
      connection.openRequests--
      if (connection.openRequests < maxOpenRequests) {
        // Reading continues at once, may fill the room again and pause again.
        const { readOn } = connection
        connection.readOn = undefined
        readOn?.()
      }
    })
  }

  const refuse = (connection: Connection, rid: string, refusal: Refusal): void => {
    const trackingId = randomUUID()
    const { status, errorCode, message = faultMessage(trackingId) } = refusal
    const details = { err: refusal.cause, deviceId: connection.deviceId, trackingId }
    if (status === 500) deps.log.error(details, 'twin request failed')
    if (status === 503) deps.log.warn(details, 'twin request failed: database unavailable')
    const timestampUtc = deps.clock.now().toISOString()
    send(connection, twinResponseTopic(status, rid), JSON.stringify({ errorCode, trackingId, message, timestampUtc }))
  }

  const answerGet = async (connection: Connection, rid: string): Promise<void> => {
    try {
      deps.throttles.take('twinReads')
      let twin = await readProperties(deps, connection.deviceId)
      // Versions that were sent during this read must not be followed by an older one.
      while (twin.desiredVersion < connection.sentDesired && !connection.ended) {
        twin = await readProperties(deps, connection.deviceId)
      }
      connection.sentDesired = twin.desiredVersion
      const text = deviceView(twin)
      connection.intake.charge(packetsFor(text.length))
      send(connection, twinResponseTopic(200, rid), text)
    } catch (error) {
      refuse(connection, rid, refusalOf(error))
    }
  }

  const answerPatch = async (connection: Connection, rid: string, payload: Buffer): Promise<void> => {
    try {
      deps.throttles.take('twinUpdates')
      const { deviceId, id } = connection
      const version = await reportProperties(deps, deviceId, parsePatch(payload, deps.limits), id)
      // This instance stood still or was cut off, and has not been notified of the newer connection yet.
      if (version === undefined) return connections.end(connection)
      // Empty: the Azure SDK takes a body for an error.
      send(connection, twinResponseTopic(204, rid, version), '')
    } catch (error) {
      refuse(connection, rid, refusalOf(error))
    }
  }

  const forbid = (client: Client, done: (error: Error) => void, reason: string): void => {
    counters.forbidden++
    logRefusal({ protocol: 'MQTT', cause: 'forbidden', reason, address: addressOf(client), deviceId: client.id })
    done(new Error(reason))
  }

  return {
    counters,
    authorizePublish(client, packet, done) {
      const connection = client === null ? undefined : connections.of(client)
      // The connection is closing.
      if (client === null || connection === undefined) return done(new Error('no connection'))
      if (packet.qos === 2) return forbid(client, done, 'the device published at QoS 2, which is not supported')
      const topic = parsePublish(packet.topic)
      if (topic === undefined)
        return forbid(client, done, 'the device published to a topic that is not allowed for devices')
      const payload = typeof packet.payload === 'string' ? Buffer.from(packet.payload) : packet.payload
      switch (topic.kind) {
        case 'methodResponse':
          counters.methodResponses++
          onMethodResponse({
            deviceId: connection.deviceId,
            requestId: topic.rid,
            response: readResponse(topic.status, payload, deps.limits.jsonDepth),
          })
          return done()
        case 'twinGet':
        case 'reportedPatch': {
          const { kind, rid } = topic
          enqueue(connection, payload.length, () =>
            kind === 'twinGet' ? answerGet(connection, rid) : answerPatch(connection, rid, payload),
          )
          return done()
        }
        case 'telemetry': {
          if (topic.deviceId !== connection.deviceId)
            return forbid(client, done, 'the device published to a topic of another device')
          telemetry.take(connection, { propertyBag: topic.propertyBag, payload, retain: packet.retain })
          const waitMs = deps.throttles.delay('telemetry')
          if (waitMs === 0) return done()
          // Over the limit nothing is lost: apart from what arrived together with it, nothing more is read from this
          // device until its message is due.
          const readOn = connection.intake.hold()
          void deps.clock.sleep(waitMs, closing.signal).then(() => {
            readOn()
            done()
          })
          return
        }
      }
    },
    authorizeSubscribe(client, subscription, done) {
      const topic = filterOf(subscription)
      const connection = connections.of(client)
      // Without a subscription, the broker answers 0x80 for this filter and continues with the others.
      if (connection === undefined || !maySubscribe(connection, topic)) return done(null, null)
      connection.subscriptions.set(topic, subscription.qos)
      done(null, { ...subscription, topic })
    },
    close: () => closing.abort(),
  }
}

function maySubscribe({ deviceId }: Connection, filter: string): boolean {
  const subscription = parseSubscription(filter)
  return subscription?.kind === 'deviceBound' ? subscription.deviceId === deviceId : subscription !== undefined
}

type Refusal = {
  readonly status: 400 | 404 | 429 | 500 | 503
  /** IoT Hub's error code. */
  readonly errorCode: number
  /** Undefined for a fault of the hub. */
  readonly message?: string
  readonly cause?: unknown
}

function refusalOf(error: unknown): Refusal {
  if (error instanceof InvalidInputError) {
    return { status: 400, errorCode: 400004, message: `${error.path.join('.')}: ${error.message}` }
  }
  if (error instanceof NotShownError) return { status: 400, errorCode: 400004, message: error.message }
  if (error instanceof LimitExceededError) return { status: 429, errorCode: 429001, message: error.message }
  if (error instanceof NotFoundError) return { status: 404, errorCode: 404001, message: error.message }
  const temporary = temporaryMessage(error)
  if (temporary !== undefined) return { status: 503, errorCode: 503001, message: temporary, cause: error }
  return { status: 500, errorCode: 500001, cause: error }
}

/** A patch that is too large is refused before it is parsed: visiting its members would delay all other devices. */
function parsePatch(payload: Buffer, { twinBytes, twinMembers, jsonDepth }: Limits): unknown {
  const refuse = (fault: string): InvalidInputError => new InvalidInputError(['properties', 'reported'], fault)
  switch (overBudget(payload, { bytes: twinBytes, members: twinMembers, depth: jsonDepth })) {
    case 'bytes':
      throw refuse(`The patch has ${payload.length} bytes of JSON. At most ${twinBytes} are allowed.`)
    case 'members':
      throw refuse(`The patch has more than ${twinMembers} members. Send it in parts.`)
    case 'depth':
      throw refuse(`The patch is nested more than ${jsonDepth} levels deep.`)
  }
  const text = utf8Text(payload)
  if (text === undefined) throw refuse('The patch is not UTF-8.')
  try {
    return JSON.parse(text)
  } catch {
    throw refuse('A patch of reported properties must be a JSON object.')
  }
}
