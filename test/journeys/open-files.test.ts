import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'

/** Fewer than the connections of one port may be, and more than Node opens at once while it loads the modules. */
const openFiles = 512

let folder: string
let database: TestDatabase
let hub: HubProcess
const sockets: Socket[] = []
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-open-files-'))
  database = await createTestDatabase()
  const anyPort = { HTTP_PORT: '0', HTTPS_PORT: '0', MQTT_PORT: '0', MQTTS_PORT: '0', METRICS_PORT: '0' }
  hub = await startHubProcess({ ...anyPort, DATA_DIR: folder, DATABASE_URL: database.url }, { openFiles })
})
afterEach(async () => {
  for (const socket of sockets.splice(0)) socket.destroy()
  await hub.kill()
  await database.drop()
  await rm(folder, { recursive: true, force: true })
})

const linesWith = (text: string) =>
  hub.lines.filter((line) => line.includes(text)).map((line): unknown => JSON.parse(line))
const ask = (query: string) =>
  fetch(hub.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  })

test('a hub with few files to open closes what MQTT opens above its share, goes on answering, and says what to do', async () => {
  expect(linesWith('ulimit -n')).toMatchObject([{ level: 40, openFiles }])
  const port = Number(new URL(hub.addresses.mqtt ?? '').port)
  for (let count = 0; count < openFiles; count++) {
    sockets.push(
      connect(port, '127.0.0.1')
        .on('error', () => {})
        .resume(),
    )
  }
  await expect.poll(() => linesWith('connection closed at once')).not.toEqual([])
  await expect.poll(() => sockets.some(({ closed }) => closed)).toBe(true)

  expect((await fetch(`${hub.addresses.http}/healthz`)).status).toBe(200)
  const answer = await ask('{ devices(first: 1) { nodes { deviceId } } }')
  expect([answer.status, await answer.json()]).toEqual([200, { data: { devices: { nodes: [] } } }])
  // It closed them itself: the system did not have to refuse any.
  expect(linesWith('connection could not be accepted')).toEqual([])
  expect(linesWith('open file limit')).toMatchObject([{ openFiles }, { port: 'MQTT_PORT', address: '127.0.0.1' }])
})
