import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { parsePolicies, printPolicies } from '../../src/access/policy-file.ts'
import { type App, createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let root: string
const started = new Set<App>()
beforeEach(async () => {
  database = await createTestDatabase()
  root = await mkdtemp(join(tmpdir(), 'twincast-policies-'))
})
afterEach(async () => {
  await Promise.all([...started].map(stop))
  await database.drop()
  await rm(root, { recursive: true, force: true })
})

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64')
const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }

/** Starts a hub on the database, with the data folder of that name. */
async function start(name: string, ownerKey?: string): Promise<App> {
  const variables = { DATABASE_URL: database.url, DATA_DIR: join(root, name), IOTHUB_OWNER_KEY: ownerKey, ...anyPort }
  const app = createApp(readConfig(variables, root), { log: pino({ level: 'silent' }) })
  await app.start()
  started.add(app)
  return app
}

async function stop(app: App): Promise<void> {
  started.delete(app)
  await app.stop()
}

/** What it said instead of starting. */
const refusalOf = (name: string, ownerKey?: string): Promise<string> =>
  start(name, ownerKey).then(
    () => 'it started',
    (error: Error) => error.message,
  )

const read = (name: string, file: string): Promise<string> => readFile(join(root, name, file), 'utf8')

/** Gives the hub of that name, which does not run, the policies of another, changed. */
async function givePolicies(name: string, change: (text: string) => string, from = name): Promise<void> {
  await writeFile(join(root, name, 'policies.json'), change(await read(from, 'policies.json')))
}

/** All that a refused hub could have changed. */
const rows = async (): Promise<unknown[]> =>
  (await database.pool.query('select policy.*, policy.xmin from policy order by name')).rows

const keyOf = async (name: string): Promise<string | undefined> => {
  const { rows } = await database.pool.query<{ primary_key: string }>('select * from policy where name = $1', [name])
  return rows[0]?.primary_key
}

const withKey =
  (policyName: string, primaryKey: string) =>
  (text: string): string =>
    printPolicies(parsePolicies(text).map((each) => (each.name === policyName ? { ...each, primaryKey } : each)))

test('another owner key than that of a hub that is alive is refused, and nothing is changed', async () => {
  await start('a', key(1))
  const before = await rows()
  const refusal = await refusalOf('b', key(2))
  expect(refusal).toContain('IOTHUB_OWNER_KEY')
  expect(refusal).toMatch(/stop the other hubs first/)
  for (const secret of [key(1), key(2)]) expect(refusal).not.toContain(secret)
  expect(await rows()).toEqual(before)
  // Its certificate is its own, and needed before the database is asked: its probes answer by TLS too.
  expect((await readdir(join(root, 'b'))).sort()).toEqual(['ca-key.pem', 'ca.pem', 'lock', 'server.pem'])
})

test('an owner key that was generated for a hub is refused by its file', async () => {
  await stop(await start('b'))
  await start('a', key(1))
  const kept = await read('b', 'iothubowner-key')
  const refusal = await refusalOf('b')
  expect(refusal).toContain(join(root, 'b', 'iothubowner-key'))
  expect(refusal).not.toContain(kept.trim())
  expect(await keyOf('iothubowner')).toBe(key(1))
  expect(await read('b', 'iothubowner-key')).toBe(kept)
})

test('other policies than those of a hub that is alive are refused by their names, and nothing is changed', async () => {
  await stop(await start('b', key(1)))
  await start('a', key(1))
  const before = await rows()
  await givePolicies('b', withKey('service', key(5)))
  const file = await read('b', 'policies.json')
  const refusal = await refusalOf('b', key(1))
  expect(refusal).toContain(
    `${join(root, 'b', 'policies.json')}: the primary key of "service" differs from the other hubs`,
  )
  expect(refusal).not.toContain('"device"')
  expect(refusal).not.toContain('- IOTHUB_OWNER_KEY')
  expect(refusal).not.toContain(key(5))
  expect(await rows()).toEqual(before)
  expect(await read('b', 'policies.json')).toBe(file)
})

test('the same owner key and policies start, also when the file has an owner key that was replaced since', async () => {
  const a = await start('a', key(1))
  await start('b', key(1))
  await stop(a)
  await givePolicies('a', withKey('iothubowner', key(9)))
  await start('a', key(1))
  expect(await read('a', 'policies.json')).toBe(await read('b', 'policies.json'))
})

test('a hub that is alone changes owner key and policies, and who started with the old ones has to follow', async () => {
  const [a, b] = [await start('a', key(1)), await start('b', key(1))]
  await Promise.all([stop(a), stop(b)])
  await givePolicies('a', withKey('service', key(5)))
  await start('a', key(2))
  expect(await keyOf('iothubowner')).toBe(key(2))
  expect(await keyOf('service')).toBe(key(5))

  expect(await refusalOf('b', key(1))).toMatch(/- IOTHUB_OWNER_KEY[\s\S]*"service"/)
  await givePolicies('b', (text) => text, 'a')
  await start('b', key(2))
})

test('a hub without a key and policies of its own takes over those of one that is alive, and keeps them', async () => {
  const a = await start('a', key(1))
  const before = await rows()
  const policies = await read('a', 'policies.json')
  const b = await start('b')
  expect(await rows()).toEqual(before)
  expect((await read('b', 'iothubowner-key')).trim()).toBe(key(1))
  expect(await read('b', 'policies.json')).toBe(policies)
  await Promise.all([stop(a), stop(b)])
  await start('b')
  expect(await read('b', 'policies.json')).toBe(policies)
})

test('hubs that start at the same moment with nothing agree', async () => {
  await Promise.all(['a', 'b', 'c'].map((name) => start(name)))
  const files = await Promise.all(['a', 'b', 'c'].map((name) => read(name, 'policies.json')))
  expect(new Set(files).size).toBe(1)
  const keys = await Promise.all(['a', 'b', 'c'].map((name) => read(name, 'iothubowner-key')))
  expect(keys).toEqual(Array.from({ length: 3 }, () => `${parsePolicies(files[0] ?? '')[1]?.primaryKey}\n`))
})

test('of hubs that start at the same moment with different owner keys one starts', async () => {
  const names = ['1', '2', '3']
  const refusals = await Promise.all(names.map((name) => refusalOf(name, key(Number(name)))))
  const winner = refusals.indexOf('it started') + 1
  expect(refusals.filter((refusal) => refusal.includes('IOTHUB_OWNER_KEY'))).toHaveLength(2)
  expect(await keyOf('iothubowner')).toBe(key(winner))
})
