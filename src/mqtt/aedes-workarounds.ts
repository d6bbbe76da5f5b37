import { EventEmitter } from 'node:events'
import type { Client } from 'aedes'
import { connackPacket } from './admission.ts'
import type { Intake } from './read-flow-control.ts'
import { isWellFormed } from './topics.ts'

/** Maximum number of filters in one packet. Four exist; a packet full of others would delay all other devices. */
const maxFilters = 100
/** The cost of a filter in packets: each is written to the database. */
const filterCost = 20

type Subscription = { topic: string; qos: number }

/** The text of a SUBSCRIBE packet where the broker reads a placeholder. */
const written = new WeakMap<object, string>()

/** The filter as the device wrote it. */
export const filterOf = (subscription: Readonly<Subscription>): string =>
  written.get(subscription) ?? subscription.topic

/**
 * Checks filters, changes SUBSCRIBE packets before the broker reads them, and reports the device's DISCONNECT. The
 * broker grants a QoS before it calls its hook, so QoS 2, which IoT Hub grants as 1, has to be changed here. It also
 * answers a filter that occurs twice in a packet only once, although every filter needs a return code [MQTT-3.8.4-5]:
 * all but the last occurrence, which is the one that counts, get names of their own.
 */
export function correctPackets(client: Client, intake: Intake, disconnecting: () => void): void {
  if (!('_parser' in client && client._parser instanceof EventEmitter)) {
    throw new Error('The broker keeps its parser elsewhere: this version of aedes does not fit.')
  }
  /** Otherwise the broker, which gets the packet next, must find nothing to do. */
  const mayPass = (filters: readonly string[]): boolean => {
    intake.charge(filters.length * filterCost)
    const fine = filters.length <= maxFilters && filters.every(isWellFormed)
    if (!fine) client.conn.destroy()
    return fine
  }
  client._parser.prependListener('packet', (packet) => {
    if (packet.cmd === 'subscribe') {
      const filters: readonly Subscription[] = packet.subscriptions
      if (!mayPass(filters.map(({ topic }) => topic))) packet.subscriptions = []
      correctSubscriptions(packet.subscriptions)
    } else if (packet.cmd === 'unsubscribe') {
      if (!mayPass(packet.unsubscriptions)) packet.unsubscriptions = []
    } else if (packet.cmd === 'disconnect') disconnecting()
  })
}

function correctSubscriptions(subscriptions: readonly Subscription[]): void {
  const last = new Map(subscriptions.map((subscription) => [subscription.topic, subscription]))
  for (const [index, subscription] of subscriptions.entries()) {
    subscription.qos = Math.min(subscription.qos, 1)
    if (last.get(subscription.topic) === subscription) continue
    written.set(subscription, subscription.topic)
    // A name that no device can send: no filter contains U+0000 [MQTT-1.5.3-2].
    subscription.topic = `\0${index}`
  }
}

/**
 * For protocol levels that the parser does not know, the broker only gets an error, but they need an answer
 * [MQTT-3.1.2-2].
 */
export function answerUnknownLevels(client: Client): void {
  client.prependListener('error', (error) => {
    if (error.message === 'Invalid protocol version') client.conn.write(connackPacket(1))
  })
}
