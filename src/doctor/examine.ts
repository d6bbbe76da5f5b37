import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { parsePolicies } from '../access/policy-file.ts'
import { parseRoles } from '../access/roles-file.ts'
import type { Clock } from '../clock.ts'
import type { Config } from '../config.ts'
import { DataFolderError, DataFolderInUseError, openDataFolder } from '../data-folder.ts'
import { findPostgresVersion } from '../database/embedded/binaries.ts'
import { clusterVersion, findRunningServer } from '../database/embedded/running-server.ts'
import { checkBus } from './check-bus.ts'
import { checkCertificates } from './check-certificates.ts'
import { checkDatabase } from './check-database.ts'
import { checkFile, checkFolder, checkOpenFiles, checkPorts, checkVersions } from './check-machine.ts'
import { type Finding, ok, problem, reasonOf } from './finding.ts'

type Means = { readonly clock: Pick<Clock, 'now' | 'elapsed' | 'sleep'>; readonly signal?: AbortSignal }

/**
 * Checks all that a hub with this configuration needs, whether it runs or not. It changes nothing, and starts neither a
 * hub nor an embedded database.
 */
export async function examine(config: Config, means: Means): Promise<readonly Finding[]> {
  const { bus, dataDir, databaseUrl, rolesFile } = config
  const isRunning = existsSync(dataDir) && (await isInUse(dataDir))
  const policies = join(dataDir, 'policies.json')
  return [
    checkVersions(),
    ...(await checkFolder(dataDir)),
    checkOpenFiles(),
    ...(isRunning ? [ok('hub', `A hub runs in ${dataDir}.`)] : await checkPorts(config)),
    ...(existsSync(policies) ? [await checkFile('policies', policies, parsePolicies)] : []),
    ...(rolesFile === undefined ? [] : [await checkFile('roles', rolesFile, parseRoles)]),
    ...(await checkCertificates(config, means.clock.now())),
    ...(databaseUrl === undefined
      ? await checkEmbedded(config, isRunning, means)
      : await checkDatabase(databaseUrl, config, means)),
    ...(bus === undefined ? [] : await checkBus(bus, means)),
  ]
}

async function isInUse(folder: string): Promise<boolean> {
  try {
    await (await openDataFolder(folder)).release()
    return false
  } catch (error) {
    if (error instanceof DataFolderInUseError) return true
    if (error instanceof DataFolderError) return false // the check of the folder reports it
    throw error
  }
}

async function checkEmbedded(config: Config, isRunning: boolean, means: Means): Promise<readonly Finding[]> {
  const { dataDir } = config
  let own: string
  try {
    own = await findPostgresVersion()
  } catch (error) {
    return [problem('database', reasonOf(error), 'Install the package, or set DATABASE_URL.')]
  }
  const made = await clusterVersion(dataDir)
  if (made !== undefined && made !== own.split('.')[0]) {
    const advice = 'Back up with the release that used it, and restore the backup with this one into a new data folder.'
    return [
      problem('database', `PostgreSQL ${made} made the database, and this release has PostgreSQL ${own}.`, advice),
    ]
  }
  const url = isRunning ? await findRunningServer(dataDir) : undefined
  if (url !== undefined) return await checkDatabase(url, config, means)
  const state = made === undefined ? 'the first start creates it' : 'it is examined while a hub runs'
  return [ok('database', `The embedded PostgreSQL ${own} is installed. Its database does not run; ${state}.`)]
}
