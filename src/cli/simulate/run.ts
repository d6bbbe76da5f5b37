import { readFile } from 'node:fs/promises'
import { createFleet, type Fleet } from '../../simulator/fleet.ts'
import { abortable } from '../abortable.ts'
import { OWNER_POLICY, signFor } from '../access-key.ts'
import { type Given, UsageError } from '../arguments.ts'
import { createHubClient, HubRefusedError, HubUnreachableError } from '../hub-client.ts'
import { registerDevices } from '../register-devices.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, number, seconds } from '../terminal/words.ts'
import { type Makeup, makeBehaviours, SHARES } from './behaviours.ts'
import { OPTIONS } from './options.ts'
import { statusLine } from './status.ts'

const STATUS_MS = 5_000
const LIVE_STATUS_MS = 500
/** Connections a second: fast, and no flood. */
const CONNECTS_PER_SECOND = 500
/** Seconds that the token for registering is valid. */
const TOKEN_SECONDS = 3_600
const DEFAULT_PORTS: Readonly<Record<string, number>> = { 'mqtt:': 1883, 'mqtts:': 8883 }

/** Registers and connects a fleet, and tells how it is doing until `signal` aborts. */
export async function simulate(
  screen: Screen,
  given: Given,
  ownerKey: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const mqtt = new URL(given(OPTIONS.mqtt))
  const hubName = given(OPTIONS['hub-name']) ?? mqtt.hostname
  const makeup = makeupOf(given)
  const ca = await readCa(given(OPTIONS.ca), mqtt.protocol, given(OPTIONS.hub))
  const devices = makeBehaviours(makeup)
  const authorization =
    ownerKey &&
    signFor({ host: hubName, policyName: OWNER_POLICY, key: ownerKey }, Math.floor(Date.now() / 1000) + TOKEN_SECONDS)

  const client = createHubClient({ url: given(OPTIONS.hub), authorization, ca })
  let fleet: Fleet | undefined
  try {
    const inputs = devices.map(({ deviceId }) => ({ deviceId, twin: { tags: { simulated: true } } }))
    const registered = registerDevices(client, inputs, (done) => screen.live([`Registering ${number(done)} …`]))
    const { keys, created } = await abortable(registered, signal)
    screen.print(`${counted(devices.length, 'device')} registered, ${number(created)} of them new.`)

    let failures = 0
    const begin = performance.now()
    fleet = createFleet(
      {
        host: mqtt.hostname.replace(/^\[|\]$/g, ''),
        port: Number(mqtt.port) || (DEFAULT_PORTS[mqtt.protocol] ?? 0),
        ...(mqtt.protocol === 'mqtts:' ? { tls: ca === undefined ? {} : { ca } } : {}),
        hubName,
        readTwin: true,
        devices: devices.map((device) => ({ ...device, primaryKey: keys.get(device.deviceId) ?? '' })),
      },
      {
        onError(error) {
          if (++failures === 1) screen.print(`${error.message} Further errors are only counted.`)
        },
      },
    )
    const onProgress = (connected: number, expected: number): void =>
      screen.live([`Connecting ${number(connected)} of ${number(expected)} …`])
    await abortable(fleet.connect({ perSecond: CONNECTS_PER_SECOND, onProgress }), signal)
    screen.print(
      `${counted(fleet.stats().connected, 'device')} connected to ${mqtt.href} in ${seconds(performance.now() - begin)}.`,
      'Ctrl-C disconnects them.',
    )
    await tell(screen, fleet, devices.filter(({ behaviour }) => behaviour.kind !== 'offline').length, signal)
  } catch (error) {
    throw inContext(error, ownerKey !== undefined)
  } finally {
    screen.close()
    client.close()
    await fleet?.close()
  }
  screen.print('All devices are disconnected.')
}

/** Says how the fleet is: all the time in one line where somebody watches, else every few seconds when it has changed. */
async function tell(screen: Screen, fleet: Fleet, expected: number, signal: AbortSignal): Promise<void> {
  let told = ''
  const say = (): void => {
    const line = statusLine(fleet.stats(), expected)
    if (screen.isLive) screen.live([line])
    else if (line !== told) screen.print(`${new Date().toISOString().slice(11, 19)}  ${line}`)
    told = line
  }
  say()
  const clock = setInterval(say, screen.isLive ? LIVE_STATUS_MS : STATUS_MS)
  try {
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
  } finally {
    clearInterval(clock)
  }
}

function makeupOf(given: Given): Makeup {
  const shares = {
    offline: given(OPTIONS.offline),
    refuse: given(OPTIONS.refuse),
    silent: given(OPTIONS.silent),
    flapping: given(OPTIONS.flapping),
  }
  const sum = SHARES.reduce((total, share) => total + shares[share], 0)
  if (sum > 100) {
    throw new UsageError(
      `${SHARES.map((share) => `--${share}`).join(', ')} are ${sum}% together; allowed is up to 100%.`,
    )
  }
  return {
    count: given(OPTIONS.devices),
    prefix: given(OPTIONS.prefix),
    shares,
    delayMs: given(OPTIONS.delay),
    seed: given(OPTIONS.seed),
  }
}

async function readCa(file: string | undefined, mqttProtocol: string, hub: string): Promise<string | undefined> {
  if (file === undefined) return undefined
  if (mqttProtocol !== 'mqtts:' && !hub.startsWith('https:')) {
    throw new UsageError('--ca is for TLS; give --mqtt an address with mqtts:, or --hub one with https:.')
  }
  return readFile(file, 'utf8').catch((error: Error) => {
    throw new UsageError(`--ca cannot be read: ${error.message}.`)
  })
}

/** The error with what to do about it. */
function inContext(error: unknown, hadKey: boolean): unknown {
  if (error instanceof HubUnreachableError) {
    return new Error(`${error.message} Start one with "npm start", or say where it is with --hub.`)
  }
  if (error instanceof HubRefusedError && error.code === 'UNAUTHORIZED') {
    return new Error(
      hadKey
        ? `The hub does not take this key for this name: check --key (IOTHUB_OWNER_KEY) and --hub-name. ${error.message}`
        : 'The hub wants a token: give the key of iothubowner with --key or in IOTHUB_OWNER_KEY.',
    )
  }
  return error
}
