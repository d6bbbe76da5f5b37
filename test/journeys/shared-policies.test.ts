import { once } from 'node:events'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { parsePolicies, printPolicies } from '../../src/access/policy-file.ts'
import { signSasToken } from '../../src/access/sas.ts'
import { type Addresses, type App, createApp } from '../../src/app.ts'
import { createProgram } from '../../src/cli/program.ts'
import { exitCodeOf } from '../../src/cli/run-command.ts'
import { readConfig } from '../../src/config.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'

let database: TestDatabase
let root: string
const started = new Map<App, Addresses>()
beforeEach(async () => {
  database = await createTestDatabase()
  root = await mkdtemp(join(tmpdir(), 'twincast-policies-'))
})
afterEach(async () => {
  await Promise.all([...started.keys()].map(stop))
  await database.drop()
  await rm(root, { recursive: true, force: true })
})

const key = (fill: number): string => Buffer.alloc(32, fill).toString('base64')
const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }

/** Starts a hub on the database, with the data folder of that name. */
async function start(name: string, ownerKey?: string): Promise<App> {
  const variables = { DATABASE_URL: database.url, DATA_DIR: join(root, name), IOTHUB_OWNER_KEY: ownerKey, ...anyPort }
  const app = createApp(readConfig(variables, root), { log: pino({ level: 'silent' }) })
  started.set(app, await app.start())
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

const tokenOf = (policyName: string, key: string, resource = 'localhost'): string =>
  signSasToken({ resource, key, policyName, expiry: Math.floor(Date.now() / 1000) + 3600 })

/** The status of a GraphQL request, with a token or without one. */
async function statusAt(app: App, authorization?: string): Promise<number> {
  const answer = await fetch(started.get(app)?.graphql ?? '', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(authorization !== undefined && { authorization }) },
    body: '{"query":"{ __typename }"}',
  })
  await answer.arrayBuffer()
  return answer.status
}

test('where a key was ever given, tokens are needed for good, on every instance of the hub', async () => {
  const before = await start('a')
  expect(await statusAt(before)).toBe(200)
  await stop(before)
  const [keyed, joined] = [await start('a', key(6)), await start('b')]
  expect([await statusAt(keyed), await statusAt(joined)]).toEqual([401, 401])
  await Promise.all([keyed, joined].map(stop))
  expect(await statusAt(await start('b'))).toBe(401)
})

/** Opens a WebSocket with a token; resolves when it is accepted. */
async function openSocket(app: App, authorization: string): Promise<WebSocket> {
  const address = (started.get(app)?.graphql ?? '').replace('http', 'ws')
  const socket = new WebSocket(address, 'graphql-transport-ws')
  await once(socket, 'open')
  socket.send(JSON.stringify({ type: 'connection_init', payload: { authorization } }))
  const [acknowledged] = await once(socket, 'message')
  expect(JSON.parse(String(acknowledged))).toEqual({ type: 'connection_ack' })
  return socket
}

/** Begins an event stream with a token. Its text is complete when the hub has ended it. */
async function openStream(app: App, authorization: string): Promise<Response> {
  const answer = await fetch(started.get(app)?.graphql ?? '', {
    method: 'POST',
    headers: { authorization, 'content-type': 'application/json', accept: 'text/event-stream' },
    body: '{"query":"subscription { jobUpdated { jobId } }"}',
  })
  expect(answer.status).toBe(200)
  return answer
}

const silent = { out() {}, error() {} }
const rotate = (policy: string, name: string): Promise<number> =>
  exitCodeOf(createProgram(), ['keys', 'rotate', policy, '--data-dir', join(root, name)], silent)

const policyIn = async (name: string, policyName: string) => {
  const policy = parsePolicies(await read(name, 'policies.json')).find((each) => each.name === policyName)
  if (policy === undefined) throw new Error(`There is no policy ${policyName}.`)
  return policy
}

/** Registers a device, and connects it with a token of a policy. */
async function connectDevice(app: App, authorization: string, password: string): Promise<MqttClient> {
  const { http, mqtt: address } = started.get(app) ?? {}
  const answer = await fetch(`${http}/devices/d1?api-version=2021-04-12`, {
    method: 'PUT',
    headers: { authorization, 'content-type': 'application/json' },
    body: '{"deviceId":"d1"}',
  })
  expect(answer.status).toBe(200)
  const username = 'localhost/d1/?api-version=2021-04-12'
  return mqtt.connectAsync(address ?? '', { clientId: 'd1', username, password, reconnectPeriod: 0 })
}

test('a key that is replaced at one hub is refused at the others, which end the connections that it admitted', async () => {
  const a = await start('a', key(1))
  const b = await start('b', key(1))
  const [service, device] = [await policyIn('b', 'service'), await policyIn('b', 'device')]
  const [former, kept] = [tokenOf('service', service.secondaryKey), tokenOf('service', service.primaryKey)]
  const [socket, other] = [await openSocket(b, former), await openSocket(b, kept)]
  const stream = await openStream(b, former)
  const phone = await connectDevice(b, tokenOf('iothubowner', key(1)), tokenOf('device', device.secondaryKey))
  expect([await statusAt(b, former), await statusAt(b, kept)]).toEqual([200, 200])

  const [socketEnd, phoneEnd] = [
    once(socket, 'close'),
    new Promise((resolve) => phone.once('close', () => resolve('closed'))),
  ]
  expect(await rotate('service', 'a')).toBe(0)
  const [code, reason] = await socketEnd
  expect([code, String(reason)]).toEqual([4401, 'TOKEN_INVALID'])
  expect(await stream.text()).toContain('"code":"TOKEN_INVALID"')
  const rotated = await policyIn('a', 'service')
  expect(rotated.secondaryKey).toBe(service.primaryKey)
  expect([await statusAt(b, former), await statusAt(b, tokenOf('service', rotated.primaryKey))]).toEqual([401, 200])

  expect(await rotate('device', 'a')).toBe(0)
  expect(await phoneEnd).toBe('closed')
  // Who has a key that the policy still has is not affected.
  other.send('{"type":"ping"}')
  expect(String((await once(other, 'message'))[0])).toBe('{"type":"pong"}')
  other.close()

  // What it has taken over is what it starts with.
  await expect.poll(() => read('b', 'policies.json')).toBe(await read('a', 'policies.json'))
  await stop(b)
  await start('b', key(1))
  await stop(a)
})

test('the key of the owner, replaced at one hub, is that of the others after their next start, too', async () => {
  await start('a')
  const b = await start('b')
  const before = await read('a', 'iothubowner-key')
  const socket = await openSocket(b, tokenOf('iothubowner', (await policyIn('b', 'iothubowner')).secondaryKey))
  const end = once(socket, 'close')
  expect(await rotate('iothubowner', 'a')).toBe(0)
  await end
  const after = await read('a', 'iothubowner-key')
  expect(after).not.toBe(before)
  await expect.poll(() => read('b', 'iothubowner-key')).toBe(after)
  await stop(b)
  await start('b')
})
