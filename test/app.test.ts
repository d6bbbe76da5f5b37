import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { createConnection } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createApp } from '../src/app.ts'
import { type Clock, systemClock } from '../src/clock.ts'
import { readConfig } from '../src/config.ts'
import { ReadKeysDocument } from '../src/generated/commands/graphql.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { freePorts } from './support/ports.ts'
import { openDatabaseProxy, type TcpProxy, type Weather } from './support/tcp-proxy.ts'
import { shownFingerprint, tlsPairIn, writeTlsPair } from './support/tls-pair.ts'

let database: TestDatabase
let folder: string
let proxy: TcpProxy & { readonly url: string }
let lines: string[]
let entries: Record<string, unknown>[]
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  proxy = await openDatabaseProxy(database.url)
  folder = await mkdtemp(join(tmpdir(), 'twincast-app-'))
  lines = []
  entries = []
})
afterEach(async () => {
  await proxy.close()
  await rm(folder, { recursive: true, force: true })
})

const openApp = (variables: Readonly<Record<string, string>> = {}, clock: Clock = systemClock) =>
  createApp(
    readConfig(
      {
        DATABASE_URL: proxy.url,
        DATA_DIR: folder,
        HTTP_PORT: '0',
        HTTPS_PORT: '0',
        MQTT_PORT: '0',
        MQTTS_PORT: '0',
        METRICS_PORT: '0',
        LIMIT_DATABASE_SILENCE: '2000',
        ...variables,
        ...variables,
      },
      folder,
    ),
    { log: pino({}, { write: keepLine }), clock },
  )

function keepLine(line: string): void {
  const entry = JSON.parse(line)
  entries.push(entry)
  lines.push(entry.msg)
}

test('a start without settings listens on this machine only, has no default key, and logs what is open', async () => {
  const keys: string[] = []
  for (const place of [folder, await mkdtemp(join(tmpdir(), 'twincast-app-'))]) {
    const other = await createTestDatabase()
    const app = openApp({ DATABASE_URL: other.url, DATA_DIR: place })
    const addresses = await app.start()
    expect(Object.values(addresses).map((address) => new URL(address ?? '').hostname)).toEqual(
      Array(7).fill('127.0.0.1'),
    )
    keys.push(await readFile(join(place, 'iothubowner-key'), 'utf8'))
    await app.stop()
    await other.drop()
    if (place !== folder) await rm(place, { recursive: true })
  }
  expect(new Set(keys).size).toBe(2)
  expect(entries.filter(({ msg }) => msg === 'ready')).toEqual(
    Array(2).fill(
      expect.objectContaining({
        access: 'GraphQL requests from this machine need no token and have all rights',
        plainHttp: 'accepted from this machine, and from trusted proxies whose clients use TLS',
      }),
    ),
  )
})

test('a start with settings logs what they open', async () => {
  const key = Buffer.alloc(32, 'k').toString('base64')
  const other = await createTestDatabase()
  const app = openApp({ DATABASE_URL: other.url, IOTHUB_OWNER_KEY: key, ALLOWED_ORIGINS: '*', PLAIN_HTTP: 'off' })
  const { graphql, https } = await app.start()
  expect(graphql).toBe(`${https}/graphql`)
  await app.stop()
  await other.drop()
  expect(entries.find(({ msg }) => msg === 'ready')).toMatchObject({
    access: 'every request needs a token',
    plainHttp: 'only redirected to TLS',
    allowedOrigins: ['*'],
  })
  expect(JSON.stringify(entries)).not.toContain(key)
})

test.each([
  [-5_000, 1],
  [5_000, 1],
  [0, 0],
])('a hub whose clock is ahead of that of the database by %i ms warns of it %i times', async (ms, times) => {
  const clock = { ...systemClock, now: () => new Date(systemClock.now().getTime() + ms) }
  const app = openApp({}, clock)
  await app.start()
  await app.stop()
  const said = lines.filter((line) => line.startsWith('the clocks of the database and this machine differ'))
  expect(said).toHaveLength(times)
})

test.each<Weather>(['stall', 'drop', 'refuse'])(
  'a hub whose database is away (%s) is not ready and says why, and is ready when it is back',
  async (how) => {
    const app = openApp()
    const { http = '' } = await app.start()
    const ask = async () => {
      const response = await fetch(`${http}/readyz`)
      return [response.status, await response.json()]
    }
    try {
      const [migrations, instances] = [{ ok: true }, expect.anything()]
      const [roles, clock] = [{ ok: true }, { ok: true }]
      const ready = { status: 'ready', checks: { database: { ok: true }, migrations, instances, roles, clock } }
      expect(await ask()).toEqual([200, ready])
      await proxy.become(how)
      const reason = 'The database does not answer.'
      await expect.poll(ask).toEqual([
        503,
        {
          status: 'unavailable',
          reason,
          checks: { database: { ok: false, reason }, migrations, instances, roles, clock },
        },
      ])
      expect((await fetch(`${http}/healthz`)).status).toBe(200)
      await proxy.become('forward')
      await expect.poll(ask).toEqual([200, ready])
      expect(lines).toContain('database unreachable, retrying')
      expect(lines).toContain('database reachable again')
    } finally {
      await app.stop()
    }
  },
)

