import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'
import { openBalancer } from '../support/balancer.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { type Instance, openSeveralHubs, type SeveralHubs, scheduleCalls } from '../support/several-hubs.ts'

vi.setConfig({ testTimeout: 120_000 })

let hubs: SeveralHubs
beforeEach(async () => {
  hubs = await openSeveralHubs()
})
afterEach(() => hubs.close())

const targetOf = ({ addresses, mqttPort }: Instance) => ({ port: mqttPort, ready: `${addresses.http}/readyz` })

test('a gateway that is stopped during a job loses and repeats no call, and each device reconnects once', async () => {
  const leaving = await hubs.start({ DRAIN_NOTICE_SECONDS: '1', DRAIN_DEVICES_PER_SECOND: '200', METHOD_WINDOW: '40' })
  const staying = await hubs.start({ METHOD_WINDOW: '40' })
  const balancer = await openBalancer([leaving, staying].map(targetOf))
  onTestFinished(() => balancer.close())
  const { client } = staying
  const count = 300
  const devices = await registerFleet(client, 'moving', count, () => ({ kind: 'answer', delayMs: 100 }))
  const fleet = hubs.fleetAt(balancer.port, devices, true)
  await fleet.connect()

  const jobId = await scheduleCalls(staying, 'moving')
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

test('an instance that has nobody to take its devices stops at once, without disconnecting them bit by bit', async () => {
  const hub = await hubs.start({ DRAIN_NOTICE_SECONDS: '300' })
  const other = await hubs.start({ HUB_ROLES: 'api,worker' })
  const devices = await registerFleet(other.client, 'last', 3, () => ({ kind: 'answer' }))
  const fleet = hubs.fleetAt(hub.mqttPort, devices)
  await fleet.connect()
  // Those that stop count no more: the second to stop has nobody to give notice to.
  expect(await other.stop()).toBe(0)
  expect(await hub.stop()).toBe(0)
  expect(hub.lines.filter((line) => line.includes('"msg":"disconnecting devices"'))).toEqual([])
})
