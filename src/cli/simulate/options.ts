import type { Latency } from '../../simulator/latency.ts'
import type { Option } from '../arguments.ts'
import { address, key, percentage, text, wholeNumber } from '../options.ts'

/** The options of `npm run simulate`. */
export const simulateOptions = {
  devices: wholeNumber({ placeholder: 'N', min: 1, max: 50_000, fallback: 100, help: 'number of devices' }),
  prefix: text({
    placeholder: 'TEXT',
    pattern: /^[A-Za-z\d._-]{1,100}$/,
    allowed: '1 to 100 letters, digits, dots, dashes and underscores',
    fallback: 'sim',
    help: 'prefix of the device ids',
  }),
  hub: address({
    placeholder: 'URL',
    protocols: ['http:', 'https:'],
    fallback: 'http://127.0.0.1:4000/graphql',
    help: 'the GraphQL endpoint of the hub, for registering the devices',
  }),
  mqtt: address({
    placeholder: 'URL',
    protocols: ['mqtt:', 'mqtts:'],
    fallback: 'mqtt://127.0.0.1:1883',
    help: 'the MQTT endpoint of the hub',
  }),
  ca: text({
    placeholder: 'FILE',
    pattern: /./,
    allowed: 'a file with PEM certificates',
    fallback: undefined,
    help: 'the CA to trust for https: and mqtts:, such as ca.pem in the data folder of the hub',
  }),
  'hub-name': text({
    placeholder: 'NAME',
    pattern: /^[A-Za-z\d.-]{1,253}$/,
    allowed: 'a host name, without a port',
    fallback: undefined,
    help: 'the HUB_HOST_NAME of the hub, if it differs from the host in --mqtt',
  }),
  key: key('the key of iothubowner, if the hub requires tokens (default IOTHUB_OWNER_KEY)'),
  offline: percentage('percentage of devices that stay offline'),
  refuse: percentage('percentage of devices that answer method calls with 409'),
  silent: percentage('percentage of devices that receive method calls and never answer'),
  flapping: percentage('percentage of devices that lose their connection about every 20 seconds and reconnect'),
  delay: latency('milliseconds before a device answers, such as 50 or 100-2000'),
  seed: wholeNumber({
    placeholder: 'N',
    min: 0,
    max: 999_999_999,
    fallback: 1,
    help: 'seed that assigns the behaviours to the devices',
  }),
} as const

function latency(help: string): Option<Latency> {
  return {
    placeholder: 'MS',
    help,
    allowed: 'milliseconds from 0 to 600000, or a range with the smaller number first',
    fallback: 0,
    secret: false,
    read(value) {
      const [, low = '', high] = /^(\d{1,6})(?:-(\d{1,6}))?$/.exec(value) ?? []
      const min = Number(low || Number.NaN)
      const max = Number(high ?? min)
      if (!(min <= max && max <= 600_000)) return undefined
      return high === undefined ? min : { min, max }
    },
  }
}
