import { Client } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import mqtt from 'mqtt'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { signSasToken } from '../../src/access/sas.ts'
import { methodResponseTopic, methodsFilter } from '../../src/mqtt/topics.ts'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { readDeviceJobs, registerFleet } from '../support/fleet.ts'
import { CancelJob, ScheduleMethod, ScheduleTwin, WatchStatistics } from './operations.ts'

let app: TestApp
const fleets: Fleet[] = []

beforeAll(async () => {
  app = await startApp()
})
afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet.close()))
  expect(app.errors).toEqual([])
})
afterAll(() => app.close())

/** A registered and connected fleet, its devices behaving as listed. */
async function connectFleet(name: string, behaviours: readonly Behaviour[]): Promise<Fleet> {
  const devices = await registerFleet(
    app.client,
    name,
    behaviours.length,
    (index) => behaviours[index] ?? { kind: 'silent' },
  )
  const fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
  fleets.push(fleet)
  await fleet.connect()
  return fleet
}

async function scheduleMethod(name: string, seconds = 60): Promise<string> {
  const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
    input: {
      queryCondition: `tags.fleet = '${name}'`,
      cloudToDeviceMethod: { methodName: 'reboot', payload: { delay: 1 }, responseTimeoutInSeconds: 5 },
      maxExecutionTimeInSeconds: seconds,
    },
  })
  const job = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? scheduleDeviceMethod.job : undefined
  if (!job) throw new Error('not scheduled')
  return job.jobId
}

/** Follows a job until `enough`, or to its end; answers all it saw. */
async function watch(jobId: string, enough: (seen: Seen) => boolean = () => false): Promise<Seen[]> {
  const seen: Seen[] = []
  for await (const { deviceJobStatistics } of app.client.subscribe(WatchStatistics, { jobId })) {
    const { deviceJobStatistics: counts, job, version } = deviceJobStatistics
    if (!counts) throw new Error('The job has no counters.')
    seen.push({ ...counts, status: job.status, version })
    expect(
      counts.pendingCount + counts.runningCount + counts.succeededCount + counts.failedCount + counts.cancelledCount,
    ).toBe(counts.deviceCount)
    if (enough({ ...counts, status: job.status, version })) break
  }
  return seen
}
type Seen = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  readonly failedCount: number
  readonly cancelledCount: number
  readonly status: string
  readonly version: number
}

test('a method job over devices that answer, refuse, keep silent and come late: each has its end, and a subscriber sees it', async () => {
  const fleet = await connectFleet('mix', [
    { kind: 'answer', payload: { rebooted: true } },
    { kind: 'refuse', status: 409, payload: { reason: 'busy' } },
    { kind: 'silent' },
    { kind: 'offline' },
  ])
  const jobId = await scheduleMethod('mix')
  const seen = await watch(jobId, ({ succeededCount, failedCount }) => succeededCount === 2 && failedCount === 1)
  expect(seen.at(-1)).toMatchObject({ deviceCount: 4, pendingCount: 1, runningCount: 0 })
  await fleet.connect({ deviceIds: ['mix-3'] })
  const rest = await watch(jobId)
  expect(rest.at(-1)).toMatchObject({ status: 'COMPLETED', succeededCount: 3, failedCount: 1 })
  const versions = [...seen, ...rest].map(({ version }) => version)
  expect(versions).toEqual([...versions].sort((a, b) => a - b))

  const { nodes } = await readDeviceJobs(app.client, jobId)
  expect(nodes).toEqual([
    { deviceId: 'mix-0', status: 'COMPLETED', outcome: { status: 200, payload: { rebooted: true } }, error: null },
    { deviceId: 'mix-1', status: 'COMPLETED', outcome: { status: 409, payload: { reason: 'busy' } }, error: null },
    { deviceId: 'mix-2', status: 'FAILED', outcome: null, error: { code: 'GatewayTimeout' } },
    { deviceId: 'mix-3', status: 'COMPLETED', outcome: { status: 200, payload: null }, error: null },
  ])
  expect(fleet.ledger.entries.map((entry) => entry.deviceId).sort()).toEqual(['mix-0', 'mix-1', 'mix-2', 'mix-3'])
})

