import type { JsonObject } from '../json/json.ts'
import type { Ledger, LedgerEntry } from './ledger.ts'
import type { Endpoint } from './link.ts'

/** What all devices of a fleet do alike. */
export type FleetSettings = {
  /** The hub's own name, which stands in user names and tokens; not the address it is reached at. */
  readonly hubName: string
  readonly cleanSession: boolean
  /** Whether a device whose connection breaks comes back by itself. */
  readonly reconnect: boolean
  readonly keepAliveSeconds: number
  readonly handshakeTimeoutMs: number
  readonly tokenLifetimeSeconds: number
  /** Whether a device reads its twin each time it connects, before it counts as connected. */
  readonly readTwin: boolean
  /** Desired properties that a device reports back as soon as it has them. */
  readonly reportBack: readonly string[]
}

/** Numbers a fleet keeps. `connected` is how many are there now, all others only grow. */
export type FleetCounters = {
  connected: number
  /** Connections that got as far as being subscribed. */
  connections: number
  /** Such connections that ended though the device had not ended them. */
  drops: number
  methodsReceived: number
  methodsAnswered: number
  twinReads: number
  desiredPatches: number
  /** Reported patches the hub has taken. */
  reportedPatches: number
  /** Failures handed to `onError`. */
  errors: number
}

/** What a program in the same process may hear of, as it happens. */
export type FleetListeners = {
  /** A failure nobody waits for: a device that may not come back, a report the hub refused. */
  onError?(error: Error): void
  /** `payload` is JSON text. Called before the device answers. */
  onMethodRequest?(entry: LedgerEntry, payload: string): void
  /** `desired` is the whole section as the device now has it. */
  onDesired?(deviceId: string, desired: JsonObject): void
}

/** What every device of a fleet shares with the others. */
export type FleetContext = {
  readonly endpoint: Endpoint
  readonly settings: FleetSettings
  readonly counters: FleetCounters
  readonly ledger: Ledger
  readonly listeners: FleetListeners
  /** Counts a failure nobody waits for and tells `onError`. */
  fail(error: Error): void
}
