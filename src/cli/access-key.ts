import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { signSasToken } from '../access/sas.ts'

/** A policy's key (base64) and the hub it is for. */
export type Access = { readonly host: string; readonly policyName: string; readonly key: string }

/** The policy that may do everything. */
export const OWNER_POLICY = 'iothubowner'

/** The file in the data folder that a hub keeps the key of `iothubowner` in when it is given none. */
const OWNER_KEY_FILE = 'iothubowner-key'

/** The owner's key: the configured one, else the one that the hub with this data folder has generated. */
export async function findKey(
  dataDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  if (env.IOTHUB_OWNER_KEY) return env.IOTHUB_OWNER_KEY
  try {
    return (await readFile(join(dataDir, OWNER_KEY_FILE), 'utf8')).trim() || undefined
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

/** An `Authorization` value for the whole hub. `expiry` counts seconds since 1970 UTC. */
export const signFor = ({ host, policyName, key }: Access, expiry: number): string =>
  signSasToken({ resource: encodeURIComponent(host), key, expiry, policyName })

/** The same access as the SDKs of IoT Hub take it. */
export const connectionString = ({ host, policyName, key }: Access): string =>
  `HostName=${host};SharedAccessKeyName=${policyName};SharedAccessKey=${key}`
