import { parsed } from '../bus/bus.ts'
import { type NatsRoute, routeByNats } from '../bus/nats-route.ts'
import { listenForNotifications, maxTextBytes } from '../database/notifications.ts'
import type { Servers } from '../database/servers.ts'
import type { Deps } from '../deps.ts'
import type { NatsSettings } from '../nats-settings.ts'
import { createOtherInstances, type SendingInstance } from './other-instances.ts'
import { type CarriedTopic, carriedTopics } from './topics.ts'

/** Milliseconds for which events for other instances are gathered. */
const gatherInterval = 80
/** Milliseconds until a failed recovery is repeated. */
const retryInterval = 1_000
/** Milliseconds after which ids that wait for a connection are as good as lost: the other instances read the rows, each time. */
const longWait = 10_000
/** Maximum number of ids in one notification. */
const maxIds = 250
/** Ids that wait for a connection. When there are more, they are lost, and the other instances read the rows again. */
const maxGathered = 10_000

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
  /** The leases were read: these other instances live. */
  seen(living: readonly SendingInstance[]): void
  /** The number of the last hint that was sent, or that would have been sent. Leases show it to the other instances. */
  hints(): number
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
 * `living` are the other instances that the leases have shown so far.
 */
export async function joinInstances(
  { clock, events, bus, lease, log, metrics }: Pick<Deps, 'clock' | 'events' | 'bus' | 'lease' | 'log' | 'metrics'>,
  {
    servers,
    living,
    nats,
    recoverMissed,
  }: {
    readonly servers: Servers
    readonly living: readonly SendingInstance[]
    readonly nats?: { readonly settings: NatsSettings; readonly prefix: string } | undefined
    readonly recoverMissed: (since: Date) => Promise<void>
  },
): Promise<Instances> {
  const closing = new AbortController()

  let published: Promise<void> = Promise.resolve()
  const publish = async (topic: CarriedTopic, ids: readonly string[]): Promise<void> => {
    events.receive(topic, ids)
    await clock.sleep(0) // yields to other work between two events
  }
  const received = (text: string, transport: TransportName): void => {
    const hint = parseHint(text)
    metrics?.count('twincast_bus_events_total', { transport, direction: 'received' })
    if (hint === undefined || hint.from === lease.instanceId) {
      log.debug({ transport }, 'message ignored: it is not of another instance')
      return
    }
    const { from, number, topic, ids } = hint
    if (topic === 'left') others.left(from, number)
    else others.received(from, number)
    if (topic === 'withoutNats') route?.forget(from)
    else if (isCarried(topic)) published = published.then(() => publish(topic, ids))
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
  const others = createOtherInstances(clock, living, missed)
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
    },
  )
  let hints = 0
  const announce = (announcement: Announcement): Promise<void> =>
    notifications.send([printHint({ from: lease.instanceId, number: ++hints, topic: announcement, ids: [] })])
  const subjects = new Set(carriedTopics.map(subjectOf))
  route =
    nats &&
    (await routeByNats(
      { clock, log, lease, others: others.ids, postgres: notifications.transport, ...nats },
      {
        received: (subject, text) => (subjects.has(subject) ? received(text, 'nats') : bus.receive(subject, text)),
        lost(since) {
          missed(since)
          void announce('withoutNats')
        },
      },
    ))
  for (const subject of subjects) route?.listen(subject)
  const byNats = route

  bus.connect(byNats?.transport ?? notifications.transport)
  const transports = [
    { transport: 'postgresql', isConnected: notifications.isConnected, peers: () => others.ids().size },
    ...(byNats === undefined ? [] : [{ transport: 'nats', isConnected: byNats.isConnected, peers: byNats.peers }]),
  ] as const
  metrics?.read('twincast_bus_connected', () =>
    transports.map(({ transport, isConnected }) => ({ labels: { transport }, value: isConnected() ? 1 : 0 })),
  )
  metrics?.read('twincast_bus_peers', () =>
    transports.map(({ transport, peers }) => ({ labels: { transport }, value: peers() })),
  )

  const gathered = new Map<CarriedTopic, Set<string>>()
  const waiting = (): number => [...gathered.values()].reduce((sum, ids) => sum + ids.size, 0)
  metrics?.read('twincast_queue_length', () => [{ labels: { queue: 'hints' }, value: waiting() }])
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
    let waitsSince = clock.elapsed()
    do {
      await clock.sleep(gatherInterval, closing.signal)
      const waits = !notifications.isConnected() && !byNats?.reachesAll() && !closing.signal.aborted
      if (waits && waiting() <= maxGathered) {
        if (clock.elapsed() - waitsSince < longWait) continue
        waitsSince = clock.elapsed()
        hints++ // never arrives, so the others read the rows
        continue
      }
      waitsSince = clock.elapsed()
      const printed = [...gathered].flatMap(([topic, ids]) =>
        printHints({ from: lease.instanceId, topic, ids: [...ids] }, () => ++hints).map((text) => ({
          subject: subjectOf(topic),
          text,
        })),
      )
      gathered.clear()
      const texts = printed
        .filter(({ subject, text }) => !byNats?.send(subject, text, () => void sendByPostgres([text])))
        .map(({ text }) => text)
      countSent('nats', printed.length - texts.length)
      if (texts.length > 0) await sendByPostgres(texts)
    } while (gathered.size > 0)
    sending = undefined
  }
  const isAnyLost = events.carryTo((topic, ids) => {
    if (others.ids().size === 0) {
      // Nothing is sent, but an instance that joins now sees that there was something.
      hints++
      return
    }
    const known = gathered.get(topic) ?? new Set<string>()
    gathered.set(topic, known)
    for (const id of ids) known.add(id)
    sending ??= sendGathered()
  })
  // Such as that this instance has cleaned up after a dead one. The others see by the number that something was not sent.
  if (isAnyLost) hints++
  let announcedId = lease.instanceId
  if (others.ids().size > 0) await announce('joined')
  return {
    enter: (work) => notifications.enter(work),
    isConnected: notifications.isConnected,
    isOnNats: () => byNats?.isConnected(),
    reconnect: notifications.reconnect,
    seen(all) {
      others.seen(all)
      if (lease.instanceId === announcedId) return
      announcedId = lease.instanceId
      void announce('joined')
    },
    hints: () => hints,
    async close() {
      closing.abort()
      await sending
      await byNats?.close()
      if (others.ids().size > 0) await announce('left')
      await notifications.close()
      await Promise.all([published, looking])
    },
  }
}

