import type { Latency } from '../../simulator/latency.ts'
import { UsageError } from '../usage-error.ts'
import type { Hub } from '../with-hub.ts'
import { behaviourShares, type Makeup, type Shares } from './behaviours.ts'

/** The MQTT endpoint of the hub. `ca` is the PEM text of the authority to trust instead of the system's. */
export type MqttEndpoint = {
  readonly url: string
  readonly host: string
  readonly port: number
  readonly tls: boolean
  readonly ca: string | undefined
}

/** The settings of `twincast simulate`. */
export type Settings = {
  readonly hubName: string
  readonly mqtt: MqttEndpoint
  readonly makeup: Makeup
}

const defaultPorts = { mqtt: 1883, mqtts: 8883 } as const

/** The options of `twincast simulate`. */
export type SimulateOptions = Shares & {
  readonly devices: number
  readonly prefix: string
  readonly mqtt?: string
  readonly hubName?: string
  readonly delay: Latency
  readonly seed: number
}

/**
 * The settings by the options. Without an address for MQTT, devices connect to the host of the hub, with TLS if its own
 * address is https:. Throws a UsageError when options contradict each other.
 */
export function settingsOf({ mqtt, hubName, ...makeup }: SimulateOptions, { url: hubUrl, ca }: Hub): Settings {
  const hub = new URL(hubUrl)
  const url = new URL(mqtt ?? `${hub.protocol === 'https:' ? 'mqtts' : 'mqtt'}://${hub.hostname}`)
  const tls = url.protocol === 'mqtts:'
  if (ca !== undefined && !tls && hub.protocol !== 'https:') {
    throw new UsageError('--ca requires TLS. Use an mqtts: address for --mqtt, or an https: address for --hub.')
  }
  return {
    // A URL has brackets around an IPv6 address; a host does not.
    hubName: hubName ?? url.hostname,
    mqtt: {
      url: url.href,
      host: url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(url.port) || (tls ? defaultPorts.mqtts : defaultPorts.mqtt),
      tls,
      ca,
    },
    makeup: makeupOf(makeup),
  }
}

function makeupOf({
  devices,
  prefix,
  delay,
  seed,
  offline,
  refuse,
  silent,
  flapping,
}: Omit<SimulateOptions, 'mqtt' | 'hubName'>): Makeup {
  const shares = { offline, refuse, silent, flapping }
  const sum = behaviourShares.reduce((total, share) => total + shares[share], 0)
  if (sum > 100) {
    throw new UsageError(
      `${behaviourShares.map((share) => `--${share}`).join(', ')} are ${sum}% together; they must not exceed 100%.`,
    )
  }
  return { count: devices, prefix, shares, delayMs: delay, seed }
}