test.each(['stall', 'drop'] as const)('a hub whose database hangs (%s) stops all the same', async (how) => {
  const app = openApp()
  const { http = '' } = await app.start()
  await proxy.become(how)
  const asked = fetch(`${http}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ devices(first: 1) { nodes { deviceId } } }"}',
  }).catch(() => {})
  await app.stop()
  await asked
  await expect(fetch(`${http}/healthz`)).rejects.toThrow()
})

test.each(['stall', 'drop'] as const)('a hub that hangs in its start (%s) can be stopped', async (how) => {
  await proxy.become(how)
  const app = openApp()
  const started = app.start().catch((error: unknown) => error)
  await expect.poll(() => proxy.tries()).toBeGreaterThan(0)
  await app.stop()
  expect(await started).toMatchObject({ name: 'StoppedError' })
  // What it held, the next may have.
  await proxy.become('forward')
  const next = openApp()
  await next.start()
  await next.stop()
})

test('a hub that is stopped while it starts leaves nothing started', async () => {
  const app = openApp()
  const started = app.start().catch((error: unknown) => error)
  await expect.poll(() => proxy.open()).toBeGreaterThan(0)
  await app.stop()
  expect(await started).toMatchObject({ name: 'StoppedError' })
  await expect.poll(() => proxy.open()).toBe(0)
})

test('a hub whose database has not answered yet is healthy and not ready, and lets no other request through', async () => {
  const [port = 0] = await freePorts(1)
  await proxy.become('stall')
  const app = openApp({ HTTP_PORT: String(port) })
  const started = app.start().catch((error: unknown) => error)
  const ask = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${port}${path}`).catch(() => undefined)
    return [response?.status, response?.headers.get('retry-after')]
  }
  await expect.poll(() => ask('/healthz')).toEqual([200, null])
  expect(await ask('/readyz')).toEqual([503, '1'])
  expect(await ask('/graphql')).toEqual([503, '1'])
  expect(await ask('/devices')).toEqual([503, '1'])
  await app.stop()
  expect(await started).toMatchObject({ name: 'StoppedError' })
  expect(await ask('/healthz')).toEqual([undefined, undefined])
})

test('who asks a second time for a stop is not kept waiting for the farewell to other instances', async () => {
  const rarely = { LIMIT_INSTANCE_LEASE: '60000' }
  const [patient, hurried] = [openApp(rarely), openApp({ ...rarely, DATA_DIR: join(folder, 'hurried') })]
  await Promise.all([patient.start(), hurried.start()])
  const client = await database.pool.connect()
  // Neither can say any more that its lease is over.
  await client.query('begin; lock table instance in access exclusive mode')
  const ended: string[] = []
  const stops = [patient.stop().then(() => ended.push('patient'))]
  const waiting =
    "select count(*)::integer as count from pg_locks where relation = 'instance'::regclass and not granted"
  await expect.poll(async () => (await database.pool.query(waiting)).rows[0].count).toBe(1)
  stops.push(hurried.stop().then(() => ended.push('hurried')))
  hurried.hurry()
  await Promise.all(stops)
  expect(ended).toEqual(['hurried', 'patient'])
  await client.query('rollback')
  client.release()
})

test('a hub that stops says so first, turns new devices away, and keeps the others for their answers', async () => {
  const [port = 0, mqttPort = 0] = await freePorts(2)
  const app = openApp({ HTTP_PORT: String(port), MQTT_PORT: String(mqttPort) })
  await app.start()
  const connect = async () => {
    const socket = createConnection(mqttPort, '127.0.0.1').on('error', () => {})
    return once(socket, 'connect').then(
      () => socket,
      () => undefined,
    )
  }
  const early = await connect()
  let isClosed = false
  early?.once('close', () => {
    isClosed = true
  })
  // A request under way keeps the stop from going on.
  const slow = createConnection(port, '127.0.0.1').on('error', () => {})
  slow.write(
    `POST /graphql HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 28\r\n\r\n`,
  )
  let answer = ''
  slow.on('data', (chunk) => {
    answer += chunk
  })
  // The hub has it when it has answered what came later.
  await fetch(`http://127.0.0.1:${port}/healthz`)
  const stopped = app.stop()
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(503)
  // It first reads whether there are others, for which it would go on for a while.
  await expect.poll(async () => (await fetch(`http://127.0.0.1:${port}/devices`)).status).toBe(503)
  expect((await fetch(`http://127.0.0.1:${port}/healthz`)).status).toBe(200)
  expect(await connect()).toBeUndefined()
  expect(isClosed).toBe(false)
  slow.write('{"query":"{ __typename   }"}')
  await stopped
  expect(answer).toMatch(/^HTTP\/1\.1 200 /)
})

