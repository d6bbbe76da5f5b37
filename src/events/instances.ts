import { type NatsRoute, routeByNats } from '../bus/nats-route.ts'
import { listenForNotifications, maxTextBytes } from '../database/notifications.ts'
import type { Servers } from '../database/servers.ts'
import type { Deps } from '../deps.ts'
import type { NatsSettings } from '../nats-settings.ts'
import { type CarriedTopic, carriedTopics } from './topics.ts'

/** Milliseconds for which events for other instances are gathered. */
const gatherInterval = 80
/** Milliseconds until a failed recovery is repeated. */
const retryInterval = 1_000
/** Maximum number of ids in one notification. */
const maxIds = 250

/** Carries events between this instance and the others on its database. */
export type Instances = {
  /**
   * Runs the work that decides whether this instance may join. One instance at a time runs it; `alone` is true when no
   * other instance is alive.
   */
  enter<T>(work: (alone: boolean) => Promise<T>): Promise<T>
  /** Whether events of other instances are received. */
  isConnected(): boolean
  /** Whether there is a connection to NATS; undefined when it is not used. */
  isOnNats(): boolean | undefined
  /** The connection to the other instances is dead, or may be: it is replaced. */
  reconnect(): void
  /** Sends the gathered events, then leaves. */
  close(): Promise<void>
}

type TransportName = 'postgresql' | 'nats'

/** Hints of a topic are messages with a subject of their own. */
const subjectOf = (topic: CarriedTopic): string => `hint.${topic}`

/**
 * Joins the instances on a database. Events that concern all instances are gathered and sent as ids, never as
 * documents; received events are published here. `recoverMissed` is called, once at a time, when events of other instances
 * may have been lost since the given time. With `nats`, NATS carries events and messages while it reaches all instances.
 */
