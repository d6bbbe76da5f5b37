import type { Answering } from '../../simulator/behaviour.ts'
import { type FleetProcessOptions, startFleetProcess } from '../../simulator/child.ts'
import { mostAtOnce } from './calls-at-once.ts'
import { answeringOf, newInterval, type PlannedDevice, tagsOf } from './plan.ts'

/** The devices of the demo, in a separate process. */
export type DemoFleet = {
  /** Connects all devices. */
  connect(): Promise<void>
  /** Makes each device report its firmware. `onProgress` gets the number of devices that have reported. */
  reportFirmware(onProgress: (done: number) => void): Promise<void>
  /** Switches devices off. */
  switchOff(devices: readonly PlannedDevice[]): Promise<void>
  /** Switches devices on again, one after the other, within `ms` milliseconds. */
  switchOn(devices: readonly PlannedDevice[], ms: number): Promise<void>
  /** Changes how devices answer. */
  answerWith(devices: readonly PlannedDevice[], answering: (device: PlannedDevice) => Answering): Promise<void>
  /** The calls of a method that the devices have received. */
  callsReceived(methodName: string): Promise<CallsReceived>
  close(): Promise<void>
}

/** Calls of one method, as the devices know them. */
export type CallsReceived = {
  readonly calls: number
  /** How many of these reached a device that had already received one. */
  readonly repeated: number
  /** The maximum number of devices of one floor that worked on a call at a time. */
  readonly mostOnAFloor: number
}

/** The address that the devices connect to, and their keys. */
type Access = { readonly mqtt: string; readonly keys: ReadonlyMap<string, string> }

/** How many devices report at the same time. */
const reportingAtOnce = 100

/** Starts the process of the devices. It ends with `close`, or when this process ends. */
export function startDemoFleet(
  plan: readonly PlannedDevice[],
  { mqtt, keys }: Access,
  listeners: Pick<FleetProcessOptions, 'onProgress' | 'onError'>,
): DemoFleet {
  const { hostname, port } = new URL(mqtt)
  const floors = new Map(plan.map((device) => [device.deviceId, tagsOf(device).floorId]))
  const fleet = startFleetProcess(
    {
      host: hostname,
      port: Number(port),
      hubName: 'localhost',
      // A device that was off reads its desired properties when it connects, and reports the interval as soon as it has
      // it.
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
        // All workers take from one iterator, so each device reports once.
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
    async answerWith(devices, answering) {
      await Promise.all(devices.map((device) => fleet.answerWith(device.deviceId, answering(device))))
    },
    async callsReceived(methodName) {
      const entries = (await fleet.ledger()).filter((entry) => entry.methodName === methodName)
      return {
        calls: entries.length,
        repeated: entries.length - new Set(entries.map(({ deviceId }) => deviceId)).size,
        mostOnAFloor: mostAtOnce(entries, (deviceId) => floors.get(deviceId) ?? ''),
      }
    },
    close: () => fleet.close(),
  }
}
