import { join } from 'node:path'
import { makeKey, readPolicies, settlePolicies } from './access/commands.ts'
import type { Policy } from './access/policy.ts'
import { policyDifferences } from './access/policy-differences.ts'
import { parsePolicies, printPolicies } from './access/policy-file.ts'
import { type DataFolder, readIfThere, writeDurably } from './data-folder.ts'
import type { Deps } from './deps.ts'
import { InvalidInputError } from './errors.ts'

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
