import { join } from 'node:path'
import { readIfThere } from '../../data-folder.ts'
import { databaseName } from './cluster.ts'
import { clusterIn } from './home.ts'

/** Where the data folder names the home of its database when that is elsewhere. */
const homeOf = async (folder: string): Promise<string> =>
  (await readIfThere(join(folder, 'postgres-home')))?.trim() ?? folder

/** The release of PostgreSQL that made the database of this data folder, such as `18`; undefined without a database. */
export const clusterVersion = async (folder: string): Promise<string | undefined> =>
  (await readIfThere(join(clusterIn(await homeOf(folder)), 'PG_VERSION')))?.trim()

/**
 * The address, with the password, of the PostgreSQL that another process runs for this data folder; undefined when it
 * does not accept connections yet, or no longer.
 */
export async function findRunningServer(folder: string): Promise<string | undefined> {
  const password = (await readIfThere(join(folder, 'database-password')))?.trim()
  // The lines of postmaster.pid: process, folder, start, port, folder of sockets, address, shared memory, state.
  const lines = (await readIfThere(join(clusterIn(await homeOf(folder)), 'postmaster.pid')))?.split('\n') ?? []
  const [port, state] = [lines[3], lines[7]?.trim()]
  if (password === undefined || port === undefined || state !== 'ready') return undefined
  return databaseUrl(password, port)
}

/** The address of an embedded database. */
export const databaseUrl = (password: string, port: number | string): string =>
  `postgresql://${databaseName}:${encodeURIComponent(password)}@127.0.0.1:${port}/${databaseName}`
