import { createBatch } from '../batch.ts'
import type { Deps } from '../deps.ts'
import { recordActivity } from '../device/commands.ts'
import type { TelemetryMessage } from '../events/topics.ts'
import type { Connection } from './connection.ts'
import { readPropertyBag } from './property-bag.ts'
import { parsePublish } from './topics.ts'

/** A telemetry message as it came. */
export type TelemetryPublication = {
  readonly propertyBag: string
  readonly payload: Uint8Array
  readonly retain: boolean
}

/** What becomes of telemetry: it is counted, shows that the device is active, and is told to those who listen now. */
export type Telemetry = {
  readonly count: number
  take(connection: Connection, publication: TelemetryPublication): void
  /** The connection broke without a goodbye, and its device wanted that said. */
  takeWill(connection: Connection): void
  close(): Promise<void>
}

/** Milliseconds in which one sign of life of a device is enough. The end of its connection is another. */
const activityInterval = 5_000
/** Bytes that a property takes besides its text. */
const propertySize = 100
/** So many properties, of a message that is heard, count as one more packet: there is room for 30,000 in a topic. */
const propertiesPerPacket = 20
/** Devices in one write, and the milliseconds in which they gather. */
const batchSize = 1_000
const batchWait = 1_000

export function createTelemetry(deps: Pick<Deps, 'db' | 'clock' | 'log' | 'events'>): Telemetry {
  let count = 0
  const activities = createBatch<{ readonly deviceId: string; readonly time: Date }>({
    clock: deps.clock,
    size: batchSize,
    wait: batchWait,
    flush: (items) => recordActivity(deps, new Map(items.map(({ deviceId, time }) => [deviceId, time]))),
    onError: (error) => deps.log.warn({ err: error }, 'activity of devices could not be written'),
  })

  /** What came in this turn of the event loop and is heard, by device. */
  const heard = new Map<string, TelemetryMessage[]>()
  const tell = (): void => {
    for (const [deviceId, messages] of heard) deps.events.publish('telemetry', deviceId, messages)
    heard.clear()
  }

  /** Answers how many properties were read for those who listen. */
  const take = (
    deviceId: string,
    { propertyBag, payload, retain }: TelemetryPublication,
    extra: Readonly<Record<string, string>>,
  ): number => {
    count++
    if (!deps.events.isHeard('telemetry', deviceId)) return 0
    if (heard.size === 0) setImmediate(tell)
    const messages = heard.get(deviceId) ?? []
    heard.set(deviceId, messages)
    // Not kept for those who come later, but they can see that it was asked for; so IoT Hub has it.
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
      if (time.getTime() - connection.activeTime >= activityInterval) {
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
