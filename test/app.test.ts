import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createApp } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { createTestDatabase, type TestDatabase } from './support/database.ts'
import { openDatabaseProxy, type TcpProxy, type Weather } from './support/tcp-proxy.ts'

let database: TestDatabase
let folder: string
let proxy: TcpProxy & { readonly url: string }
let lines: string[]
beforeAll(async () => {
  database = await createTestDatabase()
})
afterAll(() => database.drop())
beforeEach(async () => {
  proxy = await openDatabaseProxy(database.url)
  folder = await mkdtemp(join(tmpdir(), 'twincast-app-'))
  lines = []
})
afterEach(async () => {
  await proxy.close()
  await rm(folder, { recursive: true, force: true })
})

const openApp = () =>
  createApp(
    readConfig(
      {
        DATABASE_URL: proxy.url,
        DATA_DIR: folder,
        HTTP_PORT: '0',
        HTTPS_PORT: '0',
        MQTT_PORT: '0',
        MQTTS_PORT: '0',
        LIMIT_DATABASE_SILENCE: '2000',
      },
      folder,
    ),
    { log: pino({}, { write: (line) => lines.push(JSON.parse(line).msg) }) },
  )

test.each<Weather>(['stall', 'drop', 'refuse'])(
  'a hub whose database is away (%s) is not ready and says why, and is ready when it is back',
  async (how) => {
    const app = openApp()
    const { http } = await app.start()
    const ask = async () => {
      const response = await fetch(`${http}/readyz`)
      return [response.status, await response.json()]
    }
    try {
      expect(await ask()).toEqual([200, { status: 'ready' }])
      await proxy.become(how)
      await expect.poll(ask).toEqual([503, { status: 'not ready', reason: 'The database does not answer.' }])
      expect((await fetch(`${http}/healthz`)).status).toBe(200)
      await proxy.become('forward')
      await expect.poll(ask).toEqual([200, { status: 'ready' }])
      expect(lines).toContain('the database does not answer')
      expect(lines).toContain('the database answers again')
    } finally {
      await app.stop()
    }
  },
)

test.each(['stall', 'drop'] as const)('a hub whose database hangs (%s) stops all the same', async (how) => {
  const app = openApp()
  const { http } = await app.start()
  await proxy.become(how)
  const asked = fetch(`${http}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"query":"{ devices(first: 1) { nodes { deviceId } } }"}',
  }).catch(() => {})
  await app.stop()
  await asked
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
