import { createBatch } from '../batch.ts'
import type { Deps } from '../deps.ts'
import { recordActivity } from '../device/presence-commands.ts'
import type { TelemetryMessage } from '../events/topics.ts'
import type { Connection } from './connection.ts'
import { readPropertyBag } from './property-bag.ts'
import { parsePublish } from './topics.ts'

/** A telemetry message as received. */
export type TelemetryPublication = {
  readonly propertyBag: string
  readonly payload: Uint8Array
  readonly retain: boolean
}

/** Handles telemetry: it is counted, proves that the device is active, and is published to current subscribers. */
export type Telemetry = {
  readonly count: number
  take(connection: Connection, publication: TelemetryPublication): void
  /** The connection broke without DISCONNECT, and its device left a will. */
  takeWill(connection: Connection): void
  close(): Promise<void>
}

/** Devices per second whose activity is recorded: each is a row that PostgreSQL writes and cleans up. */
const activitiesPerSecond = 200
/**
 * Milliseconds in which one activity of a device is recorded when so many devices are connected here: at least five
 * seconds. The end of its connection is recorded separately.
 */
export const activityInterval = (devices: number): number => Math.max(5_000, (devices * 1_000) / activitiesPerSecond)
/** Bytes that a property takes in addition to its text. */
const propertySize = 100
/** This many properties of a message with subscribers cost one more packet: a topic has room for 30,000. */
const propertiesPerPacket = 20
/** Devices per write, and the milliseconds for which they are gathered. */
const batchSize = 1_000
const batchWait = 1_000

/** `devices`: how many are connected here. */
export function createTelemetry(
  deps: Pick<Deps, 'db' | 'clock' | 'log' | 'events' | 'taps'>,
  devices: () => number,
): Telemetry {
  let count = 0
  const activities = createBatch<{ readonly deviceId: string; readonly time: Date }>({
    clock: deps.clock,
    size: batchSize,
    wait: batchWait,
    flush: (items) => recordActivity(deps, new Map(items.map(({ deviceId, time }) => [deviceId, time]))),
    onError: (error) => deps.log.warn({ err: error }, 'device activity could not be written'),
  })

  /** Messages of this turn of the event loop that have subscribers, by device. */
  const waiting = new Map<string, TelemetryMessage[]>()
  const publish = (): void => {
    for (const [deviceId, messages] of waiting) {
      deps.events.publish('telemetry', deviceId, messages)
      if (deps.taps.isOpenElsewhere(deviceId)) deps.taps.pass(deviceId, messages)
    }
    waiting.clear()
  }

  /** Returns how many properties were read for the subscribers. */
  const take = (
    deviceId: string,
    { propertyBag, payload, retain }: TelemetryPublication,
    extra: Readonly<Record<string, string>>,
  ): number => {
    count++
    if (!deps.events.hasListeners('telemetry', deviceId) && !deps.taps.isOpenElsewhere(deviceId)) return 0
    if (waiting.size === 0) setImmediate(publish)
    const messages = waiting.get(deviceId) ?? []
    waiting.set(deviceId, messages)
    // Nothing is retained, but subscribers see that the device asked for it, as in IoT Hub.
    const properties = { ...readPropertyBag(propertyBag), ...(retain && { 'mqtt-retain': 'true' }), ...extra }
    const propertyCount = Object.keys(properties).length
    const size = payload.length + propertyBag.length + propertyCount * propertySize
    messages.push({ deviceId, enqueuedTime: deps.clock.now(), properties, payload, size })
    return propertyCount
  }

  return {
    get count() {
      return count
    },
    take(connection, publication) {
      const time = deps.clock.now()
      if (time.getTime() - connection.activeTime >= activityInterval(devices())) {
        connection.activeTime = time.getTime()
        activities.add({ deviceId: connection.deviceId, time })
      }
      const propertyCount = take(connection.deviceId, publication, {})
      connection.intake.charge(Math.floor(propertyCount / propertiesPerPacket))
    },
    takeWill({ deviceId, will }) {
      if (will === undefined) return
      const topic = parsePublish(will.topic)
      if (topic?.kind !== 'telemetry') return
      take(deviceId, { ...will, propertyBag: topic.propertyBag }, { 'iothub-MessageType': 'Will' })
    },
    close: activities.close,
  }
}
