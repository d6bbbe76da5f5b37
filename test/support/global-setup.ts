import { once } from 'node:events'
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { pino } from 'pino'
import type { TestProject } from 'vitest/node'
import { readConfig } from '../../src/config.ts'
import { lockFolder, openDataFolder } from '../../src/data-folder.ts'
import { startEmbeddedPostgres } from '../../src/database/embedded/server.ts'
import { migrate } from '../../src/database/migrate.ts'
import { administer, databaseUrl } from './database-server.ts'
import { findBrowser, withoutBrowser } from './find-browser.ts'
import { findMemoryFolder } from './memory-folder.ts'
import { withoutPrograms } from './programs.ts'

declare module 'vitest' {
  export interface ProvidedContext {
    /** The server that all tests share, and the migrated database that each test file clones. */
    database: { readonly url: string; readonly template: string }
  }
}

/** One PostgreSQL a run: the real one, embedded or the one TEST_DATABASE_URL names. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  if (findBrowser() === undefined) console.warn(withoutBrowser)
  const missing = withoutPrograms()
  if (missing !== undefined) console.warn(missing)
  const release = await holdDefaultPorts()
  const log = pino({ level: 'warn' }, pino.destination({ dest: 2, sync: true }))
  const server = await startServer(log)
  const template = `twincast_template_${process.pid}`
  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  await admin.query(`create database ${template}`)
  await migrate(databaseUrl(server.url, template), pino({ level: 'silent' }))
  project.provide('database', { url: server.url, template })
  return async () => {
    await admin.query(`drop database ${template} with (force)`)
    await admin.end()
    await server.stop()
    release()
  }
}

/**
 * Hubs of tests run at the same time, so one at a default port fails beside another. With these ports taken it fails
 * always, also alone.
 */
async function holdDefaultPorts(): Promise<() => void> {
  const { http, https, mqtt, mqtts, metrics } = readConfig({}, tmpdir())
  const servers = [http, https, mqtt, mqtts, metrics].map((address) =>
    createServer().listen(address?.port, '127.0.0.1'),
  )
  // A port that another program has taken is as good.
  await Promise.all(servers.map((server) => once(server, 'listening').catch(() => undefined)))
  return () => {
    for (const server of servers) server.close()
  }
}

const prefix = 'twincast-test-'
/** Milliseconds after which a run has locked the folder that it has made. */
const lockedAfter = 3_600_000

/** Removes the folders of runs that were killed: their files would stay in memory. */
async function removeLeftBehind(place: string): Promise<void> {
  for (const name of await readdir(place)) {
    if (!name.startsWith(prefix)) continue
    const path = join(place, name)
    try {
      if (Date.now() - (await stat(path)).mtimeMs < lockedAfter) continue
      lockFolder(path)()
      await rm(path, { recursive: true })
    } catch {
      // Its run goes on, or it belongs to another user.
    }
  }
}

async function startServer(log: pino.Logger): Promise<{ url: string; stop(): Promise<void> }> {
  const given = process.env.TEST_DATABASE_URL
  if (given !== undefined && given !== '') return { url: given, stop: async () => {} }
  // In memory, a database is cloned and dropped in a fifth of the processor time: that is the creation of 400 files.
  const place = (await findMemoryFolder()) ?? tmpdir()
  await removeLeftBehind(place)
  const path = await mkdtemp(join(place, prefix))
  const folder = await openDataFolder(path)
  // A test that kills PostgreSQL starts its own: this one need not survive a power cut.
  const durability = { fsync: 'off', full_page_writes: 'off', max_wal_size: '256MB' }
  // Databases of tests live for seconds. A test that needs statistics or a vacuum asks for it.
  const settings = { ...durability, autovacuum: 'off', max_connections: '200' }
  const server = await startEmbeddedPostgres({ folder, log, settings })
  // Who connects hashes the password so many times, and a run has thousands of connections.
  const { username, password } = new URL(server.url)
  await administer(server.url, `set scram_iterations = 1; alter role ${username} password '${password}'`)
  return {
    url: server.url,
    async stop() {
      await server.stop()
      await folder.release()
      await rm(path, { recursive: true, force: true })
    },
  }
}
