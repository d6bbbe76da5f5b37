import { getEventListeners, setMaxListeners } from 'node:events'
import { createPubSub } from 'graphql-yoga'
import type { Clock } from './clock.ts'
import type { JsonObject } from './json.ts'

/** What a loop of the scheduler may be woken for. */
export type Work = 'jobs' | 'deviceJobs' | 'settled' | 'identities'

/** A patch of desired properties on its way to a device; `version` is the section's version after it. */
export type DesiredPatch = { readonly deviceId: string; readonly version: number; readonly patch: JsonObject }

/** What a device sent, kept nowhere. `properties` are those of the message, `payload` is whatever bytes it holds. */
export type TelemetryMessage = {
  readonly deviceId: string
  readonly enqueuedTime: Date
  readonly properties: Readonly<Record<string, string>>
  readonly payload: Uint8Array
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

/** Typed publish and subscribe over an EventTarget, in memory by default. */
export type Events = {
  readonly publish: PubSub['publish']
  /** An async iterable. It listens from its first `next` on: call that before whatever may publish. */
  readonly subscribe: PubSub['subscribe']
  /** Whether anybody listens, for events that cost something to make. */
  isHeard(topic: 'telemetry', id: string): boolean
  /** Publishes `job` and `anyJob`, at once the first time and then at most once each `JOB_EVENT_INTERVAL`. */
  jobChanged(jobId: string): void
}

/** Milliseconds in which changes of one job become one event: a job over 100,000 devices must not publish 100,000. */
export const JOB_EVENT_INTERVAL = 100

export function createEvents(clock: Clock): Events {
  const eventTarget = new EventTarget()
  setMaxListeners(0, eventTarget) // a listener a subscriber: a thousand are no leak
  const pubSub = createPubSub<Topics>({ eventTarget })
  /** Jobs in their quiet interval; true when they changed again meanwhile. */
  const quiet = new Map<string, boolean>()

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
  return {
    publish: pubSub.publish,
    subscribe: pubSub.subscribe,
    isHeard: (topic, id) => getEventListeners(eventTarget, `${topic}:${id}`).length > 0,
    jobChanged(jobId) {
      if (quiet.has(jobId)) quiet.set(jobId, true)
      else void holdBack(jobId)
    },
  }
}