/**
 * What instances say of themselves. `joined` is sent at once, because an instance that knows of no other sends nothing;
 * leases would show it up to a third of their length later. After `left`, nothing is missing that was not sent.
 */
const announcements = ['joined', 'withoutNats', 'left'] as const
type Announcement = (typeof announcements)[number]

/** The content of a notification: these rows may have changed. `number` counts what its sender has sent. */
export type Hint = {
  readonly from: string
  readonly number: number
  /** Undefined when it is one that only another release knows. */
  readonly topic: CarriedTopic | Announcement | undefined
  readonly ids: readonly string[]
}

const isCarried = (topic: Hint['topic']): topic is CarriedTopic => carriedTopics.some((known) => known === topic)

const printHint = ({ from, number, topic, ids }: Hint): string => JSON.stringify([from, number, topic, ...ids])

/** Prints a hint as texts that each fit into a notification: `["c0…",7,"twin","device-1","device-2"]`. */
export function printHints(
  { from, topic, ids }: { readonly from: string; readonly topic: CarriedTopic; readonly ids: readonly string[] },
  nextNumber: () => number,
): string[] {
  const texts: string[] = []
  let text = ''
  let bytes = 0
  let count = 0
  const begin = (): void => {
    text = printHint({ from, number: nextNumber(), topic, ids: [] }).slice(0, -1)
    bytes = text.length
    count = 0
  }
  begin()
  for (const id of ids) {
    const more = `,${JSON.stringify(id)}`
    const moreBytes = Buffer.byteLength(more)
    if (count === maxIds || bytes + moreBytes >= maxTextBytes) {
      texts.push(`${text}]`)
      begin()
    }
    text += more
    bytes += moreBytes
    count++
  }
  return [...texts, `${text}]`]
}

/** Undefined for a text that is not a hint: every user of the database or of NATS can send one. */
export function parseHint(text: string): Hint | undefined {
  const value = parsed(text)
  if (!Array.isArray(value)) return undefined
  const [from, number, name, ...rest]: unknown[] = value
  const ids = rest.filter((id) => typeof id === 'string')
  if (typeof from !== 'string' || !isInstanceId.test(from) || typeof name !== 'string') return undefined
  if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) return undefined
  if (ids.length !== rest.length || ids.length > maxIds) return undefined
  const topic = [...carriedTopics, ...announcements].find((known) => known === name)
  return { from, number, topic, ids }
}

const isInstanceId = /^[0-9a-f-]{36}$/
