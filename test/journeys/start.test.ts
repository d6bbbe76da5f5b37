import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { startApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startHubProcess } from '../support/hub-process.ts'
import { CreateDevices, UpdateTwin } from './operations.ts'

let folder: string
let database: TestDatabase
let ending: AbortController
const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }

beforeEach(async () => {
  ending = new AbortController()
  folder = await mkdtemp(join(tmpdir(), 'twincast-start-'))
  database = await createTestDatabase()
})
afterEach(async () => {
  ending.abort()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

const start = (variables: Readonly<Record<string, string>> = {}) =>
  startHubProcess({ ...anyPort, DATA_DIR: folder, DATABASE_URL: database.url, ...variables }, { signal: ending.signal })

test('it is healthy and ready when it says so, changes a large twin, and ends with 0 when it is told to', async () => {
  const hub = await start()
  expect((await fetch(`${hub.addresses.http}/healthz`)).status).toBe(200)
  expect((await fetch(`${hub.addresses.http}/readyz`)).status).toBe(200)
  expect(hub.addresses.console).toBe(`${hub.addresses.http}/console/`)
  expect((await fetch(hub.addresses.console)).headers.get('content-type')).toContain('text/html')

  // The thread that changes large twins runs a program of its own.
  const client = createHubClient({ url: hub.addresses.graphql })
  await client.execute(CreateDevices, { input: { devices: [{ deviceId: 'pump' }] } })
  const desired = Object.fromEntries(Array.from({ length: 3_000 }, (_, index) => [`k${index}`, true]))
  const input = { deviceId: 'pump', patch: { properties: { desired } } }
  expect(await client.execute(UpdateTwin, { input })).toEqual({ updateTwin: { __typename: 'UpdateTwinPayload' } })
  expect(await hub.stop()).toBe(0)
})

test('GraphiQL is a small page of files from this hub, for browsers, and served only where tokens are not needed or on request', async () => {
  const pageOf = async (variables: Readonly<Record<string, string>>) => {
    const app = await startApp(variables)
    onTestFinished(() => app.close())
    const open = (url: string) => fetch(url, { headers: { accept: 'text/html,*/*' } })
    const page = await open(app.addresses.graphql)
    return { address: app.addresses.http, open, status: page.status, text: await page.text() }
  }
  const { address, open, status, text } = await pageOf({})
  expect(status).toBe(200)
  expect(text.length).toBeLessThan(2_000)
  expect(text).not.toMatch(/<script>|<style|"https?:/)
  const files = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path)
  expect(files).toHaveLength(2)
  for (const path of files) {
    const file = await open(`${address}${path}`)
    expect([file.status, file.headers.get('content-encoding')]).toEqual([200, 'gzip'])
    expect((await file.text()).length).toBeGreaterThan(100_000)
  }

  const IOTHUB_OWNER_KEY = Buffer.alloc(32, 5).toString('base64')
  expect((await pageOf({ IOTHUB_OWNER_KEY })).status).toBe(401)
  expect((await pageOf({ IOTHUB_OWNER_KEY, GRAPHIQL: 'true' })).text).toBe(text)
})

test('a configuration with several problems is refused with all of them', async () => {
  const refusal = start({ HTTP_PORT: 'http', LOG_LEVEL: 'loud' })
  await expect(refusal).rejects.toThrow(/HTTP_PORT[\s\S]*LOG_LEVEL/)
})

test('a port in use is refused with the variable that names it', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = String(typeof address === 'object' ? address?.port : 0)
  await expect(start({ HTTP_PORT: port })).rejects.toThrow(/HTTP_PORT/)
  server.close()
})

test('a database that cannot be reached is refused with its variable, and without its password', async () => {
  const refusal = await start({ DATABASE_URL: 'postgresql://me:secret@127.0.0.1:1/none' }).catch(
    (error: Error) => error.message,
  )
  expect(refusal).toMatch(/DATABASE_URL/)
  expect(refusal).not.toContain('secret')
})
