import { EventEmitter } from 'node:events'
import type { Client } from 'aedes'
import { connackPacket } from './admission.ts'
import type { Intake } from './intake.ts'
import { isWellFormed } from './topics.ts'

/** Filters in one packet. There are four to ask for; a packet full of others would hold up everybody else. */
const maxFilters = 100
/** What a filter costs, in packets: each is written to the database. */
const filterCost = 20

type Subscription = { topic: string; qos: number }

/** What stood in a SUBSCRIBE packet where the broker reads a stand-in. */
const written = new WeakMap<object, string>()

/** The filter as the device wrote it. */
export const filterOf = (subscription: Readonly<Subscription>): string =>
  written.get(subscription) ?? subscription.topic

/**
 * Looks at filters, changes SUBSCRIBE packets before the broker sees them, and tells of the device's goodbye. The broker grants what it
 * reads before it asks its hook, so that QoS 2, which IoT Hub grants as 1, has to be changed here. And it answers a
 * filter that stands twice in a packet only once, where every filter is owed a code [MQTT-3.8.4-5]: all but the last of
 * its kind, which is the one that counts, get names of their own.
 */
export function correctPackets(client: Client, intake: Intake, disconnecting: () => void): void {
  if (!('_parser' in client && client._parser instanceof EventEmitter)) {
    throw new Error('The broker keeps its parser elsewhere: this version of aedes does not fit.')
  }
  /** Where not, the broker, which has the packet next, shall find nothing to do. */
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
    // A name that no device can send: U+0000 stands in no filter [MQTT-1.5.3-2].
    subscription.topic = `\0${index}`
  }
}

/** Of protocol levels that the parser does not know the broker only hears as an error, but they are owed an answer [MQTT-3.1.2-2]. */
export function answerUnknownLevels(client: Client): void {
  client.prependListener('error', (error) => {
    if (error.message === 'Invalid protocol version') client.conn.write(connackPacket(1))
  })
}
