import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import { createHubClient, type HubClient } from '../../src/cli/hub-client.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { type HubProcess, startHubProcess } from '../support/hub-process.ts'
import { ScheduleMethod } from './operations.ts'

// Four hubs, each a process of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let database: TestDatabase
let root: string
let api: HubProcess
let gateway: HubProcess
let worker: HubProcess
let client: HubClient
const hubs: HubProcess[] = []
const fleets: Fleet[] = []

async function start(role: string): Promise<HubProcess> {
  const hub = await startHubProcess({
    HUB_ROLES: role,
    DATABASE_URL: database.url,
    DATA_DIR: await mkdtemp(join(root, 'hub-')),
    HTTP_PORT: '0',
    HTTPS_PORT: '0',
    MQTT_PORT: '0',
    MQTTS_PORT: '0',
    LIMIT_INSTANCE_LEASE: '1500',
  })
  hubs.push(hub)
  return hub
}

beforeAll(async () => {
  database = await createTestDatabase()
  root = await mkdtemp(join(tmpdir(), 'twincast-roles-'))
  api = await start('api')
  ;[gateway, worker] = await Promise.all([start('gateway'), start('worker')])
  client = createHubClient({ url: api.addresses.graphql })
})
afterEach(() => Promise.all(fleets.splice(0).map((fleet) => fleet.close())))
afterAll(async () => {
  client.close()
  await Promise.all(hubs.map((hub) => hub.stop()))
  await database.drop()
  await rm(root, { recursive: true, force: true })
})

async function connectFleet(name: string, count: number): Promise<Fleet> {
  const devices = await registerFleet(client, name, count, () => ({ kind: 'answer' }))
  const port = Number(new URL(gateway.addresses.mqtt).port)
  const fleet = createFleet({ host: '127.0.0.1', port, hubName: 'localhost', devices, reconnect: false })
  fleets.push(fleet)
  await fleet.connect()
  return fleet
}

async function schedule(name: string, call: object = {}): Promise<string> {
  const { scheduleDeviceMethod } = await client.execute(ScheduleMethod, {
    input: { queryCondition: `tags.fleet = '${name}'`, cloudToDeviceMethod: { methodName: 'reboot', ...call } },
  })
  const job = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? scheduleDeviceMethod.job : undefined
  if (!job) throw new Error('not scheduled')
  return job.jobId
}

const statusOf = async (jobId: string): Promise<string> => (await readDeviceJobs(client, jobId)).status

const readiness = async ({ addresses }: HubProcess) => {
  const response = await fetch(`${addresses.http}/readyz`)
  const { checks } = await response.json()
  return { status: response.status, roles: checks.roles }
}

test('a job that an api schedules is started by a worker and reaches the devices of a gateway, each once', async () => {
  const fleet = await connectFleet('pump', 20)
  const jobId = await schedule('pump')
  await expect.poll(() => statusOf(jobId)).toBe('COMPLETED')
  const { nodes } = await readDeviceJobs(client, jobId)
  expect(new Set(nodes.map(({ status }) => status))).toEqual(new Set(['COMPLETED']))
  expect(fleet.ledger.entries).toHaveLength(20)
})

test('a direct method that an api is asked for reaches the device at a gateway', async () => {
  const fleet = await connectFleet('direct', 1)
  const response = await fetch(api.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: 'mutation { invokeDeviceMethod(input: { deviceId: "direct-0", methodName: "reboot" }) { __typename } }',
    }),
  })
  expect(await response.json()).toEqual({ data: { invokeDeviceMethod: { __typename: 'InvokeDeviceMethodPayload' } } })
  expect(fleet.ledger.entries).toHaveLength(1)
})

test('each instance opens what its role needs, and says which role it has', async () => {
  expect([api, gateway, worker].map(({ addresses }) => addresses.mqtt !== '')).toEqual([false, true, false])
  expect([api, gateway, worker].map(({ addresses }) => addresses.graphql !== '')).toEqual([true, false, false])
  for (const hub of [gateway, worker]) {
    const response = await fetch(`${hub.addresses.http}/graphql?query={__typename}`)
    expect(response.status).toBe(404)
    expect(await response.text()).toContain('/readyz')
  }
  for (const [hub, role] of [
    [api, 'api'],
    [gateway, 'gateway'],
    [worker, 'worker'],
  ] as const) {
    const metrics = await (await fetch(hub.addresses.metrics)).text()
    expect(metrics).toMatch(new RegExp(`^twincast_build_info\\{.*roles="${role}".*\\} 1$`, 'm'))
    expect(hub.lines.find((line) => line.includes('"msg":"ready"'))).toContain(`"hubRoles":["${role}"]`)
  }
})

test('when no worker is alive every instance says so, and a new one does what was left', async () => {
  const fleet = await connectFleet('left', 5)
  await worker.kill()
  for (const hub of [api, gateway]) {
    await expect
      .poll(() => readiness(hub))
      .toEqual({
        status: 200,
        roles: { ok: false, reason: 'No instance has the role worker: jobs do not start, end or expire.' },
      })
    await hub.logged('no instance has this role: jobs do not start, end or expire')
  }
  const jobId = await schedule('left')
  worker = await start('worker')
  await expect.poll(() => statusOf(jobId)).toBe('COMPLETED')
  expect(fleet.ledger.entries).toHaveLength(5)
  for (const hub of [api, gateway, worker]) {
    await expect.poll(() => readiness(hub)).toEqual({ status: 200, roles: { ok: true } })
  }
})

test('devices of a gateway that was killed are disconnected by a worker, and their calls have unknown outcomes', async () => {
  const devices = await registerFleet(client, 'cut', 4, (index) => ({ kind: index < 2 ? 'silent' : 'offline' }))
  const port = Number(new URL(gateway.addresses.mqtt).port)
  const fleet = createFleet({ host: '127.0.0.1', port, hubName: 'localhost', devices, reconnect: false })
  fleets.push(fleet)
  await fleet.connect({ deviceIds: ['cut-0', 'cut-1'] })
  const jobId = await schedule('cut', { responseTimeoutInSeconds: 5, connectTimeoutInSeconds: 5 })
  await expect.poll(() => fleet.ledger.entries.length).toBe(2)
  await gateway.kill()
  await expect.poll(() => statusOf(jobId)).toBe('COMPLETED')
  const { nodes } = await readDeviceJobs(client, jobId)
  expect(nodes.map(({ error }) => error?.code).sort()).toEqual([
    'DeviceNotOnline',
    'DeviceNotOnline',
    'OutcomeUnknown',
    'OutcomeUnknown',
  ])
  const connected = "select count(*)::integer as count from device where connection_state = 'connected'"
  await expect.poll(async () => (await database.pool.query(connected)).rows).toEqual([{ count: 0 }])
})
