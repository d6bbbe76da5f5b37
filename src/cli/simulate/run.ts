import { createFleet, type Fleet } from '../../simulator/fleet.ts'
import { abortable } from '../abortable.ts'
import { registerDevices } from '../register-devices.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, number, seconds } from '../terminal/words.ts'
import type { Hub } from '../with-hub.ts'
import { makeBehaviours } from './behaviours.ts'
import { explain } from './explain.ts'
import { probe } from './probe.ts'
import type { Settings } from './settings.ts'
import { statusLine } from './status.ts'
import { tagsOf } from './tags.ts'

const statusMs = 5_000
const liveStatusMs = 500
/** Connections per second: fast, without flooding the hub. */
const connectsPerSecond = 500

/** Registers and connects a fleet, and shows its status until `signal` aborts. Closes the client of the hub. */
export async function simulate(screen: Screen, hub: Hub, settings: Settings, signal: AbortSignal): Promise<void> {
  const devices = makeBehaviours(settings.makeup)
  let fleet: Fleet | undefined
  try {
    const keys = await abortable(register(screen, hub, devices, signal), signal)
    fleet = openFleet(screen, settings, (deviceId) => keys.get(deviceId) ?? '', devices)
    await abortable(connect(screen, settings, fleet), signal)
    await showStatus(screen, fleet, devices.filter(({ behaviour }) => behaviour.kind !== 'offline').length, signal)
  } catch (error) {
    throw explain(error, hub.authorization !== undefined)
  } finally {
    screen.close()
    await fleet?.close()
  }
  screen.print('All devices are disconnected.')
}

type Devices = ReturnType<typeof makeBehaviours>

async function register(
  screen: Screen,
  { client }: Hub,
  devices: Devices,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, string>> {
  try {
    const inputs = devices.map(({ deviceId }, index) => ({ deviceId, twin: { tags: tagsOf(index) } }))
    const onProgress = (done: number): void => screen.live([`Registering ${number(done)} …`])
    const { keys, created } = await registerDevices(client, inputs, { onProgress, signal })
    screen.print(`${counted(devices.length, 'device')} registered, ${number(created)} of them new.`)
    return keys
  } finally {
    client.close()
  }
}

function openFleet(
  screen: Screen,
  { mqtt, hubName }: Settings,
  keyOf: (deviceId: string) => string,
  devices: Devices,
): Fleet {
  let errors = 0
  return createFleet(
    {
      host: mqtt.host,
      port: mqtt.port,
      ...(mqtt.tls ? { tls: mqtt.ca === undefined ? {} : { ca: mqtt.ca } } : {}),
      hubName,
      readTwin: true,
      devices: devices.map((device) => ({ ...device, primaryKey: keyOf(device.deviceId) })),
    },
    {
      onError(error) {
        if (++errors === 1) screen.print(`${error.message} Further errors are counted only.`)
      },
    },
  )
}

async function connect(screen: Screen, { mqtt }: Settings, fleet: Fleet): Promise<void> {
  await probe(mqtt)
  const begin = performance.now()
  const onProgress = (connected: number, expected: number): void =>
    screen.live([`Connecting ${number(connected)} of ${number(expected)} …`])
  await fleet.connect({ perSecond: connectsPerSecond, onProgress })
  const { connected } = fleet.stats()
  screen.print(
    `${counted(connected, 'device')} connected to ${mqtt.url} in ${seconds(performance.now() - begin)}.`,
    'Ctrl-C disconnects them.',
  )
}

/**
 * Shows the status of the fleet. A terminal gets one line that is updated in place; other outputs get a new line every
 * few seconds if the status has changed.
 */
async function showStatus(screen: Screen, fleet: Fleet, expected: number, signal: AbortSignal): Promise<void> {
  let shown = ''
  const show = (): void => {
    const line = statusLine(fleet.stats(), expected)
    if (screen.isLive) screen.live([line])
    else if (line !== shown) screen.print(`${new Date().toISOString().slice(11, 19)}  ${line}`)
    shown = line
  }
  show()
  const clock = setInterval(show, screen.isLive ? liveStatusMs : statusMs)
  try {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  } finally {
    clearInterval(clock)
  }
}
