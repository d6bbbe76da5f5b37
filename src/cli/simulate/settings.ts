import { type Given, UsageError } from '../arguments.ts'
import { readCa } from '../ca-file.ts'
import { behaviourShares, type Makeup } from './behaviours.ts'
import { simulateOptions } from './options.ts'

/** The MQTT endpoint of the hub. `ca` is the PEM text of the authority to trust instead of the system's. */
export type MqttEndpoint = {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly ca: string | undefined
}

/** The settings of `npm run simulate`. */
export type Settings = {
  /** The address of the GraphQL endpoint. */
  readonly hub: string
  readonly hubName: string
  readonly mqtt: MqttEndpoint
  readonly makeup: Makeup
  readonly key: string | undefined
}

const defaultPorts = { mqtt: 1883, mqtts: 8883 } as const

/**
 * Reads the settings from the command line, with the files that they name. Throws a UsageError when options contradict
 * each other or a file cannot be read.
 */
export async function readSettings(given: Given, env: Readonly<Record<string, string | undefined>>): Promise<Settings> {
  const url = new URL(given(simulateOptions.mqtt))
  const tls = url.protocol === 'mqtts:'
  const hub = given(simulateOptions.hub)
  const caFile = given(simulateOptions.ca)
  if (caFile !== undefined && !tls && !hub.startsWith('https:')) {
    throw new UsageError('--ca requires TLS. Use an mqtts: address for --mqtt, or an https: address for --hub.')
  }
  return {
    hub,
    // A URL has brackets around an IPv6 address; a host does not.
    hubName: given(simulateOptions['hub-name']) ?? url.hostname,
    mqtt: {
      url: url.href,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (tls ? defaultPorts.mqtts : defaultPorts.mqtt),
      tls,
      ca: caFile === undefined ? undefined : await readCa(caFile),
    },
    makeup: makeupOf(given),
    key: given(simulateOptions.key) ?? (env.IOTHUB_OWNER_KEY || undefined),
  }
}

function makeupOf(given: Given): Makeup {
  const shares = {
    offline: given(simulateOptions.offline),
    refuse: given(simulateOptions.refuse),
    silent: given(simulateOptions.silent),
    flapping: given(simulateOptions.flapping),
  }
  const sum = behaviourShares.reduce((total, share) => total + shares[share], 0)
  if (sum > 100) {
    throw new UsageError(
      `${behaviourShares.map((share) => `--${share}`).join(', ')} are ${sum}% together; they must not exceed 100%.`,
    )
  }
  return {
    count: given(simulateOptions.devices),
    prefix: given(simulateOptions.prefix),
    shares,
    delayMs: given(simulateOptions.delay),
    seed: given(simulateOptions.seed),
  }
}
