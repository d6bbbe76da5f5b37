import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sqltag as sql } from '@prisma/client/runtime/client'
import { pino } from 'pino'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { PoolerError, refuseTransactionPooling } from '../../src/database/refuse-pooler.ts'
import { createTestDatabase, openTestDb, type TestDatabase } from '../support/database.ts'
import { freePorts } from '../support/ports.ts'

const program = ['pgbouncer', '/usr/sbin/pgbouncer'].find((name) => spawnSync(name, ['--version']).status === 0)
if (program === undefined) console.warn('No pgbouncer: its tests are left out. Debian: apt-get install pgbouncer.')

let database: TestDatabase
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())

const lines: string[] = []
const log = pino({}, { write: (line) => lines.push(JSON.parse(line).msg) })

test('the database itself is fine', async () => {
  await refuseTransactionPooling(database.url, log)
  expect(lines).toEqual([])
})

/** Runs a pgbouncer before the database, as nobody when we are root, which it would not run as. */
async function withPgbouncer(settings: string, work: (url: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'twincast-pgbouncer-'))
  const [port = 0] = await freePorts(1)
  const { hostname, port: far, pathname, username, password } = new URL(database.url)
  const name = pathname.slice(1)
  const users = join(folder, 'users.txt')
  const config = join(folder, 'pgbouncer.ini')
  await writeFile(users, `"${username}" "${decodeURIComponent(password)}"\n`)
  await writeFile(
    config,
    `[databases]
${name} = host=${hostname} port=${far} dbname=${name}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
auth_type = plain
auth_file = ${users}
unix_socket_dir =
${settings}
`,
  )
  let bouncer: ChildProcess | undefined
  try {
    const isRoot = process.getuid?.() === 0
    if (isRoot) {
      const nobody = Number(execFileSync('id', ['-u', 'nobody']))
      for (const path of [folder, users, config]) await chown(path, nobody, nobody)
    }
    bouncer = spawn(program ?? '', [...(isRoot ? ['-u', 'nobody'] : []), config], { stdio: 'ignore' })
    await expect.poll(() => isOpen(port)).toBe(true)
    const url = new URL(database.url)
    url.hostname = '127.0.0.1'
    url.port = String(port)
    await work(url.href)
  } finally {
    if (bouncer?.exitCode === null && bouncer.kill('SIGKILL')) await once(bouncer, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
}

const isOpen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })

test.runIf(program)('a pgbouncer in transaction mode is refused, with what to set', () =>
  withPgbouncer('pool_mode = transaction\nignore_startup_parameters = options', async (url) => {
    await expect(refuseTransactionPooling(url, log)).rejects.toThrow(PoolerError)
    await expect(refuseTransactionPooling(url, log)).rejects.toThrow('pool_mode = session')
  }),
)

test.runIf(program)('one that does not take the settings of sessions is refused, with what to set', () =>
  withPgbouncer('pool_mode = session', async (url) => {
    await expect(refuseTransactionPooling(url, log)).rejects.toThrow('ignore_startup_parameters = options')
  }),
)

test.runIf(program)('one in session mode works, and the log says that it ignores the settings of sessions', () =>
  withPgbouncer('pool_mode = session\nignore_startup_parameters = options', async (url) => {
    await refuseTransactionPooling(url, log)
    expect(lines).toEqual([expect.stringContaining('ignores session settings')])
    const db = openTestDb(url)
    expect(await db.query(sql`select 1 as one`)).toEqual([{ one: 1 }])
    expect(await db.prisma.device.count()).toBe(0)
    await db.close()
  }),
)

test.runIf(program)('the pools of reads and of everything else have their own plans through it', () =>
  withPgbouncer('pool_mode = session\nignore_startup_parameters = options', async (url) => {
    const db = openTestDb(url)
    const scan = sql`select current_setting('enable_seqscan') as scan`
    const scans = [await db.query(scan), await db.transaction((tx) => tx.query(scan)), await db.reads.query(scan)]
    await db.close()
    expect(scans).toEqual([[{ scan: 'off' }], [{ scan: 'off' }], [{ scan: 'on' }]])
  }),
)
