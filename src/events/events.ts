import { createPubSub } from 'graphql-yoga'
import type { Clock } from '../clock.ts'
import { countListeners, shareListeners } from './listeners.ts'
import { type CarriedTopic, commonWork, definitionKinds, type EventsOf, type Topics } from './topics.ts'

type PubSub = ReturnType<typeof createPubSub<Topics>>

/** Calls `listener` with each event until the returned function is called. */
export type Listen<Event> = (listener: (event: Event) => void) => () => void

/**
 * Typed publish and subscribe over an EventTarget, in memory. `instances.ts` carries some topics to other instances.
 */
export type Events = {
  readonly publish: PubSub['publish']
  /** Calls the listener while the event is published. All listeners get the same object. A listener must not throw. */
  listen<Topic extends keyof Topics>(
    topic: Topic,
    ...id: Topics[Topic] extends readonly [infer Id, unknown] ? [id: Id] : []
  ): Listen<EventsOf[Topic]>
  /** Whether there are listeners, for events that are expensive to create. */
  hasListeners(topic: 'telemetry' | 'job' | 'twin', id: string): boolean
  /**
   * Calls `watch` with the id of each device whose telemetry gets its first listener or loses its last, until the
   * returned function is called. `watch` must not throw.
   */
  watchListeners(topic: 'telemetry', watch: (id: string, isAny: boolean) => void): () => void
  /** Publishes `job` and `anyJob`: the first time at once, then at most once per `jobEventInterval`. */
  jobChanged(jobId: string): void
  /**
   * From now on, `carry` gets published events that concern other instances too. It must be quick and must not throw. Returns whether
   * there were such events before, which nobody carried.
   */
  carryTo(carry: Carry): boolean
  /** Publishes an event that another instance carried here. It is not carried further. Unknown ids are ignored. */
  readonly receive: Carry
  /** Publishes `missed`, and notifies every listener of a job, a twin or work that may have changed. */
  lookAgain(): void
}

type Carry = (topic: CarriedTopic, ids: readonly string[]) => void

/**
 * Milliseconds in which the changes of one job become one event: a job over 100,000 devices must not publish 100,000.
 */
export const jobEventInterval = 100

export function createEvents(clock: Clock): Events {
  const watchers = new Set<(name: string, isAny: boolean) => void>()
  const { eventTarget, listenerCounts } = countListeners((name, isAny) => {
    for (const watch of watchers) watch(name, isAny)
  })
  const pubSub = createPubSub<Topics>({ eventTarget })
  const listenShared = shareListeners(eventTarget)
  /** Jobs in their quiet interval; true when they have changed again since. */
  const quiet = new Map<string, boolean>()
  let hasMissedCarrier = false
  let carry: Carry = () => {
    hasMissedCarrier = true
  }

  const publishJob = (jobId: string): void => {
    pubSub.publish('job', jobId, { jobId })
    pubSub.publish('anyJob', { jobId })
  }
  const holdBack = async (jobId: string): Promise<void> => {
    do {
      quiet.set(jobId, false)
      publishJob(jobId)
      await clock.sleep(jobEventInterval)
    } while (quiet.get(jobId) === true)
    quiet.delete(jobId)
  }
  const notifyOfJob = (jobId: string): void => {
    if (quiet.has(jobId)) quiet.set(jobId, true)
    else void holdBack(jobId)
  }
  const notifyOfTwin = (deviceId: string): void => pubSub.publish('twin', deviceId, { deviceId })
  const hasListeners: Events['hasListeners'] = (topic, id) => listenerCounts.has(`${topic}:${id}`)

  /** What a publication carries to other instances. `jobChanged` carries its own ids, before events are held back. */
  const carriers: { readonly [Topic in keyof Topics]?: (...args: Topics[Topic]) => void } = {
    work: (kind) => {
      if (commonWork.includes(kind)) carry('work', [kind])
    },
    twin: (deviceId) => {
      // For the few that listen to all twins: events without listeners cost time, too.
      if (listenerCounts.has('anyTwin')) pubSub.publish('anyTwin', { deviceId })
      carry('twin', [deviceId])
    },
    identity: ({ deviceId }) => carry('identity', [deviceId]),
    policies: () => carry('policies', []),
    presence: ({ deviceIds }) => carry('presence', deviceIds),
    replaced: ({ connectionIds }) => carry('replaced', connectionIds),
    waiting: ({ deviceIds }) => carry('waiting', deviceIds),
    budgetGroups: ({ groups }) => carry('budgetGroups', groups),
    definition: (kind, { id }) => carry('definition', [`${kind}:${id}`]),
  }
  const receivers: { readonly [Topic in CarriedTopic]: (ids: readonly string[]) => void } = {
    job: (jobIds) => {
      for (const jobId of jobIds) notifyOfJob(jobId)
    },
    work: (kinds) => {
      for (const kind of commonWork) if (kinds.includes(kind)) pubSub.publish('work', kind, {})
    },
    twin: (deviceIds) => {
      for (const deviceId of deviceIds) if (hasListeners('twin', deviceId)) notifyOfTwin(deviceId)
      pubSub.publish('twinsElsewhere', { deviceIds })
    },
    identity: (deviceIds) => {
      for (const deviceId of deviceIds) pubSub.publish('identity', { deviceId })
    },
    policies: () => pubSub.publish('policies', {}),
    presence: (deviceIds) => pubSub.publish('presence', { deviceIds }),
    replaced: (connectionIds) => pubSub.publish('replaced', { connectionIds }),
    waiting: (deviceIds) => pubSub.publish('waiting', { deviceIds }),
    budgetGroups: (groups) => pubSub.publish('budgetGroups', { groups }),
    definition: (texts) => {
      for (const text of texts) {
        const kind = definitionKinds.find((known) => text.startsWith(`${known}:`))
        if (kind !== undefined) pubSub.publish('definition', kind, { id: text.slice(kind.length + 1) })
      }
    },
  }
  return {
    publish(topic, ...args) {
      pubSub.publish(topic, ...args)
      carriers[topic]?.(...args)
    },
    listen:
      (topic, ...id) =>
      (listener) =>
        listenShared([topic, ...id].join(':'), ({ detail }) => listener(detail)),
    hasListeners,
    watchListeners(topic, watch) {
      const begin = `${topic}:`
      const watcher = (name: string, isAny: boolean): void => {
        if (name.startsWith(begin)) watch(name.slice(begin.length), isAny)
      }
      watchers.add(watcher)
      return () => watchers.delete(watcher)
    },
    jobChanged(jobId) {
      notifyOfJob(jobId)
      carry('job', [jobId])
    },
    carryTo(next) {
      carry = next
      return hasMissedCarrier
    },
    receive: (topic, ids) => receivers[topic](ids),
    lookAgain() {
      for (const name of [...listenerCounts.keys()]) {
        const id = name.slice(name.indexOf(':') + 1)
        if (name.startsWith('job:')) pubSub.publish('job', id, { jobId: id })
        else if (name.startsWith('twin:')) notifyOfTwin(id)
      }
      receivers.work(commonWork)
      pubSub.publish('missed', {})
    },
  }
}
