import type { JsonObject } from '../json/json.ts'
import type { JsonText } from '../json/json-text.ts'
import type { MethodAnswer } from '../method/answer.ts'

/**
 * Kinds of work that wake a loop of the scheduler. `deviceJobs` concerns devices of this instance only; `continuous` is that a
 * continuous job runs, and `changedDevices` that devices changed which may join one; `waves` is that devices
 * of jobs with waves have ended; `windows` is that a job with a time window has started; `attempts` is that calls are
 * repeated; `deliveries` is room for further deliveries to webhooks.
 */
export type Work =
  | 'jobs'
  | 'started'
  | 'deviceJobs'
  | 'settled'
  | 'waves'
  | 'windows'
  | 'attempts'
  | 'identities'
  | 'webhooks'
  | 'deliveries'
  | 'schedules'
  | 'continuous'
  | 'changedDevices'

/** What jobs are scheduled with, and what is kept by an id of its kind. */
export const definitionKinds = ['jobSchedule', 'jobTemplate', 'deviceGroup'] as const
export type DefinitionKind = (typeof definitionKinds)[number]

/** A patch of desired properties on its way to a device; `version` is the section's version after it. */
export type DesiredPatch = {
  readonly deviceId: string
  readonly version: number
  readonly patch: JsonObject | JsonText
}

/**
 * A message from a device; it is not stored. `properties` are those of the message, `payload` is its bytes, and `size`
 * is the approximate number of bytes that the message occupies while it waits.
 */
export type TelemetryMessage = {
  readonly deviceId: string
  readonly enqueuedTime: Date
  readonly properties: Readonly<Record<string, string>>
  readonly payload: Uint8Array
  readonly size: number
}

/**
 * All topics. An event is a hint that a row changed; the row is the truth. Three topics have no row: `desiredPatches`
 * is on its way to a device, `methodAnswer` to a caller that waits for it, and `telemetry` is not stored.
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
  /** The twin of some device changed through this instance. */
  anyTwin: [event: { readonly deviceId: string }]
  /** These devices were created through this instance. */
  registered: [event: { readonly deviceIds: readonly string[] }]
  /** These devices should be notified of new desired properties. */
  desiredPatches: [patches: readonly DesiredPatch[]]
  /**
   * The twins of these devices changed through another instance, which could not notify devices that are connected
   * here.
   */
  twinsElsewhere: [event: { readonly deviceIds: readonly string[] }]
  /** The connection states of these devices were written. */
  presence: [event: { readonly deviceIds: readonly string[] }]
  /** Newer connections of the same devices have replaced these connections, on whichever instance they are. */
  replaced: [event: { readonly connectionIds: readonly string[] }]
  /** These devices again wait for calls that were about to be sent, wherever they are connected. */
  waiting: [event: { readonly deviceIds: readonly string[] }]
  /** Calls of these groups of jobs with a budget have ended, so there may be room for others: `printGroup` in `job/budget.ts`. */
  budgetGroups: [event: { readonly groups: readonly string[] }]
  /** The definition of this kind was created, changed or deleted, or this job schedule has run. */
  definition: [kind: DefinitionKind, event: { readonly id: string }]
  /** Events of other instances may have been lost: everything that was derived from them must be read again. */
  missed: [event: Record<never, never>]
  /**
   * The database was unreachable, or had declared this instance dead, and is back: this instance's rows in it may be
   * gone.
   */
  returned: [event: Record<never, never>]
  /** The database cannot be reached from here, but there are other instances, which may reach it. */
  stranded: [event: Record<never, never>]
  /** An instance was declared dead for good, and this one cleans up after it. */
  died: [event: Record<never, never>]
  /** The device was disabled, deleted or given other keys: its connection may have to end. */
  identity: [event: { readonly deviceId: string }]
  /** The shared access policies or their keys changed. */
  policies: [event: Record<never, never>]
  /** The answer to an interactive method call, by request id. */
  methodAnswer: [requestId: string, answer: MethodAnswer]
  /**
   * A device sent telemetry. Published only while there are listeners. Messages that arrive together are one event,
   * because a thousand events in a row would be more than a listener can process.
   */
  telemetry: [deviceId: string, messages: readonly TelemetryMessage[]]
}

/** The event that listeners to each topic get. */
export type EventsOf = {
  readonly [Topic in keyof Topics]: Topics[Topic] extends readonly [unknown, infer Event] ? Event : Topics[Topic][0]
}

/**
 * Topics that are carried to other instances, as ids of jobs, groups, devices, definitions or connections, or as kinds of work. `policies` has
 * no ids, because there are few policies.
 */
export const carriedTopics = [
  'job',
  'work',
  'twin',
  'identity',
  'policies',
  'presence',
  'replaced',
  'waiting',
  'budgetGroups',
  'definition',
] as const
export type CarriedTopic = (typeof carriedTopics)[number]

/**
 * The work that all instances share, or that one with another role does. The other kinds concern devices or jobs that
 * one instance is processing.
 */
export const commonWork: readonly Work[] = [
  'jobs',
  'started',
  'settled',
  'waves',
  'attempts',
  'windows',
  'webhooks',
  'schedules',
  'continuous',
]
