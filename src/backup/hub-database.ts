import type { Config } from '../config.ts'
import { DataFolderInUseError, openDataFolder } from '../data-folder.ts'
import { clusterVersion, findRunningServer } from '../database/embedded/running-server.ts'
import { startEmbeddedPostgres } from '../database/embedded/server.ts'
import type { Log } from '../log/log.ts'

/** The database of a hub, and its data folder. */
export type HubDatabase = { readonly url: string; readonly folder: string }

/** The configured hub has no database yet, or it cannot be reached now. */
export class NoDatabaseError extends Error {
  override readonly name = 'NoDatabaseError'
}

type Settings = Pick<Config, 'databaseUrl' | 'dataDir'>

/**
 * Works on the database of the hub with this configuration: that of DATABASE_URL; or the embedded one, which is started
 * when no hub runs on it.
 * @throws NoDatabaseError, DataFolderError, EmbeddedDatabaseError
 */
export async function withHubDatabase<T>(
  { databaseUrl, dataDir }: Settings,
  log: Log,
  work: (database: HubDatabase) => Promise<T>,
): Promise<T> {
  if (databaseUrl !== undefined) return await work({ url: databaseUrl, folder: dataDir })
  if ((await clusterVersion(dataDir)) === undefined) {
    throw new NoDatabaseError(
      `The data folder ${dataDir} has no database. Set DATA_DIR to the folder of the hub, or DATABASE_URL.`,
    )
  }
  try {
    return await withOwnServer(dataDir, log, work)
  } catch (error) {
    if (!(error instanceof DataFolderInUseError)) throw error
  }
  const url = await findRunningServer(dataDir)
  if (url !== undefined) return await work({ url, folder: dataDir })
  throw new NoDatabaseError(`The hub in ${dataDir} is starting or stopping, without its database. Try again.`)
}

/**
 * Works on an empty database for the hub with this configuration, while no hub can start in its data folder. The
 * embedded database is made when it is missing.
 * @throws DataFolderError, EmbeddedDatabaseError
 */
export async function withNewDatabase<T>(
  { databaseUrl, dataDir }: Settings,
  log: Log,
  work: (database: HubDatabase) => Promise<T>,
): Promise<T> {
  if (databaseUrl === undefined) return await withOwnServer(dataDir, log, work)
  const folder = await openDataFolder(dataDir)
  try {
    return await work({ url: databaseUrl, folder: folder.path })
  } finally {
    await folder.release()
  }
}

async function withOwnServer<T>(dataDir: string, log: Log, work: (database: HubDatabase) => Promise<T>): Promise<T> {
  const folder = await openDataFolder(dataDir)
  try {
    const postgres = await startEmbeddedPostgres({ folder, log })
    try {
      return await work({ url: postgres.url, folder: folder.path })
    } finally {
      await postgres.stop()
    }
  } finally {
    await folder.release()
  }
}
