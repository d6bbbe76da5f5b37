import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Behaviour, SimulatedDevice } from '../../src/simulator/behaviour.ts'
import type { Fleet } from '../../src/simulator/fleet.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { type Instance, openSeveralHubs, type SeveralHubs, scheduleCalls as schedule } from '../support/several-hubs.ts'
import { openDatabaseProxy, openTcpProxy, type TcpProxy, type Weather } from '../support/tcp-proxy.ts'

let hubs: SeveralHubs
/** Two instances that outlive every test. What a test kills or cuts off, it starts. */
let one: Instance
let other: Instance
/** Of the fleet of a test. */
let name: string
let fleets = 0
const proxies: TcpProxy[] = []
// Each hub has a process of its own: on a busy machine, that alone may take half a minute.
vi.setConfig({ testTimeout: 120_000 })

beforeAll(async () => {
  // Long enough for a busy machine: an instance that renews late lets no device connect.
  hubs = await openSeveralHubs({ LIMIT_INSTANCE_LEASE: '3000' })
  one = await start()
  other = await start()
})
beforeEach(() => {
  name = `fleet-${++fleets}`
})
afterEach(async () => {
  await hubs.closeFleets()
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()))
  await expect.poll(hubs.countConnected).toBe(0)
})
afterAll(() => hubs.close())

const start: SeveralHubs['start'] = (variables) => hubs.start(variables)
const fleetAt: SeveralHubs['fleetAt'] = (port, devices, reconnect) => hubs.fleetAt(port, devices, reconnect)

const answering = (): Behaviour => ({ kind: 'answer' })

/** What became of a job's devices, once it has ended. */
async function outcomes(hub: Instance, jobId: string): Promise<string[]> {
  await expect.poll(async () => (await readDeviceJobs(hub.client, jobId)).status).toBe('COMPLETED')
  const { nodes } = await readDeviceJobs(hub.client, jobId)
  return nodes.map(({ status, error }) => `${status} ${error?.code ?? ''}`.trim())
}

/** How often each device was called over the connections of a fleet. */
function callsOf({ ledger }: Fleet): Record<string, number> {
  const calls: Record<string, number> = {}
  for (const { deviceId } of ledger.entries) calls[deviceId] = (calls[deviceId] ?? 0) + 1
  return calls
}
const onceEach = (devices: readonly SimulatedDevice[]) =>
  Object.fromEntries(devices.map(({ deviceId }) => [deviceId, 1]))
const isGone = (fleet: Fleet, devices: readonly SimulatedDevice[]): boolean =>
  devices.every(({ deviceId }) => !fleet.isConnected(deviceId))

test('devices of an instance that was killed are disconnected soon, and have not connected in time', async () => {
  const killed = await start()
  const devices = await registerFleet(one.client, name, 20, answering)
  await fleetAt(killed.mqttPort, devices).connect()
  await expect.poll(hubs.countConnected).toBe(20)
  await killed.kill()
  const jobId = await schedule(one, name, { connectTimeoutInSeconds: 3 })
  await expect.poll(hubs.countConnected).toBe(0)
  expect(new Set(await outcomes(one, jobId))).toEqual(new Set(['FAILED DeviceNotOnline']))
})

test('a device that comes to another instance is called there, once, while its old connection hangs', async () => {
  const devices = await registerFleet(one.client, name, 30, answering)
  const line = await openTcpProxy({ host: '127.0.0.1', port: one.mqttPort })
  proxies.push(line)
  const old = fleetAt(line.port, devices)
  await old.connect()
  line.breakOpen('drop')
  const living = fleetAt(other.mqttPort, devices)
  await living.connect()
  expect(new Set(await outcomes(one, await schedule(one, name)))).toEqual(new Set(['COMPLETED']))
  expect(callsOf(living)).toEqual(onceEach(devices))
  expect(callsOf(old)).toEqual({})
})

test('a second connection to another instance ends the first', async () => {
  const devices = await registerFleet(one.client, name, 3, answering)
  const [first, second] = [fleetAt(one.mqttPort, devices), fleetAt(other.mqttPort, devices)]
  await first.connect()
  await second.connect()
  for (const { deviceId } of devices) await expect.poll(() => first.isConnected(deviceId)).toBe(false)
  expect(await hubs.countConnected()).toBe(3)
  expect(new Set(await outcomes(one, await schedule(one, name)))).toEqual(new Set(['COMPLETED']))
  expect(callsOf(second)).toEqual(onceEach(devices))
})

