import { Command, Option } from '@commander-js/extra-typings'
import { address, isKey } from './options.ts'
import { UsageError } from './usage-error.ts'

/** A shared access key. Without a connection string it has no names. */
export type KeyOption = { readonly key: string; readonly host?: string; readonly policyName?: string }

/** The options of every command that is a client of a hub. */
export type HubOptions = {
  readonly hub: string
  readonly key?: KeyOption
  readonly token?: string
  /** The name of a file. */
  readonly ca?: string
}

const group = 'The hub:'

/** A command that is a client of a hub, with the options that say which hub and who asks. */
export const hubCommand = (name: string) =>
  new Command(name)
    .addOption(
      address('--hub <URL>', 'the address of the hub', ['http:', 'https:'])
        .env('TWINCAST_URL')
        .default('http://localhost:4000')
        .helpGroup(group),
    )
    .addOption(
      new Option('--key <KEY>', 'the key of iothubowner, or the connection string of any policy')
        .argParser(keyIn)
        .env('TWINCAST_KEY')
        .helpGroup(group),
    )
    .addOption(
      new Option('--token <TOKEN>', 'the token of a person, or the output of "twincast token"; it comes before --key')
        .env('TWINCAST_TOKEN')
        .helpGroup(group),
    )
    .addOption(
      new Option('--ca <FILE>', 'the CA to trust for https:, such as ca.pem in the data folder of the hub').helpGroup(
        group,
      ),
    )

/** Reads a key or a connection string. The UsageError does not show it. */
function keyIn(text: string): KeyOption {
  const parts = new Map(text.split(';').map((part) => splitAtEquals(part)))
  const host = parts.get('HostName')
  const policyName = parts.get('SharedAccessKeyName')
  const key = parts.get('SharedAccessKey')
  if (host !== undefined && policyName !== undefined && key !== undefined && isKey(key)) {
    return { key, host, policyName }
  }
  if (isKey(text)) return { key: text }
  throw new UsageError(
    '--key is not valid (a secret, not shown). It must be base64 of 16 to 64 bytes, or a connection string ' +
      'HostName=…;SharedAccessKeyName=…;SharedAccessKey=….',
  )
}

function splitAtEquals(part: string): readonly [name: string, value: string] {
  const at = part.indexOf('=')
  return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
}
