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

/** What listeners to each topic get. */
export type EventsOf = {
  readonly [Topic in keyof Topics]: Topics[Topic] extends readonly [unknown, infer Event] ? Event : Topics[Topic][0]
}

/** What other instances hear of, as ids: of jobs, devices or connections, or kinds of work. */
export const carriedTopics = ['job', 'work', 'twin', 'identity', 'presence', 'replaced', 'waiting'] as const
export type CarriedTopic = (typeof carriedTopics)[number]

/** The work that instances have in common: the other kinds are about devices, or jobs, that one of them has in hand. */
export const commonWork: readonly Work[] = ['jobs', 'started']
