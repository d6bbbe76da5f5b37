import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest'
import type { HubClient } from '../../src/cli/hub-client.ts'
import type { Fleet } from '../../src/simulator/fleet.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { type Instance, openSeveralHubs, type SeveralHubs, scheduleCalls } from '../support/several-hubs.ts'

// Four hubs, each a process of its own.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 })

let hubs: SeveralHubs
let api: Instance
let gateway: Instance
let worker: Instance
let client: HubClient

const start = (role: string): Promise<Instance> => hubs.start({ HUB_ROLES: role })

beforeAll(async () => {
  hubs = await openSeveralHubs({ LIMIT_INSTANCE_LEASE: '1500' })
  api = await start('api')
  ;[gateway, worker] = await Promise.all([start('gateway'), start('worker')])
  client = api.client
})
afterEach(() => hubs.closeFleets())
afterAll(() => hubs.close())

async function connectFleet(name: string, count: number): Promise<Fleet> {
  const devices = await registerFleet(client, name, count, () => ({ kind: 'answer' }))
  const fleet = hubs.fleetAt(gateway.mqttPort, devices)
  await fleet.connect()
  return fleet
}

const schedule = (name: string, call?: object): Promise<string> => scheduleCalls(api, name, call)

const statusOf = async (jobId: string): Promise<string> => (await readDeviceJobs(client, jobId)).status

const readiness = async ({ addresses }: Instance) => {
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
  const fleet = hubs.fleetAt(gateway.mqttPort, devices)
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
  await expect.poll(hubs.countConnected).toBe(0)
})

test('devices of a gateway that was killed are disconnected by an api while no worker is alive', async () => {
  await worker.kill()
  gateway = await start('gateway')
  await connectFleet('orphan', 3)
  expect(await hubs.countConnected()).toBe(3)
  await gateway.kill()
  await expect.poll(hubs.countConnected).toBe(0)
})
