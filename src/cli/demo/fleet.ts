import { type FleetProcessOptions, startFleetProcess } from '../../simulator/child.ts'
import { answeringOf, newInterval, type PlannedDevice } from './plan.ts'

/** The demo's devices, in a process of their own. */
export type DemoFleet = {
  /** Connects all devices. */
  connect(): Promise<void>
  /** Has each device report its firmware. `onProgress` counts those that have. */
  reportFirmware(onProgress: (done: number) => void): Promise<void>
  /** Switches devices off. */
  switchOff(devices: readonly PlannedDevice[]): Promise<void>
  /** Switches devices on again, one after the other within `ms`. */
  switchOn(devices: readonly PlannedDevice[], ms: number): Promise<void>
  /** How many method calls the devices have received, and how many of those a device had received before. */
  callsReceived(): Promise<{ readonly calls: number; readonly repeated: number }>
  close(): Promise<void>
}

/** Where the devices connect, and what they sign in with. */
type Access = { readonly mqtt: string; readonly keys: ReadonlyMap<string, string> }

/** Devices that are reporting at once. */
const reportingAtOnce = 100

/** Starts the process; it ends with `close`, or with this process. */
export function startDemoFleet(
  plan: readonly PlannedDevice[],
  { mqtt, keys }: Access,
  listeners: Pick<FleetProcessOptions, 'onProgress' | 'onError'>,
): DemoFleet {
  const { hostname, port } = new URL(mqtt)
  const fleet = startFleetProcess(
    {
      host: hostname,
      port: Number(port),
      hubName: 'localhost',
      // A device that was off finds out what it is to do; and what it was told to do, it says it has done.
      readTwin: true,
      reportBack: [newInterval.name],
      devices: plan.map((device) => ({
        deviceId: device.deviceId,
        primaryKey: keys.get(device.deviceId) ?? '',
        behaviour: answeringOf(device),
      })),
    },
    listeners,
  )

  return {
    connect: () => fleet.connect(),
    async reportFirmware(onProgress) {
      let done = 0
      const rest = plan.values()
      const reportInTurn = async (): Promise<void> => {
        // All take from one iterator: each device has its turn once.
        for (const { deviceId, firmware } of rest) {
          await fleet.report(deviceId, { firmware })
          onProgress(++done)
        }
      }
      await Promise.all(Array.from({ length: reportingAtOnce }, reportInTurn))
    },
    switchOff: (devices) => fleet.disconnect(devices.map(({ deviceId }) => deviceId)),
    switchOn: (devices, ms) =>
      fleet.connect({
        deviceIds: devices.map(({ deviceId }) => deviceId),
        parallel: 1,
        perSecond: (devices.length * 1000) / ms,
      }),
    async callsReceived() {
      const entries = await fleet.ledger()
      return { calls: entries.length, repeated: entries.length - new Set(entries.map(({ deviceId }) => deviceId)).size }
    },
    close: () => fleet.close(),
  }
}
