import type { JsonObject } from '../json/json.ts'
import type { Endpoint } from './mqtt-connection.ts'
import type { Ledger, LedgerEntry } from './received-calls.ts'

/** Settings that all devices of a fleet share. */
export type FleetSettings = {
  /** The hub's own name in user names and tokens; not the address to connect to. */
  readonly hubName: string
  readonly cleanSession: boolean
  /** Whether a device reconnects by itself when its connection breaks. */
  readonly reconnect: boolean
  readonly keepAliveSeconds: number
  readonly handshakeTimeoutMs: number
  readonly tokenLifetimeSeconds: number
  /** Whether a device reads its twin each time it connects, before it counts as connected. */
  readonly readTwin: boolean
  /** Desired properties that a device reports back as soon as it has them. */
  readonly reportBack: readonly string[]
}

/** The counters of a fleet. `connected` is the current number, all others only grow. */
export type FleetCounters = {
  connected: number
  /** Connections that reached the subscribed state. */
  connections: number
  /** Such connections that ended without the device ending them. */
  drops: number
  methodsReceived: number
  methodsAnswered: number
  twinReads: number
  desiredPatches: number
  /** Reported patches that the hub has accepted. */
  reportedPatches: number
  /** Failures passed to `onError`. */
  errors: number
}

/** Listeners in the same process, called as things happen. */
export type FleetListeners = {
  /** A failure that no caller waits for: a device that cannot reconnect, a report that the hub refused for good. */
  onError?(error: Error): void
  /** `payload` is JSON text. Called before the device answers. */
  onMethodRequest?(entry: LedgerEntry, payload: string): void
  /** The device has done what was requested, and answers now. */
  onMethodAnswer?(entry: LedgerEntry): void
  /** `desired` is the device's current copy of the whole section. */
  onDesired?(deviceId: string, desired: JsonObject): void
}

/** What every device of a fleet shares with the others. */
export type FleetContext = {
  readonly endpoint: Endpoint
  readonly settings: FleetSettings
  readonly counters: FleetCounters
  readonly ledger: Ledger
  readonly listeners: FleetListeners
  /** Counts a failure that no caller waits for and passes it to `onError`. */
  fail(error: Error): void
}
