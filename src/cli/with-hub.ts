import { parseExactly } from '../json/exact-numbers.ts'
import { abortable } from './abortable.ts'
import { findKey, ownerPolicy, signFor } from './access-key.ts'
import { readCa } from './ca-file.ts'
import { explainHub } from './explain-hub.ts'
import { type Authorization, createHubClient, type HubClient } from './hub-client.ts'
import type { HubOptions } from './hub-options.ts'
import { listenForStop } from './stop.ts'

/** A hub that a command works with. */
export type Hub = {
  readonly client: HubClient
  /** The address without a path of an API: `http://localhost:4000`. */
  readonly url: string
  readonly authorization: Authorization | undefined
  readonly ca: string | undefined
}

/**
 * Seconds for which a token that is signed with a key is valid. The hub closes a WebSocket whose token has expired, so this
 * is also how long a job can be watched without a new connection.
 */
const lifetime = 86_400

/**
 * Runs the work of a command with a hub, until it ends or a signal stops the command. An error about the hub gets advice
 * on the options that matter.
 */
export async function withHub(
  options: HubOptions,
  work: (hub: Hub, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const { signal } = listenForStop()
  const hub = await openHub(options)
  try {
    await abortable(work(hub, signal), signal)
  } catch (error) {
    // Whatever broke after Ctrl-C broke because of it.
    signal.throwIfAborted()
    throw explainHub(error, hub.authorization !== undefined)
  } finally {
    hub.client.close()
  }
}

/** The hub that the options name. The caller closes its client. A UsageError when the CA cannot be read. */
export async function openHub(options: HubOptions): Promise<Hub> {
  const url = options.hub.replace(/(?:\/graphql)?\/*$/, '')
  const authorization = authorizationOf(options, new URL(url).hostname)
  const ca = options.ca === undefined ? undefined : await readCa(options.ca)
  return {
    client: createHubClient({ url: `${url}/graphql`, authorization, ca, parse: parseExactly }),
    url,
    authorization,
    ca,
  }
}

/**
 * The same options, with the key of iothubowner from the environment or the data folder of a hub on this machine if they have
 * no credential.
 */
export async function withKeyOfFolder<Options extends HubOptions>(options: Options, folder: string): Promise<Options> {
  if (options.key !== undefined || options.token !== undefined) return options
  const key = await findKey(ownerPolicy, folder, process.env)
  const host = process.env.HUB_HOST_NAME || new URL(options.hub).hostname
  return key === undefined ? options : { ...options, key: { key, host } }
}

/**
 * The `Authorization` value that the options give; with a key, each request has a new token. `hostname` is the name of a
 * hub that no connection string names.
 */
function authorizationOf({ key, token }: HubOptions, hostname: string): Authorization | undefined {
  if (token !== undefined) return /^(?:Bearer|SharedAccessSignature) /.test(token) ? token : `Bearer ${token}`
  if (key === undefined) return undefined
  const access = { host: key.host ?? hostname, policyName: key.policyName ?? ownerPolicy, key: key.key }
  return () => signFor(access, Math.floor(Date.now() / 1000) + lifetime)
}
