import { join } from 'node:path'
import { makeKey, readPolicies, settlePolicies } from './access/commands.ts'
import type { Policy } from './access/policy.ts'
import { policyDifferences } from './access/policy-differences.ts'
import { parsePolicies, printPolicies } from './access/policy-file.ts'
import { type DataFolder, readIfThere, writeDurably } from './data-folder.ts'
import type { Deps } from './deps.ts'
import { InvalidInputError } from './errors.ts'
import { type WatchedFile, watchFile } from './watched-file.ts'

const ownerKeyFile = 'iothubowner-key'

/**
 * policies.json in the data folder: its readers see the keys of all policies, and its writers can change keys and add
 * policies for the next start. If it is missing, it is written from the database. The owner's key is in a file next to
 * it, unless it is configured. An instance that is not `alone` on the database changes nothing: an error lists the
 * differences.
 */
export async function settlePolicyFile(
  deps: Pick<Deps, 'db'>,
  folder: DataFolder,
  configuredKey: string | undefined,
  alone: boolean,
): Promise<void> {
  const path = join(folder.path, 'policies.json')
  const text = await readIfThere(path)
  try {
    const given = text === undefined ? undefined : parsePolicies(text)
    const policies = alone
      ? await settlePolicies(deps, configuredKey ?? (await folder.secret(ownerKeyFile, makeKey)), given)
      : await sharePolicies(deps, folder, configuredKey, given)
    const settled = printPolicies(policies)
    if (settled !== text) await writeDurably(path, settled, 0o600)
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    throw new Error(`${[path, ...error.path].join(', ')}: ${error.message}`)
  }
}

/**
 * Reads policies.json and the owner's key again when one of the files changes, for an instance that is alone on its
 * database for good. What cannot be used is logged, and changes nothing. New requests and connections use the keys.
 */
export async function watchPolicyFile(
  deps: Pick<Deps, 'db' | 'clock' | 'log' | 'metrics'>,
  folder: DataFolder,
  configuredKey: string | undefined,
): Promise<WatchedFile> {
  const { clock, log, metrics } = deps
  const path = join(folder.path, 'policies.json')
  const keyPath = join(folder.path, ownerKeyFile)
  const textNow = async (): Promise<string> => {
    const key = configuredKey ?? (await readIfThere(keyPath))
    // At a start a new one would be made: a client that has this one must not be locked out by an editor.
    if (key === undefined) throw new Error(`${keyPath} is missing. Restore it: a start without it makes a new key.`)
    return `${key}\n${(await readIfThere(path)) ?? ''}`
  }
  let seen = ''
  const read = async (): Promise<void> => {
    try {
      const text = await textNow()
      if (text === seen) return
      // Before the files are read: a change that comes meanwhile is read again.
      seen = text
      await settlePolicyFile(deps, folder, configuredKey, true)
      metrics?.set('twincast_policies_file_valid', {}, 1)
      log.info({ path }, 'policies read')
    } catch (error) {
      metrics?.set('twincast_policies_file_valid', {}, 0)
      log.warn({ err: error, path }, 'policies could not be read; the current ones stay in force')
    }
  }
  const files = [path, keyPath].map((file) => watchFile({ clock, log }, file, () => inTurn()))
  let reading = Promise.resolve()
  const inTurn = (): Promise<void> => {
    reading = reading.then(read)
    return reading
  }
  seen = await textNow()
  metrics?.set('twincast_policies_file_valid', {}, 1)
  return {
    reload: inTurn,
    close() {
      for (const file of files) file.close()
    },
  }
}

/** The policies that the other instances use: this one was given the same, or takes them over. */
async function sharePolicies(
  deps: Pick<Deps, 'db'>,
  folder: DataFolder,
  configuredKey: string | undefined,
  given: readonly Policy[] | undefined,
): Promise<Policy[]> {
  const { policies, ownerKey } = await readPolicies(deps)
  const keyPath = join(folder.path, ownerKeyFile)
  const ownKey = configuredKey ?? (await readIfThere(keyPath))?.trim() ?? ownerKey
  const differences = [
    ...(ownKey === ownerKey
      ? []
      : [`${configuredKey === undefined ? keyPath : 'IOTHUB_OWNER_KEY'} differs from the owner key of the other hubs`]),
    ...policyDifferences(given ?? policies, policies).map((text) => `${join(folder.path, 'policies.json')}: ${text}`),
  ]
  if (differences.length > 0) {
    throw new Error(
      `Other hubs run on this database with different keys or policies:
${differences.map((difference) => `  - ${difference}`).join('\n')}
Give all hubs the same IOTHUB_OWNER_KEY and policies.json. To change them, stop the other hubs first. A hub without
policies.json and ${ownerKeyFile} in its DATA_DIR takes over those of the other hubs.`,
    )
  }
  if (configuredKey === undefined) await folder.secret(ownerKeyFile, () => ownerKey)
  return policies
}
