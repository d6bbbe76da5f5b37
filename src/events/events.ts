import { setMaxListeners } from 'node:events'
import { createPubSub } from 'graphql-yoga'
import type { Clock } from '../clock.ts'
import type { JsonObject } from '../json/json.ts'

/** What a loop of the scheduler may be woken for. `deviceJobs` is about devices of this instance only. */
export type Work = 'jobs' | 'started' | 'deviceJobs' | 'settled' | 'identities'

/** A patch of desired properties on its way to a device; `version` is the section's version after it. */
export type DesiredPatch = { readonly deviceId: string; readonly version: number; readonly patch: JsonObject }

/**
 * What a device sent, kept nowhere. `properties` are those of the message, `payload` is whatever bytes it holds, `size` is
 * about what all of that takes while it waits, in bytes.
 */
export type TelemetryMessage = {
  readonly deviceId: string
  readonly enqueuedTime: Date
  readonly properties: Readonly<Record<string, string>>
  readonly payload: Uint8Array
  readonly size: number
}

/**
 * What can be heard in the house. An event says "look again"; the row is the truth. Three have no row: those on their way
 * to a device or to a caller who holds the line, `desiredPatches` and `methodAnswer`, and `telemetry`.
 */
export type Topics = {
  /** The row of this job changed. */
  job: [jobId: string, event: { readonly jobId: string }]
  /** The row of some job changed, or a job appeared. */
  anyJob: [event: { readonly jobId: string }]
  /** There may be work for the loops that wait for this kind. */
  work: [kind: Work, event: Record<never, never>]
  /** The twin of this device changed. */
  twin: [deviceId: string, event: { readonly deviceId: string }]
  /** These devices should be told of new desired properties. */
  desiredPatches: [patches: readonly DesiredPatch[]]
  /** The twins of these devices changed through another instance, which could not tell the devices that are here. */
  twinsElsewhere: [event: { readonly deviceIds: readonly string[] }]
  /** The connection states of these devices were written. */
  presence: [event: { readonly deviceIds: readonly string[] }]
  /** These connections to whichever instance have been taken the place of by newer ones of their devices. */
  replaced: [event: { readonly connectionIds: readonly string[] }]
  /** These devices wait again for calls that were about to leave, wherever they are connected. */
  waiting: [event: { readonly deviceIds: readonly string[] }]
  /** Events of other instances may have been lost: whoever holds something because of them looks at all of it again. */
  missed: [event: Record<never, never>]
  /** The database was out of reach for a while, or had taken this instance for dead: what it knew of it may be gone. */
  returned: [event: Record<never, never>]
  /** The database cannot be reached while there are other instances, who may reach it. */
  stranded: [event: Record<never, never>]
  /** An instance is dead for good, and this one clears up after it. */
  died: [event: Record<never, never>]
  /** The device was disabled, deleted or given other keys: its connection may have to end. */
  identity: [event: { readonly deviceId: string }]
  /** The answer to an interactive method call, by request id, or what is wrong with it. `payload` is JSON text. */
  methodAnswer: [
    requestId: string,
    answer: { readonly deviceId: string } & (
      | { readonly status: number; readonly payload: string }
      | { readonly problem: string }
    ),
  ]
  /**
   * A device sent telemetry. Published only if somebody listens, and what comes at once as one event: a thousand events
   * in a row would be more than a listener can be told.
   */
  telemetry: [deviceId: string, messages: readonly TelemetryMessage[]]
}

type PubSub = ReturnType<typeof createPubSub<Topics>>

/** What listeners to each topic get. */
type EventsOf = {
  readonly [Topic in keyof Topics]: Topics[Topic] extends readonly [unknown, infer Event] ? Event : Topics[Topic][0]
}

/** Calls back with each event, until the function that it answers is called. */
export type Listen<Event> = (hear: (event: Event) => void) => () => void

/** What other instances hear of, as ids: of jobs, devices or connections, or kinds of work. */
export const carriedTopics = ['job', 'work', 'twin', 'identity', 'presence', 'replaced', 'waiting'] as const
export type CarriedTopic = (typeof carriedTopics)[number]

/** Typed publish and subscribe over an EventTarget, in memory; `instances.ts` carries some of it to other instances. */
export type Events = {
  readonly publish: PubSub['publish']
  /** An async iterable. It listens from its first `next` on: call that before whatever may publish. */
  readonly subscribe: PubSub['subscribe']
  /** The same without a queue: calls back while the event is published, all listeners with the same object. */
  listen<Topic extends keyof Topics>(
    topic: Topic,
    ...id: Topics[Topic] extends readonly [infer Id, unknown] ? [id: Id] : []
  ): Listen<EventsOf[Topic]>
  /** Whether anybody listens, for events that cost something to make. */
  isHeard(topic: 'telemetry' | 'job' | 'twin', id: string): boolean
  /** Publishes `job` and `anyJob`, at once the first time and then at most once each `JOB_EVENT_INTERVAL`. */
  jobChanged(jobId: string): void
  /** From now on `carry` gets what is published here and concerns other instances too. Must be quick and not throw. */
  carryTo(carry: Carry): void
  /** Publishes what another instance has carried here; it goes no further. Ids that mean nothing are ignored. */
  readonly receive: Carry
  /** Publishes `missed`, and to all who listen to a job, a twin or for work that it may have changed. */
  lookAgain(): void
}

type Carry = (topic: CarriedTopic, ids: readonly string[]) => void

/** Milliseconds in which changes of one job become one event: a job over 100,000 devices must not publish 100,000. */
export const JOB_EVENT_INTERVAL = 100

