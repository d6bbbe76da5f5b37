import { registerDevices } from '../cli/register-devices.ts'
import type { Json, JsonObject } from '../json/json.ts'
import type { Answering, Behaviour } from '../simulator/behaviour.ts'
import { createFleet } from '../simulator/fleet.ts'
import type { LocalTwin } from '../simulator/local-twin.ts'
import type { Hub } from './create-hub.ts'

/** A device to simulate. It is registered if it is not yet; then its tags and desired properties stay as they are. */
export type DeviceDescription = {
  readonly deviceId: string
  readonly tags?: JsonObject
  readonly desired?: JsonObject
  /** Reported as soon as the device is connected. */
  readonly reported?: JsonObject
  /** When it is connected, and how it answers method calls. Default: always connected, answers with status 200. */
  readonly behaviour?: Behaviour
}

/** What `simulateFleet` takes. */
export type FleetOptions = {
  readonly hub: Pick<Hub, 'addresses' | 'hostName' | 'ca' | 'execute'>
  /** The devices; or how many: `device-1`, `device-2` and so on. */
  readonly devices: number | readonly DeviceDescription[]
  /** Names of desired properties that each device reports with the same value as soon as it has them. */
  readonly reportBack?: readonly string[]
  /** A failure that no call waits for, such as a refused connection of a device that connects later. */
  readonly onError?: (error: Error) => void
}

/** A method call that a device has received. */
export type ReceivedCall = { readonly deviceId: string; readonly methodName: string; readonly payload: Json }

/** Simulated devices, connected over MQTT. Ids of other devices are a RangeError. */
export type SimulatedFleet = {
  readonly deviceIds: readonly string[]
  /** The method calls that the devices have received so far, in their order. */
  readonly calls: readonly ReceivedCall[]
  /** The device's own copy of its twin. */
  twinOf(deviceId: string): LocalTwin
  /** Changes reported properties; resolves when the hub has accepted them. */
  report(deviceId: string, patch: JsonObject): Promise<void>
  /** Changes how a device answers from now on. */
  answerWith(deviceId: string, answering: Answering): void
  /** Connects these devices; resolves when they can be called. */
  connect(...deviceIds: readonly string[]): Promise<void>
  /** Disconnects these devices until they are connected again. */
  disconnect(...deviceIds: readonly string[]): Promise<void>
  /** Disconnects all devices. */
  stop(): Promise<void>
}

/** Seconds for which a device's token is valid: clocks that are moved do not outlive it. */
const tokenSeconds = 10 * 365 * 86_400

/**
 * Registers devices and connects those that are not offline or late. Resolves when they can be called and have reported
 * their properties. Throws a RegistrationError when the hub refuses a device, a ConnectRefusedError or a
 * ConnectTimeoutError when devices cannot connect, and a RangeError for a number of devices that is not a natural one.
 */
export async function simulateFleet({ hub, devices, reportBack = [], onError }: FleetOptions): Promise<SimulatedFleet> {
  const descriptions = typeof devices === 'number' ? numbered(devices) : devices
  const inputs = descriptions.map(({ deviceId, tags, desired }) => ({
    deviceId,
    twin: { ...(tags && { tags }), ...(desired && { properties: { desired } }) },
  }))
  const { keys } = await registerDevices(hub, inputs)
  const { protocol, hostname, port } = new URL(hub.addresses.mqtt ?? hub.addresses.mqtts)
  const calls: ReceivedCall[] = []
  const fleet = createFleet(
    {
      host: hostname,
      port: Number(port),
      ...(protocol === 'mqtts:' && { tls: hub.ca === undefined ? {} : { ca: hub.ca } }),
      hubName: hub.hostName,
      readTwin: true,
      reportBack,
      tokenLifetimeSeconds: tokenSeconds,
      devices: descriptions.map(({ deviceId, behaviour = { kind: 'answer' } }) => ({
        deviceId,
        primaryKey: keys.get(deviceId) ?? '',
        behaviour,
      })),
    },
    {
      onMethodRequest: ({ deviceId, methodName }, payload) =>
        calls.push({ deviceId, methodName, payload: JSON.parse(payload) }),
      ...(onError && { onError }),
    },
  )
  try {
    await fleet.connect()
    await Promise.all(
      descriptions.map(async ({ deviceId, reported }) => {
        if (reported !== undefined && fleet.isConnected(deviceId)) await fleet.report(deviceId, reported)
      }),
    )
  } catch (error) {
    await fleet.close()
    throw error
  }
  return {
    deviceIds: descriptions.map(({ deviceId }) => deviceId),
    calls,
    twinOf: fleet.twinOf,
    report: fleet.report,
    answerWith: fleet.answerWith,
    connect: (...deviceIds) => fleet.connect({ deviceIds }),
    disconnect: (...deviceIds) => fleet.disconnect(deviceIds),
    stop: fleet.close,
  }
}

function numbered(count: number): DeviceDescription[] {
  if (!Number.isSafeInteger(count) || count < 1) throw new RangeError(`devices is ${count}; it must be 1 or more.`)
  return Array.from({ length: count }, (_, index) => ({ deviceId: `device-${index + 1}` }))
}
