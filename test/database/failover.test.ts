import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pino } from 'pino'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { readConfig } from '../../src/config.ts'
import { type OpenAddresses, openAddresses } from '../support/addresses.ts'
import { administer } from '../support/database-server.ts'
import { type Replicated, startReplicated } from '../support/standby.ts'

let servers: Replicated
let folder: string
let app: ReturnType<typeof createApp>
let addresses: OpenAddresses
const entries: Record<string, unknown>[] = []
beforeEach(async () => {
  entries.length = 0
  servers = await startReplicated()
  folder = await mkdtemp(join(tmpdir(), 'twincast-failover-'))
  const variables = {
    // The standby comes first, so that the order alone does not lead to the primary.
    DATABASE_URL: servers.url(servers.standby, servers.primary),
    DATA_DIR: folder,
    HTTP_PORT: '0',
    HTTPS_PORT: 'off',
    MQTT_PORT: 'off',
    MQTTS_PORT: '0',
    METRICS_PORT: 'off',
  }
  const log = pino({}, { write: (line: string) => entries.push(JSON.parse(line)) })
  app = createApp(readConfig(variables, folder), { log })
  addresses = openAddresses(await app.start())
}, 120_000)
afterEach(async () => {
  await app.stop()
  await servers.close()
  await rm(folder, { recursive: true, force: true })
})

async function ask(query: string): Promise<unknown> {
  const headers = { 'content-type': 'application/json' }
  return (await fetch(addresses.graphql, { method: 'POST', headers, body: JSON.stringify({ query }) })).json()
}

const create = (id: string): Promise<unknown> =>
  ask(`mutation { createDevice(input: { deviceId: "${id}" }) { __typename } }`)
const created = { data: { createDevice: { __typename: 'CreateDevicePayload' } } }
const readiness = async () => (await fetch(`${addresses.http}/readyz`)).json()

/** The connections of the hub to a server. */
async function connectionsTo(host: string): Promise<string[]> {
  const rows = await administer<{ name: string }>(
    servers.url(host),
    "select application_name as name from pg_stat_activity where application_name like 'twincast%'",
  )
  return rows.map(({ name }) => name)
}

test.each([
  ['has taken over', () => servers.failOver()],
  ['is the primary and the former one read-only, with its connections open', () => servers.switchOver()],
])(
  'a hub uses the server that can be written, and the standby once that %s',
  async (_how, change) => {
    expect(await create('before')).toEqual(created)
    await change()
    await expect.poll(() => create('after'), { timeout: 60_000 }).toEqual(created)
    expect(await ask('{ devices(first: 5) { nodes { deviceId } } }')).toEqual({
      data: { devices: { nodes: [{ deviceId: 'after' }, { deviceId: 'before' }] } },
    })
    const ok = { ok: true }
    await expect
      .poll(readiness, { timeout: 60_000 })
      .toEqual({ status: 'ready', checks: { clock: ok, database: ok, migrations: ok, instances: ok, roles: ok } })
    expect(entries.filter(({ msg }) => msg === 'another server of the database is the primary now')).toEqual([
      expect.objectContaining({ from: servers.primary, to: servers.standby }),
    ])
    expect(JSON.stringify(entries)).not.toContain('replicated')
  },
  120_000,
)

test('no connection of a hub stays at a former primary that has become read-only', async () => {
  expect(await connectionsTo(servers.primary)).toContain('twincast lease')
  await servers.switchOver()
  await expect.poll(() => create('after'), { timeout: 60_000 }).toEqual(created)
  await expect.poll(() => connectionsTo(servers.primary), { timeout: 60_000 }).toEqual([])
}, 120_000)