test('the official device SDK is one of the devices: it answers a job and hears of a twin job', async () => {
  const [device] = await registerFleet(app.client, 'sdk', 1, () => ({ kind: 'offline' }))
  const client = Client.fromConnectionString(
    `HostName=localhost;DeviceId=${device?.deviceId};SharedAccessKey=${device?.primaryKey};GatewayHostName=localhost:${app.mqttsPort}`,
    Mqtt,
  )
  await client.setOptions({ ca: app.ca })
  await client.open()
  try {
    client.onDeviceMethod('reboot', (request, response) => {
      void response.send(202, { heard: request.payload })
    })
    const twin = await client.getTwin()
    const changed = new Promise((resolve) => twin.on('properties.desired.interval', resolve))

    const methodJob = await scheduleMethod('sdk')
    await watch(methodJob)
    expect((await readDeviceJobs(app.client, methodJob)).nodes).toEqual([
      {
        deviceId: 'sdk-0',
        status: 'COMPLETED',
        outcome: { status: 202, payload: { heard: { delay: 1 } } },
        error: null,
      },
    ])

    const { scheduleTwinUpdate } = await app.client.execute(ScheduleTwin, {
      input: { queryCondition: "deviceId = 'sdk-0'", updateTwin: { properties: { desired: { interval: 30 } } } },
    })
    expect(scheduleTwinUpdate).toHaveProperty('job')
    expect(await changed).toBe(30)
  } finally {
    await client.close()
  }
})

test('a running job that is cancelled calls nobody else, and those who have the call may still answer', async () => {
  const fleet = await connectFleet('cancel', [{ kind: 'answer', delayMs: 1_500 }, { kind: 'offline' }])
  const jobId = await scheduleMethod('cancel')
  await watch(jobId, ({ runningCount }) => runningCount === 1)
  const { cancelJob } = await app.client.execute(CancelJob, { input: { jobId, reason: 'wrong building' } })
  expect(cancelJob).toEqual({ job: { status: 'CANCELLED' } })
  await fleet.connect({ deviceIds: ['cancel-1'] })
  expect((await watch(jobId)).at(-1)).toMatchObject({ status: 'CANCELLED', succeededCount: 1, cancelledCount: 1 })
  const { nodes } = await readDeviceJobs(app.client, jobId)
  expect(nodes.map(({ status }) => status)).toEqual(['COMPLETED', 'CANCELLED'])
  expect(fleet.ledger.entries).toHaveLength(1)
})

test('a restart in the middle of a job keeps what waits, and takes answers that come after it', async () => {
  const fleet = await connectFleet('restart', [{ kind: 'offline' }, { kind: 'answer' }])
  const jobId = await scheduleMethod('restart')
  await watch(jobId, ({ succeededCount }) => succeededCount === 1)
  await app.restart()
  await fleet.connect({ deviceIds: ['restart-0'] })
  expect((await watch(jobId)).at(-1)).toMatchObject({ status: 'COMPLETED', succeededCount: 2 })
})

test('a hub that stops takes the answers to calls under way, also those of devices on WebSockets', async () => {
  const [device] = await registerFleet(app.client, 'stop', 1, () => ({ kind: 'offline' }))
  if (device === undefined) throw new Error('not registered')
  const resource = `localhost/devices/${device.deviceId}`
  const client = await mqtt.connectAsync(`${app.addresses.http.replace('http', 'ws')}/$iothub/websocket`, {
    protocolVersion: 4,
    clientId: device.deviceId,
    username: `localhost/${device.deviceId}/?api-version=2021-04-12`,
    password: signSasToken({ resource, key: device.primaryKey, expiry: Math.floor(Date.now() / 1000) + 600 }),
    reconnectPeriod: 0,
  })
  const called = new Promise<string>((resolve) => client.once('message', resolve))
  await client.subscribeAsync(methodsFilter)
  const jobId = await scheduleMethod('stop')
  const topic = await called
  const restarted = app.restart()
  const askIfReady = (): Promise<boolean> =>
    fetch(`${app.addresses.http}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    )
  await expect.poll(askIfReady).toBe(false)
  client.publish(methodResponseTopic(200, topic.split('$rid=')[1] ?? ''), '{}')
  await restarted
  expect((await watch(jobId)).at(-1)).toMatchObject({ status: 'COMPLETED', succeededCount: 1 })
  await client.endAsync()
})

test('a job in the future starts when its time comes', async () => {
  await connectFleet('future', [{ kind: 'answer' }])
  const startTime = new Date(Date.now() + 4_000)
  const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
    input: {
      jobId: 'future',
      queryCondition: "tags.fleet = 'future'",
      startTime: startTime.toISOString(),
      cloudToDeviceMethod: { methodName: 'reboot' },
    },
  })
  expect(scheduleDeviceMethod).toHaveProperty('job')
  const seen = await watch('future')
  expect(seen[0]).toMatchObject({ status: 'SCHEDULED', deviceCount: 0 })
  expect(seen.at(-1)).toMatchObject({ status: 'COMPLETED', succeededCount: 1 })
  expect(Date.now()).toBeGreaterThanOrEqual(startTime.getTime())
})