test('an instance that stood still while its devices moved calls none of them when it goes on', async () => {
  const frozen = await start()
  const devices = await registerFleet(one.client, name, 20, answering)
  const old = fleetAt(frozen.mqttPort, devices)
  await old.connect()
  frozen.freeze()
  await expect.poll(hubs.countConnected).toBe(0)
  const living = fleetAt(one.mqttPort, devices)
  await living.connect()
  const jobId = await schedule(one, name)
  frozen.thaw()
  expect(new Set(await outcomes(one, jobId))).toEqual(new Set(['COMPLETED']))
  expect(callsOf(living)).toEqual(onceEach(devices))
  expect(callsOf(old)).toEqual({})
  await frozen.stop()
})

test('calls of instances that were killed, stand still or are cut off fail in their time, and are not sent again', {
  timeout: 120_000,
}, async () => {
  const proxy = await openDatabaseProxy(hubs.database.url)
  proxies.push(proxy)
  const [killed, frozen, cut] = [await start(), await start(), await start({ DATABASE_URL: proxy.url })]
  const devices = await registerFleet(one.client, name, 15, () => ({ kind: 'silent' }))
  const silent = [killed, frozen, cut].map(({ mqttPort }, index) =>
    fleetAt(mqttPort, devices.slice(index * 5, index * 5 + 5)),
  )
  for (const fleet of silent) await fleet.connect()
  const jobId = await schedule(one, name, { responseTimeoutInSeconds: 5 })
  for (const { ledger } of silent) await expect.poll(() => ledger.entries.length).toBe(5)
  await Promise.all([killed.kill(), frozen.freeze(), proxy.become('refuse')])
  expect(await outcomes(one, jobId)).toEqual(Array.from({ length: 15 }, () => 'FAILED OutcomeUnknown'))
  frozen.thaw()
  await proxy.become('forward')
  const back = fleetAt(one.mqttPort, devices)
  await back.connect()
  expect(await outcomes(one, jobId)).toEqual(Array.from({ length: 15 }, () => 'FAILED OutcomeUnknown'))
  expect(silent.map(({ ledger }) => ledger.entries.length)).toEqual([5, 5, 5])
  expect(callsOf(back)).toEqual({})
  await Promise.all([frozen.stop(), cut.stop()])
})

describe('an instance that is cut off from the database', () => {
  let proxy: Awaited<ReturnType<typeof openDatabaseProxy>>
  let steady: Instance
  let cut: Instance
  beforeAll(async () => {
    proxy = await openDatabaseProxy(hubs.database.url)
    // In this order: the instance that is cut off knows from its start that there is another one to yield to.
    steady = await start({ LIMIT_INSTANCE_LEASE: '6000' })
    cut = await start({ DATABASE_URL: proxy.url })
  })
  afterEach(() => proxy.become('forward'))
  afterAll(async () => {
    await Promise.all([steady.stop(), cut.stop()])
    await proxy.close()
  })

  // What is dropped arrives later, what stalls never does, and neither is told. Connections that are refused, which is
  // known at once, are the easier case, and each takes its time.
  test.each<Weather>(['drop', 'stall'])(
    'is left by its devices (%s), and they can come back when it is not',
    async (how) => {
      const devices = await registerFleet(steady.client, name, 20, answering)
      const stranded = fleetAt(cut.mqttPort, devices)
      await stranded.connect()

      await proxy.become(how)
      await expect.poll(() => isGone(stranded, devices)).toBe(true)
      const living = fleetAt(steady.mqttPort, devices)
      await living.connect()
      expect(new Set(await outcomes(steady, await schedule(steady, name)))).toEqual(new Set(['COMPLETED']))
      expect(callsOf(living)).toEqual(onceEach(devices))
      expect(callsOf(stranded)).toEqual({})

      await proxy.become('forward')
      // It refuses devices until its lease holds again.
      const back = fleetAt(cut.mqttPort, devices, true)
      await back.connect()
      await expect.poll(() => isGone(living, devices)).toBe(true)
      expect(new Set(await outcomes(steady, await schedule(steady, name)))).toEqual(new Set(['COMPLETED']))
      expect(callsOf(back)).toEqual(onceEach(devices))
      expect(callsOf(living)).toEqual(onceEach(devices))
      expect(callsOf(stranded)).toEqual({})
    },
  )
})