export async function joinInstances(
  { clock, events, bus, log, metrics }: Pick<Deps, 'clock' | 'events' | 'bus' | 'log' | 'metrics'>,
  {
    servers,
    nats,
    recoverMissed,
  }: {
    readonly servers: Servers
    readonly nats?: { readonly settings: NatsSettings; readonly prefix: string } | undefined
    readonly recoverMissed: (since: Date) => Promise<void>
  },
): Promise<Instances> {
  const closing = new AbortController()

  let published: Promise<void> = Promise.resolve()
  const publish = async ({ topic, ids }: Hint): Promise<void> => {
    events.receive(topic, ids)
    await clock.sleep(0) // yields to other work between two events
  }
  const received = (text: string, transport: TransportName): void => {
    const hint = parseHint(text)
    metrics?.count('twincast_bus_events_total', { transport, direction: 'received' })
    if (hint === undefined) log.debug({ transport }, 'message ignored: it is not of another instance')
    else published = published.then(() => publish(hint))
  }

  let missedSince: Date | undefined
  let looking: Promise<void> | undefined
  const look = async (): Promise<void> => {
    while (missedSince !== undefined && !closing.signal.aborted) {
      const since = missedSince
      missedSince = undefined
      try {
        await recoverMissed(since)
      } catch (error) {
        log.warn({ err: error }, 'changes by other instances could not be read; retrying')
        missed(since)
        await clock.sleep(retryInterval, closing.signal)
      }
    }
    looking = undefined
  }
  const missed = (since: Date): void => {
    if (missedSince === undefined || since < missedSince) missedSince = since
    looking ??= look()
  }
  let route: NatsRoute | undefined
  const notifications = await listenForNotifications(
    {
      servers,
      clock,
      subjects: bus.subjects(),
      onError: (error) => log.warn({ err: error }, 'notifications from other instances unavailable; retrying'),
    },
    {
      received: (text) => received(text, 'postgresql'),
      missed,
      message: bus.receive,
      joined: () => route?.joined(),
      met: (pid) => route?.forget(pid),
    },
  )
  const subjects = new Set(carriedTopics.map(subjectOf))
  route =
    nats &&
    (await routeByNats({ clock, log, notifications, ...nats }, (subject, text) =>
      subjects.has(subject) ? received(text, 'nats') : bus.receive(subject, text),
    ))
  for (const subject of subjects) route?.listen(subject)
  const byNats = route

  bus.connect(byNats?.transport ?? notifications.transport)
  const transports = [
    { transport: 'postgresql', isConnected: notifications.isConnected, peers: () => notifications.others().size },
    ...(byNats === undefined ? [] : [{ transport: 'nats', isConnected: byNats.isConnected, peers: byNats.peers }]),
  ] as const
  metrics?.read('twincast_bus_connected', () =>
    transports.map(({ transport, isConnected }) => ({ labels: { transport }, value: isConnected() ? 1 : 0 })),
  )
  metrics?.read('twincast_bus_peers', () =>
    transports.map(({ transport, peers }) => ({ labels: { transport }, value: peers() })),
  )

  const gathered = new Map<CarriedTopic, Set<string>>()
  metrics?.read('twincast_queue_length', () => {
    const hints = [...gathered.values()].reduce((sum, ids) => sum + ids.size, 0)
    return [{ labels: { queue: 'hints' }, value: hints }]
  })
  for (const { transport } of transports) {
    for (const direction of ['sent', 'received']) {
      metrics?.count('twincast_bus_events_total', { transport, direction }, 0)
    }
  }
  const countSent = (transport: TransportName, count: number): void =>
    metrics?.count('twincast_bus_events_total', { transport, direction: 'sent' }, count)
  const sendByPostgres = (texts: readonly string[]): Promise<void> => {
    countSent('postgresql', texts.length)
    return notifications.send(texts)
  }
  let sending: Promise<void> | undefined
  const sendGathered = async (): Promise<void> => {
    do {
      await clock.sleep(gatherInterval, closing.signal)
      const hints = [...gathered].flatMap(([topic, ids]) =>
        printHints(topic, [...ids]).map((text) => ({ subject: subjectOf(topic), text })),
      )
      gathered.clear()
      const texts = hints
        .filter(({ subject, text }) => !byNats?.send(subject, text, () => void sendByPostgres([text])))
        .map(({ text }) => text)
      countSent('nats', hints.length - texts.length)
      if (texts.length > 0) await sendByPostgres(texts)
    } while (gathered.size > 0)
    sending = undefined
  }
  events.carryTo((topic, ids) => {
    if (!notifications.hasListeners()) return
    const known = gathered.get(topic) ?? new Set<string>()
    gathered.set(topic, known)
    for (const id of ids) known.add(id)
    sending ??= sendGathered()
  })
  return {
    enter: (work) => notifications.enter(work),
    isConnected: notifications.isConnected,
    isOnNats: () => byNats?.isConnected(),
    reconnect: notifications.reconnect,
    async close() {
      closing.abort()
      await sending
      await byNats?.close()
      await notifications.close()
      await Promise.all([published, looking])
    },
  }
}

/** The content of a notification: these rows may have changed. */
export type Hint = { readonly topic: CarriedTopic; readonly ids: readonly string[] }

/** Prints a hint as texts that each fit into a notification: `["twin","device-1","device-2"]`. */
export function printHints(topic: CarriedTopic, ids: readonly string[]): string[] {
  const texts: string[] = []
  const begin = JSON.stringify([topic]).slice(0, -1)
  let text = begin
  let bytes = begin.length
  let count = 0
  for (const id of ids) {
    const more = `,${JSON.stringify(id)}`
    const moreBytes = Buffer.byteLength(more)
    if (count === maxIds || bytes + moreBytes >= maxTextBytes) {
      texts.push(`${text}]`)
      text = begin
      bytes = begin.length
      count = 0
    }
    text += more
    bytes += moreBytes
    count++
  }
  return [...texts, `${text}]`]
}

/** Undefined for a text that is not a hint: every user of the database or of NATS can send one. */
export function parseHint(text: string): Hint | undefined {
  try {
    const value: unknown = JSON.parse(text)
    if (!Array.isArray(value)) return undefined
    const [name, ...ids]: unknown[] = value
    const topic = carriedTopics.find((known) => known === name)
    const texts = ids.filter((id) => typeof id === 'string')
    return topic === undefined || texts.length !== ids.length || ids.length > maxIds ? undefined : { topic, ids: texts }
  } catch {
    return undefined
  }
}
