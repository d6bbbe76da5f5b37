import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { createFleet } from '../../src/simulator/fleet.ts'
import { openBalancer } from '../support/balancer.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { ScheduleMethod } from './operations.ts'

vi.setConfig({ testTimeout: 120_000 })

let database: TestDatabase
let root: string
const closers: (() => Promise<unknown>)[] = []
beforeEach(async () => {
  database = await createTestDatabase()
  root = await mkdtemp(join(tmpdir(), 'twincast-drain-'))
})
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
  await database.drop()
  await rm(root, { recursive: true, force: true })
})

async function start(variables: Readonly<Record<string, string>> = {}): Promise<HubProcess> {
  const hub = await startHubProcess({
    DATABASE_URL: database.url,
    DATA_DIR: await mkdtemp(join(root, 'hub-')),
    HTTP_PORT: '0',
    HTTPS_PORT: '0',
    MQTT_PORT: '0',
    MQTTS_PORT: '0',
    ...variables,
  })
  closers.push(() => hub.stop())
  return hub
}

const targetOf = ({ addresses }: HubProcess) => ({
  port: Number(new URL(addresses.mqtt).port),
  ready: `${addresses.http}/readyz`,
})

test('a gateway that is stopped during a job loses and repeats no call, and each device reconnects once', async () => {
  const leaving = await start({ DRAIN_NOTICE_SECONDS: '1', DRAIN_DEVICES_PER_SECOND: '200', METHOD_WINDOW: '40' })
  const staying = await start({ METHOD_WINDOW: '40' })
  const balancer = await openBalancer([leaving, staying].map(targetOf))
  closers.push(() => balancer.close())
  const client = createHubClient({ url: staying.addresses.graphql })
  closers.push(async () => client.close())
  const count = 300
  const devices = await registerFleet(client, 'moving', count, () => ({ kind: 'answer', delayMs: 100 }))
  const fleet = createFleet({ host: '127.0.0.1', port: balancer.port, hubName: 'localhost', devices })
  closers.push(() => fleet.close())
  await fleet.connect()

  const { scheduleDeviceMethod } = await client.execute(ScheduleMethod, {
    input: { queryCondition: "tags.fleet = 'moving'", cloudToDeviceMethod: { methodName: 'reboot' } },
  })
  const jobId = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? (scheduleDeviceMethod.job?.jobId ?? '') : ''
  await expect.poll(() => fleet.ledger.entries.length).toBeGreaterThan(0)
  leaving.send('SIGTERM')
  // Balancers see it before devices do.
  await leaving.logged('stopping')
  expect((await fetch(`${leaving.addresses.http}/readyz`)).status).toBe(503)
  expect(fleet.stats().drops).toBe(0)
  expect(await leaving.ended).toBe(0)
  expect(leaving.lines.filter((line) => line.includes('"msg":"disconnecting devices"'))).toHaveLength(1)

  await expect.poll(async () => (await readDeviceJobs(client, jobId)).status).toBe('COMPLETED')
  const { nodes } = await readDeviceJobs(client, jobId)
  expect(new Set(nodes.map(({ status, error }) => `${status} ${error?.code}`))).toEqual(
    new Set(['COMPLETED undefined']),
  )
  expect(fleet.ledger.entries.map(({ deviceId }) => deviceId).sort()).toEqual(
    devices.map(({ deviceId }) => deviceId).sort(),
  )
  await expect.poll(() => fleet.stats()).toMatchObject({ connected: count, drops: count, connections: 2 * count })
})

test('an instance that has nobody to take its devices stops without disconnecting them bit by bit', async () => {
  const [hub, other] = [await start(), await start({ HUB_ROLES: 'api,worker' })]
  const client = createHubClient({ url: other.addresses.graphql })
  closers.push(async () => client.close())
  const devices = await registerFleet(client, 'last', 3, () => ({ kind: 'answer' }))
  const { port } = targetOf(hub)
  const fleet = createFleet({ host: '127.0.0.1', port, hubName: 'localhost', devices, reconnect: false })
  closers.push(() => fleet.close())
  await fleet.connect()
  // Those that stop count no more: the second to stop has nobody to give notice to.
  expect(await other.stop()).toBe(0)
  expect(await hub.stop()).toBe(0)
  expect(hub.lines.filter((line) => line.includes('"msg":"disconnecting devices"'))).toEqual([])
})
