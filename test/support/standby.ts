import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { findPostgresPrograms, type PostgresPrograms } from '../../src/database/embedded/binaries.ts'
import { databaseName, makeCluster } from '../../src/database/embedded/cluster.ts'
import { clusterIn, findPostgresHome, type PostgresHome } from '../../src/database/embedded/home.ts'
import { postgresEnv, runAs } from '../../src/database/embedded/user.ts'
import { administer } from './database-server.ts'
import { freePorts } from './ports.ts'

/** Two PostgreSQL servers: a primary, and a standby that has every commit of it before it is reported. */
export type Replicated = {
  /** `host:port` of the primary, and of the standby. */
  readonly primary: string
  readonly standby: string
  /** The URL of the empty database on these servers, in this order. */
  url(...hosts: readonly string[]): string
  /** Stops the primary, and makes the standby the primary. */
  failOver(): Promise<void>
  /** Makes the primary read-only, whose connections stay open, and the standby the primary. */
  switchOver(): Promise<void>
  close(): Promise<void>
}

const password = 'replicated'

export async function startReplicated(): Promise<Replicated> {
  const folders = [
    await mkdtemp(join(tmpdir(), 'twincast-primary-')),
    await mkdtemp(join(tmpdir(), 'twincast-standby-')),
  ]
  const [first, second] = await Promise.all(folders.map(findPostgresHome))
  const [port = 0, standbyPort = 0] = await freePorts(2)
  if (first === undefined || second === undefined) throw new Error('No home for the servers.')
  const programs = await findPostgresPrograms(first.home, first.user)
  await makeCluster(first, programs, password)
  const rights = [
    `alter role ${databaseName} replication;`,
    `grant execute on function pg_promote to ${databaseName};`,
    `grant execute on function pg_reload_conf to ${databaseName};`,
    `grant alter system on parameter default_transaction_read_only to ${databaseName};`,
  ].map((statement) => `${statement}\n\n`)
  const single = ['--single', '-j', '-D', clusterIn(first.home), '-c', 'exit_on_error=on', databaseName]
  const { succeeded, output } = await runAs(first.user, programs.postgres, single, rights.join(''))
  if (!succeeded) throw new Error(output)
  // The primary has not run yet, so that a plain copy of it is complete.
  await promisify(execFile)('cp', ['-a', clusterIn(first.home), clusterIn(second.home)])
  const signal = join(clusterIn(second.home), 'standby.signal')
  await writeFile(signal, '')
  if (second.user !== undefined) await chown(signal, second.user.uid, second.user.gid)

  const started = await startServer(first, programs, {
    port: String(port),
    synchronous_standby_names: '*',
    synchronous_commit: 'remote_apply',
  })
  const following = await startServer(second, programs, {
    port: String(standbyPort),
    primary_conninfo: `host=127.0.0.1 port=${port} user=${databaseName} password=${password}`,
  })
  const [primary, standby] = [`127.0.0.1:${port}`, `127.0.0.1:${standbyPort}`]
  const url = (...hosts: readonly string[]): string =>
    `postgresql://${databaseName}:${password}@${hosts.join(',')}/${databaseName}?target_session_attrs=read-write`
  const run = (host: string, statement: string) => administer(url(host), statement)
  return {
    primary,
    standby,
    url,
    async failOver() {
      await stopServer(started)
      await run(standby, 'select pg_promote()')
    },
    async switchOver() {
      await run(primary, 'alter system set default_transaction_read_only = on')
      await run(primary, 'select pg_reload_conf()')
      await run(standby, 'select pg_promote()')
    },
    async close() {
      await Promise.all([stopServer(started), stopServer(following)])
      const homes = [first.home, second.home, ...folders]
      await Promise.all(homes.map((folder) => rm(folder, { recursive: true, force: true })))
    },
  }
}

/** Resolves once the server accepts connections, as a standby only for reads. */
async function startServer(
  { home, user }: PostgresHome,
  programs: PostgresPrograms,
  settings: Readonly<Record<string, string>>,
): Promise<ChildProcess> {
  const all = { listen_addresses: '127.0.0.1', unix_socket_directories: '', fsync: 'off', ...settings }
  const args = Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  const child = spawn(programs.postgres, ['-D', clusterIn(home), ...args], {
    ...user,
    cwd: '/',
    env: postgresEnv,
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const lines: string[] = []
  for await (const line of createInterface({ input: child.stderr })) {
    lines.push(line)
    if (!/ready to accept (?:read-only )?connections$/.test(line)) continue
    child.stderr.resume()
    return child
  }
  throw new Error(lines.join('\n'))
}

/** A fast shutdown, after which nothing that was committed is missing on the standby. */
async function stopServer(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.kill('SIGINT')
  await once(child, 'exit')
}