/** The work that instances have in common: the other kinds are about devices, or jobs, that one of them has in hand. */
const commonWork: readonly Work[] = ['jobs', 'started']

export function createEvents(clock: Clock): Events {
  const { eventTarget, heard } = countListeners()
  const pubSub = createPubSub<Topics>({ eventTarget })
  const hearTogether = shareListeners(eventTarget)
  /** Jobs in their quiet interval; true when they changed again meanwhile. */
  const quiet = new Map<string, boolean>()
  let carry: Carry = () => {}

  const publishJob = (jobId: string): void => {
    pubSub.publish('job', jobId, { jobId })
    pubSub.publish('anyJob', { jobId })
  }
  const holdBack = async (jobId: string): Promise<void> => {
    do {
      quiet.set(jobId, false)
      publishJob(jobId)
      await clock.sleep(JOB_EVENT_INTERVAL)
    } while (quiet.get(jobId) === true)
    quiet.delete(jobId)
  }
  const tellOfJob = (jobId: string): void => {
    if (quiet.has(jobId)) quiet.set(jobId, true)
    else void holdBack(jobId)
  }
  const tellOfTwin = (deviceId: string): void => pubSub.publish('twin', deviceId, { deviceId })
  const isHeard: Events['isHeard'] = (topic, id) => heard.has(`${topic}:${id}`)

  /** What a publication carries to other instances. `jobChanged` carries its own, before they are held back. */
  const carriers: { readonly [Topic in keyof Topics]?: (...args: Topics[Topic]) => void } = {
    work: (kind) => {
      if (commonWork.includes(kind)) carry('work', [kind])
    },
    twin: (deviceId) => carry('twin', [deviceId]),
    identity: ({ deviceId }) => carry('identity', [deviceId]),
    presence: ({ deviceIds }) => carry('presence', deviceIds),
    replaced: ({ connectionIds }) => carry('replaced', connectionIds),
    waiting: ({ deviceIds }) => carry('waiting', deviceIds),
  }
  const receivers: { readonly [Topic in CarriedTopic]: (ids: readonly string[]) => void } = {
    job: (jobIds) => {
      for (const jobId of jobIds) tellOfJob(jobId)
    },
    work: (kinds) => {
      for (const kind of commonWork) if (kinds.includes(kind)) pubSub.publish('work', kind, {})
    },
    twin: (deviceIds) => {
      for (const deviceId of deviceIds) if (isHeard('twin', deviceId)) tellOfTwin(deviceId)
      pubSub.publish('twinsElsewhere', { deviceIds })
    },
    identity: (deviceIds) => {
      for (const deviceId of deviceIds) pubSub.publish('identity', { deviceId })
    },
    presence: (deviceIds) => pubSub.publish('presence', { deviceIds }),
    replaced: (connectionIds) => pubSub.publish('replaced', { connectionIds }),
    waiting: (deviceIds) => pubSub.publish('waiting', { deviceIds }),
  }
  return {
    publish(topic, ...args) {
      pubSub.publish(topic, ...args)
      carriers[topic]?.(...args)
    },
    subscribe: pubSub.subscribe,
    listen:
      (topic, ...id) =>
      (hear) =>
        hearTogether([topic, ...id].join(':'), ({ detail }) => hear(detail)),
    isHeard,
    jobChanged(jobId) {
      tellOfJob(jobId)
      carry('job', [jobId])
    },
    carryTo(next) {
      carry = next
    },
    receive: (topic, ids) => receivers[topic](ids),
    lookAgain() {
      for (const name of [...heard.keys()]) {
        const id = name.slice(name.indexOf(':') + 1)
        if (name.startsWith('job:')) pubSub.publish('job', id, { jobId: id })
        else if (name.startsWith('twin:')) tellOfTwin(id)
      }
      receivers.work(commonWork)
      pubSub.publish('missed', {})
    },
  }
}

/** An event target that knows which names are listened to, and how often. */
function countListeners(): { readonly eventTarget: EventTarget; readonly heard: ReadonlyMap<string, number> } {
  const target = new EventTarget()
  setMaxListeners(0, target) // a listener a subscriber: a thousand are no leak
  const heard = new Map<string, number>()
  const eventTarget: EventTarget = {
    addEventListener(name, listener) {
      heard.set(name, (heard.get(name) ?? 0) + 1)
      target.addEventListener(name, listener)
    },
    removeEventListener(name, listener) {
      const others = (heard.get(name) ?? 0) - 1
      if (others > 0) heard.set(name, others)
      else heard.delete(name)
      target.removeEventListener(name, listener)
    },
    dispatchEvent: (event) => target.dispatchEvent(event),
  }
  return { eventTarget, heard }
}

/** One listener for all who want to hear the same: thousands on an event target cost more than what they do. */
function shareListeners(target: EventTarget): (name: string, hear: (event: CustomEvent) => void) => () => void {
  const hearers = new Map<string, { readonly all: Set<(event: CustomEvent) => void>; stop(): void }>()

  const open = (name: string) => {
    const all = new Set<(event: CustomEvent) => void>()
    const listener = (event: Event): void => {
      if (event instanceof CustomEvent) for (const hear of all) hear(event)
    }
    target.addEventListener(name, listener)
    const stop = (): void => {
      target.removeEventListener(name, listener)
      hearers.delete(name)
    }
    hearers.set(name, { all, stop })
    return { all, stop }
  }
  return (name, hear) => {
    const { all, stop } = hearers.get(name) ?? open(name)
    all.add(hear)
    return () => {
      if (all.delete(hear) && all.size === 0) stop()
    }
  }
}
