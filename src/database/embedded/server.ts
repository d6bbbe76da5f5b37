import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { systemClock } from '../../clock.ts'
import { type DataFolder, DataFolderInUseError, lockFolder } from '../../data-folder.ts'
import type { Log } from '../../log/log.ts'
import { findPostgresPrograms } from './binaries.ts'
import { makeCluster } from './cluster.ts'
import { clusterIn, findPostgresHome, type PostgresHome } from './home.ts'
import { type PostgresProcess, PostgresStartError, runPostgres } from './process.ts'
import { databaseUrl } from './running-server.ts'
import { stopEarlierServer } from './stop-earlier-server.ts'
import { EmbeddedDatabaseError } from './user.ts'

export type EmbeddedPostgres = {
  /** With the password. It stays the same until `stop`, even when PostgreSQL had to be started again. */
  readonly url: string
  /** Closes the open connections and stops PostgreSQL; resolves when it has ended. */
  stop(): Promise<void>
}

type Options = {
  readonly folder: DataFolder
  readonly log: Log
  /** Settings of PostgreSQL that override ours, such as `fsync: 'off'` for tests. */
  readonly settings?: Readonly<Record<string, string>>
}

const portAttempts = 5
const sharedMemoryWaitMs = 30_000
const restartPauseMs = 1_000

/**
 * The PostgreSQL of a hub without a configured database: made in the data folder at the first start, listening on
 * loopback, ended with this process however that ends, and started again when it ends by itself. Rejects with an
 * EmbeddedDatabaseError.
 */
export async function startEmbeddedPostgres(options: Options): Promise<EmbeddedPostgres> {
  const { folder } = options
  const place = await findPostgresHome(folder.path)
  const unlock = place.home === folder.path ? () => {} : lockHome(place.home, folder.path)
  try {
    const { url, stop } = await startIn(place, options)
    return { url, stop: () => stop().finally(unlock) }
  } catch (error) {
    unlock()
    throw error
  }
}

/** Locks a home outside of the data folder: a copy of the data folder names the same home. */
function lockHome(home: string, folder: string): () => void {
  try {
    return lockFolder(home)
  } catch (error) {
    if (!(error instanceof DataFolderInUseError)) throw error
    throw new EmbeddedDatabaseError(
      `The database of the data folder ${folder} is in ${home}, and another Twincast instance uses it: ` +
        'one of their data folders is a copy of the other. Set DATA_DIR to another folder. To copy a hub, use twincast ' +
        'backup and restore.',
    )
  }
}

/** Only for the holder of the home's lock. */
async function startIn(place: PostgresHome, { folder, log, settings = {} }: Options): Promise<EmbeddedPostgres> {
  const password = await folder.secret('database-password', () => randomBytes(32).toString('base64url'))
  const programs = await findPostgresPrograms(place.home, place.user)
  await makeCluster(place, programs, password)
  const start = (port: number): Promise<PostgresProcess> =>
    whenMemoryIsFree(async () => {
      const stalePid = await stopEarlierServer(clusterIn(place.home), log)
      return runPostgres(place, programs, { port, stalePid, settings, log })
    })

  const { port, server } = await startOnFreePort(start)
  log.info({ home: place.home, port }, 'embedded PostgreSQL running')
  const stopping = new AbortController()
  const supervision = supervise(server, () => start(port), stopping.signal, log)
  return {
    url: databaseUrl(password, port),
    stop() {
      stopping.abort()
      return supervision
    },
  }
}

/**
 * PostgreSQL does not accept port 0. Another program may take the port that was free a moment ago: then another port is
 * tried.
 */
async function startOnFreePort(
  start: (port: number) => Promise<PostgresProcess>,
): Promise<{ port: number; server: PostgresProcess }> {
  for (let attempt = 1; ; attempt++) {
    const port = await freePort()
    try {
      return { port, server: await start(port) }
    } catch (error) {
      if (!says(error, 'could not create any TCP/IP sockets') || attempt === portAttempts) throw error
    }
  }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  return address === null || typeof address === 'string' ? 0 : address.port
}

/**
 * After its main process was killed, PostgreSQL's other processes end a moment later; a new one does not wait for them.
 */
async function whenMemoryIsFree(start: () => Promise<PostgresProcess>): Promise<PostgresProcess> {
  // The system clock: this waits for other processes.
  const deadline = systemClock.now().getTime() + sharedMemoryWaitMs
  for (;;) {
    try {
      return await start()
    } catch (error) {
      if (!says(error, 'pre-existing shared memory block') || systemClock.now().getTime() > deadline) throw error
      await systemClock.sleep(200)
    }
  }
}

const says = (error: unknown, words: string): boolean =>
  error instanceof PostgresStartError && error.output.includes(words)

/** Until `signal`: restarts PostgreSQL on its port whenever it has ended. Then stops it. */
async function supervise(
  first: PostgresProcess,
  start: () => Promise<PostgresProcess>,
  signal: AbortSignal,
  log: Log,
): Promise<void> {
  const aborted = once(signal, 'abort')
  let server: PostgresProcess | undefined = first
  while (server !== undefined) {
    await Promise.race([server.ended, aborted])
    if (signal.aborted) return server.stop()
    log.error('embedded PostgreSQL ended unexpectedly; restarting it')
    server = await startAgain(start, signal, log)
  }
}

async function startAgain(
  start: () => Promise<PostgresProcess>,
  signal: AbortSignal,
  log: Log,
): Promise<PostgresProcess | undefined> {
  while (!signal.aborted) {
    try {
      return await start()
    } catch (error) {
      log.error({ err: error }, 'embedded PostgreSQL could not be restarted')
      await systemClock.sleep(restartPauseMs, signal)
    }
  }
  return undefined
}
