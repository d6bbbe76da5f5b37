import { join } from 'node:path'
import { parsePolicies } from '../access/policy-file.ts'
import { signSasToken } from '../access/sas.ts'
import { readIfThere } from '../data-folder.ts'

/** A policy's key (base64) and the hub it is for. */
export type Access = { readonly host: string; readonly policyName: string; readonly key: string }

/** The policy that may do everything. */
export const ownerPolicy = 'iothubowner'

/** The file in the data folder that a hub keeps the key of `iothubowner` in when it is given none. */
const ownerKeyFile = 'iothubowner-key'

/** The file in the data folder that a hub keeps its policies in. */
const policyFile = 'policies.json'

/** The primary key of a policy: of the owner's the configured one, else what stands in a hub's data folder. */
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

/** An `Authorization` value for the whole hub. `expiry` counts seconds since 1970 UTC. */
export const signFor = ({ host, policyName, key }: Access, expiry: number): string =>
  signSasToken({ resource: encodeURIComponent(host), key, expiry, policyName })

/** The same access as the SDKs of IoT Hub take it. */
export const connectionString = ({ host, policyName, key }: Access): string =>
  `HostName=${host};SharedAccessKeyName=${policyName};SharedAccessKey=${key}`
