import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { startHubProcess } from '../support/hub-process.ts'

let folder: string
let database: TestDatabase
let ending: AbortController
const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }

// Each test has a hub of its own, also when it runs again: a key that was ever given to a hub stays in its database.
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

test('it is healthy and ready when it says so, and ends with 0 when it is told to', async () => {
  const hub = await start()
  expect((await fetch(`${hub.addresses.http}/healthz`)).status).toBe(200)
  expect((await fetch(`${hub.addresses.http}/readyz`)).status).toBe(200)
  expect(hub.addresses.console).toBe(`${hub.addresses.http}/console/`)
  expect((await fetch(hub.addresses.console)).headers.get('content-type')).toContain('text/html')
  expect(await hub.stop()).toBe(0)
})

test('GraphiQL is a small page of files from this hub, for browsers, and served only where tokens are not needed or on request', async () => {
  const hub = await start()
  const open = (url: string) => fetch(url, { headers: { accept: 'text/html,*/*' } })
  const page = await open(hub.addresses.graphql)
  const text = await page.text()
  expect(page.status).toBe(200)
  expect(text.length).toBeLessThan(2_000)
  expect(text).not.toMatch(/<script>|<style|"https?:/)
  const files = [...text.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path)
  expect(files).toHaveLength(2)
  for (const path of files) {
    const file = await open(`${hub.addresses.http}${path}`)
    expect([file.status, file.headers.get('content-encoding')]).toEqual([200, 'gzip'])
    expect((await file.text()).length).toBeGreaterThan(100_000)
  }
  await hub.stop()

  const IOTHUB_OWNER_KEY = Buffer.alloc(32, 5).toString('base64')
  const keyed = await start({ IOTHUB_OWNER_KEY })
  expect((await open(keyed.addresses.graphql)).status).toBe(401)
  await keyed.stop()
  const asked = await start({ IOTHUB_OWNER_KEY, GRAPHIQL: 'true' })
  expect(await (await open(asked.addresses.graphql)).text()).toBe(text)
  await asked.stop()
})

test('a configuration with several problems is refused with all of them', async () => {
  const refusal = start({ HTTP_PORT: 'http', LOG_LEVEL: 'loud' })
  await expect(refusal).rejects.toThrow(/HTTP_PORT[\s\S]*LOG_LEVEL/)
})

test('a data folder in use is refused with who has it and what to do', async () => {
  const hub = await start()
  await expect(start()).rejects.toThrow(/DATA_DIR/)
  await hub.stop()
})

test('a port in use is refused with the variable that names it', async () => {
  const server = createServer()
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  const port = String(typeof address === 'object' ? address?.port : 0)
  await expect(start({ HTTP_PORT: port })).rejects.toThrow(/HTTP_PORT/)
  await expect(start({ MQTTS_PORT: port })).rejects.toThrow(/MQTTS_PORT/)
  server.close()
})

test('a database that cannot be reached is refused with its variable, and without its password', async () => {
  const refusal = await start({ DATABASE_URL: 'postgresql://me:secret@127.0.0.1:1/none' }).catch(
    (error: Error) => error.message,
  )
  expect(refusal).toMatch(/DATABASE_URL/)
  expect(refusal).not.toContain('secret')
})

test('where a key was ever given, tokens are needed for good, on every instance of the hub', async () => {
  const other = join(folder, 'other')
  const ask = async (variables: Readonly<Record<string, string>>) => {
    const hub = await start(variables)
    const response = await fetch(hub.addresses.graphql, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"query":"{ __typename }"}',
    })
    return { hub, status: response.status }
  }
  const before = await ask({})
  expect(before.status).toBe(200)
  await before.hub.stop()
  const keyed = await ask({ IOTHUB_OWNER_KEY: Buffer.alloc(32, 6).toString('base64') })
  expect(keyed.status).toBe(401)
  const joined = await ask({ DATA_DIR: other })
  expect(joined.status).toBe(401)
  await Promise.all([keyed.hub.stop(), joined.hub.stop()])
  const after = await ask({ DATA_DIR: other })
  expect(after.status).toBe(401)
  await after.hub.stop()
})
