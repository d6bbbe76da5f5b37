import type { JsonObject } from '../json/json.ts'
import type { Answering, SimulatedDevice } from './behaviour.ts'
import { type ConnectOptions, connectFleet } from './connect-fleet.ts'
import { Device } from './device.ts'
import type { FleetContext, FleetCounters, FleetListeners, FleetSettings } from './fleet-context.ts'
import { startKeepAlive } from './keep-alive.ts'
import type { LocalTwin } from './local-twin.ts'
import { openEndpoint } from './mqtt-connection.ts'
import { createLedger, type Ledger } from './received-calls.ts'

/** A fleet as plain data, possibly from a file: the hub's address, the devices, and their common settings. */
export type FleetDescription = {
  readonly host: string
  readonly port: number
  /** Present for TLS. `ca` is PEM text; without it the system's authorities are trusted. */
  readonly tls?: { readonly ca?: string }
  readonly devices: readonly SimulatedDevice[]
  /** A file to which every received method request is appended, one JSON object per line. */
  readonly ledgerFile?: string
} & Pick<FleetSettings, 'hubName'> &
  Partial<FleetSettings>

/** The counters of a fleet, and its number of devices. */
export type FleetStats = Readonly<FleetCounters> & { readonly devices: number }

/** A fleet of simulated devices. Unknown device ids are a RangeError. */
export type Fleet = {
  /**
   * Resolves when all the devices are subscribed; late devices connect by themselves and are not waited for. Rejects
   * with the first failure that is final for a device (ConnectRefusedError, SubscribeRefusedError; without reconnection
   * also ConnectionLostError) and then starts no more devices, or with ConnectTimeoutError.
   */
  connect(options?: ConnectOptions): Promise<void>
  /** Disconnects these devices gracefully; they stay disconnected until connected by name. */
  disconnect(deviceIds: readonly string[]): Promise<void>
  /** Breaks the connections of these devices, or of all, without DISCONNECT. They reconnect if the fleet does. */
  drop(deviceIds?: readonly string[]): void
  /** Changes how a device answers method calls. */
  answerWith(deviceId: string, answering: Answering): void
  /** Reports properties of a device; resolves when the hub has accepted them. */
  report(deviceId: string, patch: JsonObject): Promise<void>
  /** Reads a device's twin from the hub. */
  readTwin(deviceId: string): Promise<LocalTwin>
  /** The device's copy of its twin. */
  twinOf(deviceId: string): LocalTwin
  isConnected(deviceId: string): boolean
  stats(): FleetStats
  readonly ledger: Ledger
  /** Disconnects all devices gracefully and closes the ledger's file. */
  close(): Promise<void>
}

const defaults = {
  cleanSession: true,
  reconnect: true,
  // The keep-alive of the Azure device SDK.
  keepAliveSeconds: 180,
  handshakeTimeoutMs: 30_000,
  // Longer than the SDK's hour: a fleet that connected together would also have to renew together.
  tokenLifetimeSeconds: 86_400,
  readTwin: false,
  reportBack: [],
} satisfies Partial<FleetSettings>

/** Makes a fleet. Nothing connects before `connect`. */
export const createFleet = (description: FleetDescription, listeners: FleetListeners = {}): Fleet => {
  const counters = newCounters()
  const ledger = createLedger(description.ledgerFile)
  const context: FleetContext = {
    endpoint: openEndpoint(description.host, description.port, description.tls),
    settings: { ...defaults, ...description },
    counters,
    ledger,
    listeners,
    fail(error) {
      counters.errors++
      listeners.onError?.(error)
    },
  }
  const devices = description.devices.map((identity) => new Device(identity, context))
  const byId = new Map(devices.map((device) => [device.identity.deviceId, device]))
  const stopKeepAlive = startKeepAlive(devices, context.settings.keepAliveSeconds)
  const closed = new AbortController()
  const latecomers = new Set<NodeJS.Timeout>()

  const deviceOf = (deviceId: string): Device => {
    const device = byId.get(deviceId)
    if (device === undefined) throw new RangeError(`This fleet has no device "${deviceId}".`)
    return device
  }

  const openLater = (device: Device, afterMs: number): void => {
    const timer = setTimeout(() => {
      latecomers.delete(timer)
      device.open().catch(context.fail)
    }, afterMs)
    latecomers.add(timer)
  }

  return {
    ledger,
    async connect(options = {}) {
      const wanted: Device[] = []
      for (const device of options.deviceIds?.map(deviceOf) ?? devices) {
        const { behaviour } = device.identity
        if (options.deviceIds === undefined && behaviour.kind === 'offline') continue
        if (options.deviceIds === undefined && behaviour.kind === 'late') openLater(device, behaviour.afterMs)
        else wanted.push(device)
      }
      await connectFleet(wanted, options, closed.signal)
    },
    async disconnect(deviceIds) {
      await Promise.all(deviceIds.map((deviceId) => deviceOf(deviceId).close()))
    },
    drop(deviceIds) {
      for (const device of deviceIds?.map(deviceOf) ?? devices) device.drop()
    },
    answerWith: (deviceId, answering) => deviceOf(deviceId).answerWith(answering),
    report: (deviceId, patch) => deviceOf(deviceId).twin.report(patch),
    readTwin: (deviceId) => deviceOf(deviceId).twin.read(),
    twinOf: (deviceId) => deviceOf(deviceId).twin.local,
    isConnected: (deviceId) => deviceOf(deviceId).connected,
    stats: () => ({ devices: devices.length, ...counters }),
    async close() {
      closed.abort()
      stopKeepAlive()
      for (const timer of latecomers) clearTimeout(timer)
      await Promise.all(devices.map((device) => device.close()))
      ledger.close()
    },
  }
}

const newCounters = (): FleetCounters => ({
  connected: 0,
  connections: 0,
  drops: 0,
  methodsReceived: 0,
  methodsAnswered: 0,
  twinReads: 0,
  desiredPatches: 0,
  reportedPatches: 0,
  errors: 0,
})
