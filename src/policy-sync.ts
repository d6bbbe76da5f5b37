import { join } from 'node:path'
import { makeKey, readPolicies, settlePolicies } from './access/commands.ts'
import type { Policy } from './access/policy.ts'
import { followPolicies } from './access/policy-changes-commands.ts'
import { policyDifferences } from './access/policy-differences.ts'
import { parsePolicies, printPolicies } from './access/policy-file.ts'
import { type DataFolder, readIfThere, writeDurably } from './data-folder.ts'
import type { Deps } from './deps.ts'
import { InvalidInputError } from './errors.ts'
import { type WatchedFile, watchFile } from './watched-file.ts'

const ownerKeyFile = 'iothubowner-key'

/**
 * policies.json in the data folder: its readers see the keys of all policies, and its writers can change keys and add
 * policies. If it is missing, it is written from the database. The owner's key is in a file next to it, unless it is
 * configured. An instance that is not `alone` on the database changes nothing at its start: an error lists the differences.
 */
export async function settlePolicyFile(
  deps: Pick<Deps, 'db'>,
  folder: DataFolder,
  configuredKey: string | undefined,
  alone: boolean,
): Promise<void> {
  const path = join(folder.path, 'policies.json')
  const text = await readIfThere(path)
  await naming(path, async () => {
    const given = text === undefined ? undefined : parsePolicies(text)
    const policies = alone
      ? await settlePolicies(deps, configuredKey ?? (await folder.secret(ownerKeyFile, makeKey)), given)
      : await sharePolicies(deps, folder, configuredKey, given)
    const settled = printPolicies(policies)
    if (settled !== text) await writeDurably(path, settled, 0o600)
  })
}

/**
 * Reads policies.json and the owner's key again when one of the files changes, and notifies all instances of what is in
 * force from then on, for open connections too. What cannot be used is logged, and changes nothing. With `isShared`,
 * other instances may change the policies: their changes are written into the files, so that a restart finds the same.
 * A key that is configured does not change while the hub runs.
 */
export async function watchPolicyFile(
  deps: Pick<Deps, 'db' | 'clock' | 'events' | 'log' | 'metrics'>,
  folder: DataFolder,
  { configuredKey, isShared }: { readonly configuredKey: string | undefined; readonly isShared: boolean },
): Promise<WatchedFile> {
  const { clock, events, log, metrics } = deps
  const path = join(folder.path, 'policies.json')
  const keyPath = join(folder.path, ownerKeyFile)
  const keyNow = async (): Promise<string | undefined> =>
    configuredKey === undefined ? (await readIfThere(keyPath))?.trim() : configuredKey
  const textNow = async (): Promise<string> => {
    const key = await keyNow()
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
      await settleChange()
      metrics?.set('twincast_policies_file_valid', {}, 1)
      log.info({ path }, 'policies read')
    } catch (error) {
      metrics?.set('twincast_policies_file_valid', {}, 0)
      log.warn({ err: error, path }, 'policies could not be read; the current ones stay in force')
    }
  }
  const settleChange = async (): Promise<void> => {
    const text = await readIfThere(path)
    await naming(path, async () => {
      const given = text === undefined ? undefined : parsePolicies(text)
      const policies = await settlePolicies(deps, configuredKey === undefined ? await keyNow() : undefined, given)
      events.publish('policies', {})
      const settled = printPolicies(policies)
      if (settled !== text) await writeDurably(path, settled, 0o600)
    })
  }
  /** Takes over what another instance has changed. A change of the own files comes first. */
  const adopt = async (policies: readonly Policy[]): Promise<void> => {
    await read()
    const owner = policies.find(({ name }) => name === 'iothubowner')
    const otherKey = owner?.primaryKey === (await keyNow()) ? undefined : owner?.primaryKey
    if (otherKey !== undefined && configuredKey !== undefined) {
      log.warn('another hub has changed the owner key; change IOTHUB_OWNER_KEY before the next start')
    }
    const nextKey = configuredKey === undefined ? otherKey : undefined
    const text = printPolicies(policies)
    if (nextKey === undefined && text === (await readIfThere(path))) return
    // The key of the owner last, as `twincast keys rotate` does.
    await writeDurably(path, text, 0o600)
    if (nextKey !== undefined) await writeDurably(keyPath, `${nextKey}\n`, 0o600)
    seen = await textNow()
    metrics?.set('twincast_policies_file_valid', {}, 1)
    log.info({ path }, 'policies of another hub taken over')
  }
  let reading = Promise.resolve()
  const inTurn = (work: () => Promise<void> = read): Promise<void> => {
    reading = reading
      .then(work)
      .catch((error) => log.warn({ err: error, path }, 'policies of another hub could not be written'))
    return reading
  }
  const files = [path, keyPath].map((file) => watchFile({ clock, log }, file, () => inTurn()))
  seen = await textNow()
  metrics?.set('twincast_policies_file_valid', {}, 1)
  const stopFollowing = isShared ? followPolicies(deps, (policies) => void inTurn(() => adopt(policies))) : () => {}
  return {
    reload: inTurn,
    close() {
      stopFollowing()
      for (const file of files) file.close()
    },
  }
}

/** Adds the path to an error about what is in the file. */
async function naming<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof InvalidInputError)) throw error
    throw new Error(`${[path, ...error.path].join(', ')}: ${error.message}`)
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
Give all hubs the same IOTHUB_OWNER_KEY and policies.json. To change the policies, change policies.json of a hub that
runs; to change IOTHUB_OWNER_KEY, stop the other hubs first. A hub without policies.json and ${ownerKeyFile} in its
DATA_DIR takes over those of the other hubs.`,
    )
  }
  if (configuredKey === undefined) await folder.secret(ownerKeyFile, () => ownerKey)
  return policies
}
