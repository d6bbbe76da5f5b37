import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { parsePolicies } from '../access/policy-file.ts'
import { signSasToken } from '../access/sas.ts'
import { readIfThere } from '../data-folder.ts'

/** A policy with its key (base64), and the name of the hub that the key is for. */
export type Access = { readonly host: string; readonly policyName: string; readonly key: string }

/** A new key of a policy, as base64. */
export const makeAccessKey = (): string => randomBytes(32).toString('base64')

/** The policy with all rights. */
export const ownerPolicy = 'iothubowner'

/**
 * The file in a hub's data folder with the primary key of `iothubowner`. The hub writes it when no key is configured.
 */
export const ownerKeyFile = 'iothubowner-key'

/** The file in a hub's data folder with its policies. */
export const policyFile = 'policies.json'

/** The primary key of a policy, from the data folder of a hub. For `iothubowner`, IOTHUB_OWNER_KEY comes first. */
export async function findKey(
  policyName: string,
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (policyName === ownerPolicy) {
    return env.IOTHUB_OWNER_KEY || (await readIfThere(join(dataDir, ownerKeyFile)))?.trim() || undefined
  }
  const text = await readIfThere(join(dataDir, policyFile))
  return text === undefined ? undefined : parsePolicies(text).find(({ name }) => name === policyName)?.primaryKey
}

/** An `Authorization` value that is valid for the whole hub. `expiry` is in seconds since 1970 UTC. */
export const signFor = ({ host, policyName, key }: Access, expiry: number): string =>
  signSasToken({ resource: encodeURIComponent(host), key, expiry, policyName })

/** The same access as a connection string for the SDKs of IoT Hub. */
export const connectionString = ({ host, policyName, key }: Access): string =>
  `HostName=${host};SharedAccessKeyName=${policyName};SharedAccessKey=${key}`
