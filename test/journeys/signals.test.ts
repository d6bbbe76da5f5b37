import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { openDatabaseProxy, type TcpProxy } from '../support/tcp-proxy.ts'
import { shownFingerprint, tlsPairIn, writeTlsPair } from '../support/tls-pair.ts'

let database: TestDatabase
let proxy: TcpProxy & { readonly url: string }
let root: string
const hubs: HubProcess[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  proxy = await openDatabaseProxy(database.url)
  root = await mkdtemp(join(tmpdir(), 'twincast-signals-'))
})
afterEach(async () => {
  await Promise.all(hubs.splice(0).map((hub) => hub.kill()))
  await proxy.close()
  await database.drop()
  await rm(root, { recursive: true, force: true })
})

async function start(variables: Readonly<Record<string, string>> = {}): Promise<HubProcess> {
  const hub = await startHubProcess({
    DATABASE_URL: proxy.url,
    DATA_DIR: await mkdtemp(join(root, 'hub-')),
    HTTP_PORT: '0',
    HTTPS_PORT: '0',
    MQTT_PORT: '0',
    MQTTS_PORT: '0',
    METRICS_PORT: '0',
    ...variables,
  })
  hubs.push(hub)
  return hub
}

const hurryingLine = 'stopping at once: writes that the database does not accept immediately are abandoned'

/** Sends SIGTERM until it counts as a second one: two that come together are the same asking. */
async function hurry(hub: HubProcess): Promise<void> {
  await hub.logged('stopping')
  await expect
    .poll(() => {
      hub.send('SIGTERM')
      return hub.lines.some((line) => line.includes(hurryingLine))
    })
    .toBe(true)
}

/** Whether it has ended, and how. */
function endOf(hub: HubProcess): () => number | null | 'running' {
  let end: number | null | 'running' = 'running'
  void hub.ended.then((code) => {
    end = code
  })
  return () => end
}

test('SIGHUP makes a hub that is a service read its certificates again, and does not stop it', async () => {
  const pair = tlsPairIn(root)
  const first = await writeTlsPair(pair)
  const hub = await start(pair)
  const { http, https, mqtts } = hub.addresses
  const shown = () => Promise.all([https, mqtts].map(shownFingerprint))
  expect(await shown()).toEqual([first, first])

  const second = await writeTlsPair(pair)
  hub.send('SIGHUP')
  await hub.logged('certificates reloaded; the environment is read at start only')
  expect(await shown()).toEqual([second, second])

  await writeFile(pair.TLS_CERT, 'none')
  hub.send('SIGHUP')
  await hub.logged('certificates could not be reloaded; the current ones stay in use')
  expect(await shown()).toEqual([second, second])
  expect((await fetch(`${http}/readyz`)).status).toBe(200)
  expect(await hub.stop()).toBe(0)
})

test('a second SIGTERM ends a hub whose statement waits for a lock', async () => {
  const hub = await start({ LIMIT_DATABASE_STATEMENT: '600000' })
  const client = await database.pool.connect()
  try {
    // The scheduler's next look at the jobs would wait for eight minutes.
    await client.query('begin; lock table job in access exclusive mode')
    const waiting = "select count(*)::integer as count from pg_locks where relation = 'job'::regclass and not granted"
    await expect.poll(async () => (await database.pool.query(waiting)).rows[0].count).toBeGreaterThan(0)
    const end = endOf(hub)
    hub.send('SIGTERM')
    await hurry(hub)
    await expect.poll(end).toBe(0)
  } finally {
    await client.query('rollback')
    client.release()
  }
})

test('a second SIGTERM ends a hub whose database drops every packet before one that is asked once', async () => {
  const [patient, hurried] = await Promise.all([start(), start()])
  const ended: string[] = []
  const ends = [
    patient.ended.then((code) => ended.push(`patient ${code}`)),
    hurried.ended.then((code) => ended.push(`hurried ${code}`)),
  ]
  await proxy.become('drop')
  for (const hub of [patient, hurried]) hub.send('SIGTERM')
  await hurry(hurried)
  await Promise.all(ends)
  expect(ended).toEqual(['hurried 0', 'patient 0'])
})