test('a hub opens each port at its own address, and none that is off', async () => {
  const app = openApp({ HTTP_PORT: 'off', HTTPS_HOST: '127.0.0.2', MQTT_PORT: 'off', MQTTS_HOST: '127.0.0.3' })
  const { http, https, mqtt, mqtts, graphql, console: pages } = await app.start()
  try {
    expect([http, mqtt]).toEqual([undefined, undefined])
    expect([graphql, pages]).toEqual([`${https}/graphql`, `${https}/console/`])
    const identityOf = async (address = ''): Promise<string> => {
      const { hostname, port } = new URL(address)
      const socket = connectTls({ host: hostname, port: Number(port), ca: await readFile(join(folder, 'ca.pem')) })
      await once(socket, 'secureConnect')
      const { remoteAddress = '' } = socket
      socket.destroy()
      return remoteAddress
    }
    expect([await identityOf(https), await identityOf(mqtts)]).toEqual(['127.0.0.2', '127.0.0.3'])
    expect(entries.find(({ msg }) => msg === 'ready')).toEqual(expect.not.objectContaining({ http: expect.anything() }))
  } finally {
    await app.stop()
  }
})

test('certificates that have changed are taken at a reload, and those that cannot be used are not', async () => {
  await proxy.become('forward')
  const pair = tlsPairIn(folder)
  const first = await writeTlsPair(pair)
  const app = openApp(pair)
  const { https, mqtts } = await app.start()
  const shown = () => Promise.all([https, mqtts].map((address = '') => shownFingerprint(address)))
  const answerTo = async (address = '', offer: ConnectionOptions) => {
    const port = Number(new URL(address).port)
    const client = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false, ...offer })
    const answer = await once(client, 'secureConnect').then(
      () => 'a connection',
      ({ code }) => code,
    )
    client.destroy()
    return answer
  }
  try {
    expect(await shown()).toEqual([first, first])
    const second = await writeTlsPair(pair)
    await app.reload()
    expect(await shown()).toEqual([second, second])
    // With the other certificate, too, nothing is spoken that costs the hub much more than its client.
    for (const offer of [{ ecdhCurve: 'ffdhe2048' }, { maxVersion: 'TLSv1.2', ciphers: 'AES128-SHA' }] as const) {
      const answers = await Promise.all([https, mqtts].map((address) => answerTo(address, offer)))
      expect(answers).toEqual(Array(2).fill(expect.stringMatching(/ALERT_HANDSHAKE_FAILURE$/)))
    }
    await writeFile(pair.TLS_CERT, 'none')
    await app.reload()
    expect(await shown()).toEqual([second, second])
    expect(lines).toContain('certificates could not be reloaded; the current ones stay in use')
  } finally {
    await app.stop()
  }
})

test('a hub for trusted documents only runs those of its programs, and offers no GraphiQL', async () => {
  const documents = join(folder, 'web.json')
  await writeFile(documents, JSON.stringify({ a1: 'query Known { hub { limits { trustedDocumentsOnly } } }' }))
  const app = openApp({ TRUSTED_DOCUMENTS: 'web.json', TRUSTED_DOCUMENTS_ONLY: 'true' })
  const { graphql = '' } = await app.start()
  const ask = async (params: Record<string, unknown>) => {
    const headers = { 'content-type': 'application/json' }
    return (await fetch(graphql, { method: 'POST', headers, body: JSON.stringify(params) })).json()
  }
  expect(await ask({ documentId: 'a1' })).toEqual({ data: { hub: { limits: { trustedDocumentsOnly: true } } } })
  expect(await ask({ query: ReadKeysDocument.toString(), variables: { queryCondition: '*', first: 1 } })).toEqual({
    data: { devices: { nodes: [] } },
  })
  expect(await ask({ query: '{ __typename }' })).toMatchObject({
    errors: [{ extensions: { code: 'DOCUMENT_NOT_TRUSTED' } }],
  })
  expect((await fetch(graphql, { headers: { accept: 'text/html' } })).headers.get('content-type')).not.toContain('html')

  await writeFile(documents, JSON.stringify({ a1: 'query Other { viewer { name } }' }))
  await app.reload()
  expect(await ask({ documentId: 'a1' })).toEqual({ data: { viewer: { name: 'iothubowner' } } })
  await app.stop()
})

test('a hub does not start with trusted documents that do not match the schema', async () => {
  await writeFile(join(folder, 'web.json'), JSON.stringify({ a1: '{ nothing }', b2: '{' }))
  const started = openApp({ TRUSTED_DOCUMENTS: 'web.json' }).start()
  await expect(started).rejects.toThrow(/a1: Cannot query field "nothing".*\n.*b2: Syntax Error/)
})
