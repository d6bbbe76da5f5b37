import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/clock.ts'
import { readConfig } from '../../src/config.ts'
import { openDataFolder } from '../../src/data-folder.ts'
import { examine } from '../../src/doctor/examine.ts'
import { createBareDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts'
import { tlsPairIn, writeTlsPair } from '../support/tls-pair.ts'

const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }

let database: TestDatabase
let root: string
let folder: string
beforeAll(async () => {
  database = await createTestDatabase()
  root = await mkdtemp(join(tmpdir(), 'twincast-doctor-'))
})
afterAll(async () => {
  await database.drop()
  await rm(root, { recursive: true })
})
beforeEach(async () => {
  folder = await mkdtemp(join(root, 'hub-'))
})

async function examined(variables: Readonly<Record<string, string>> = {}, now?: Date) {
  const env = { ...anyPort, DATABASE_URL: database.url, DATA_DIR: folder, ...variables }
  return await examine(readConfig(env, folder), { clock: { ...systemClock, now: () => now ?? new Date() } })
}

/** This machine's own, which differ. */
const ofTheMachine = ['disk', 'open files', 'durability']

/** What is not fine, without the advice. */
async function complaints(variables: Readonly<Record<string, string>> = {}, now?: Date): Promise<readonly string[]> {
  const findings = await examined(variables, now)
  for (const { verdict, advice } of findings) expect(advice === undefined).toBe(verdict === 'ok')
  const ignored = now === undefined ? ofTheMachine : [...ofTheMachine, 'clock']
  return findings.flatMap(({ check, verdict, finding }) =>
    verdict === 'ok' || ignored.includes(check) ? [] : `${verdict}: ${finding}`,
  )
}

test('a hub that lacks nothing has no problems, and each check says what it found', async () => {
  expect(await complaints()).toEqual([])
  const checks = (await examined()).map(({ check }) => check)
  expect(checks).toEqual(
    expect.arrayContaining([
      'versions',
      'data folder',
      'disk',
      'ports',
      'database',
      'connections',
      'clock',
      'migrations',
    ]),
  )
})

test('a database that cannot be reached, or that a newer release has used, is a problem', async () => {
  expect(await complaints({ DATABASE_URL: 'postgresql://me:secret@127.0.0.1:1/none' })).toEqual([
    expect.stringMatching(/^problem: The database cannot be used: .*ECONNREFUSED(?!.*secret)/),
  ])
  const other = await createTestDatabase()
  try {
    await other.pool.query(
      "insert into _prisma_migrations (id, checksum, migration_name, finished_at) values ('x', 'x', '99990101000000_x', now())",
    )
    expect(await complaints({ DATABASE_URL: other.url })).toEqual([expect.stringMatching(/^problem: A newer release/)])
  } finally {
    await other.drop()
  }
})

test('a new database is fine, and stays without tables', async () => {
  const bare = await createBareDatabase()
  try {
    expect(await complaints({ DATABASE_URL: bare.url })).toEqual([])
    expect((await bare.pool.query("select from pg_class where relnamespace = 'public'::regnamespace")).rows).toEqual([])
  } finally {
    await bare.drop()
  }
})

test('a read-only database is a problem', async () => {
  const url = new URL(database.url)
  url.searchParams.set('options', '-c default_transaction_read_only=on')
  expect(await complaints({ DATABASE_URL: url.href })).toEqual(['problem: The database is read-only.'])
})

test('roles that neither this instance nor a running one has are a warning', async () => {
  expect(await complaints({ HUB_ROLES: 'gateway,api' })).toEqual([
    'warning: This instance has the roles gateway, api, and no instance that runs has worker: without worker, jobs do not start, end or expire.',
  ])
  await database.pool.query("insert into instance values ('worker', now() + interval '1 hour', '{worker}')")
  expect(await complaints({ HUB_ROLES: 'gateway,api' })).toEqual([])
  await database.pool.query('delete from instance')
})

test('clocks that differ are a problem', async () => {
  const findings = await examined({}, new Date(Date.now() + 60_000))
  expect(findings.filter(({ check }) => check === 'clock')).toMatchObject([{ verdict: 'problem' }])
})

test('a port in use is a problem with its variable, unless the hub itself runs', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const HTTP_PORT = String(typeof address === 'object' ? address?.port : 0)
  expect(await complaints({ HTTP_PORT })).toEqual([
    expect.stringMatching(/^problem: HTTP_PORT is \d+, but .* uses this port/),
  ])
  const held = await openDataFolder(folder)
  expect(await complaints({ HTTP_PORT })).toEqual([])
  await held.release()
  server.close()
})

test('a server of NATS in BUS_URL that cannot be reached is a warning', async () => {
  expect(await complaints({ BUS_URL: 'nats://me:secret@127.0.0.1:1' })).toEqual([
    expect.stringMatching(/^warning: NATS at 127\.0\.0\.1:1 cannot be used: .*refused(?!.*secret)/),
  ])
})

test('a certificate is reported before and after its end, and when it has the wrong key or name', async () => {
  const pair = tlsPairIn(folder)
  await writeTlsPair(pair)
  const end = new Date(new X509Certificate(await readFile(pair.TLS_CERT)).validTo).getTime()
  expect(await complaints(pair)).toEqual([])
  expect(await complaints({ ...pair, HUB_HOST_NAME: 'hub.example' })).toEqual([
    'problem: The certificate is not for HUB_HOST_NAME, hub.example.',
  ])
  expect(await complaints(pair, new Date(end - 5.5 * 86_400_000))).toEqual([
    expect.stringMatching(/^warning: .* is valid until \d{4}-\d\d-\d\d, 5 more days\.$/),
  ])
  expect(await complaints(pair, new Date(end + 1_000))).toEqual([expect.stringMatching(/^problem: .* has expired\.$/)])
  const other = tlsPairIn(await mkdtemp(join(folder, 'other-')))
  await writeTlsPair(other)
  expect(await complaints({ ...pair, TLS_KEY: other.TLS_KEY })).toEqual([
    expect.stringMatching(/^problem: TLS_KEY: .* is not the key of the certificate/),
  ])
})

test('faulty policies, roles and secrets that others can read are reported', async () => {
  await writeFile(join(folder, 'policies.json'), '[]')
  await chmod(join(folder, 'policies.json'), 0o644)
  expect(await complaints({ ROLES_FILE: join(folder, 'roles.json') })).toEqual([
    'warning: Other users can access policies.json.',
    expect.stringMatching(/^problem: .*policies\.json: The policy "iothubowner" is missing/),
    expect.stringMatching(/^problem: .*roles\.json does not exist\.$/),
  ])
})

test('an embedded database that another release of PostgreSQL made is a problem', async () => {
  expect(await complaints({ DATABASE_URL: '' })).toEqual([])
  await mkdir(join(folder, 'postgres'))
  await writeFile(join(folder, 'postgres', 'PG_VERSION'), '17\n')
  expect(await complaints({ DATABASE_URL: '' })).toEqual([
    expect.stringMatching(/^problem: PostgreSQL 17 made the database, and this release has PostgreSQL \d+/),
  ])
})
