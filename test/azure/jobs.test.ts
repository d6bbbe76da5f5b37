import { randomUUID } from 'node:crypto'
import { Client as DeviceClient } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { signFor } from '../../src/cli/access-key.ts'
import { createHubClient } from '../../src/cli/hub-client.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'
import { type BackEnd, called, connectBackEnd, type SdkJob } from './back-end.ts'

// Whole jobs, with a back end and devices that are the published SDKs. Their calls one by one are in service.test.ts.

const ownerKey = Buffer.alloc(32, 9).toString('base64')
let app: TestApp
let backEnd: BackEnd
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  app = await startApp({ IOTHUB_OWNER_KEY: ownerKey })
  backEnd = connectBackEnd(app, ownerKey)
})
afterEach(async () => {
  await Promise.all(closers.splice(0).map((close) => close()))
  expect(app.errors).toEqual([])
})
afterAll(async () => {
  backEnd.close()
  await app.close()
})

/** Registers a device and answers its primary key. */
async function givenDevice(deviceId: string, tags: object = {}): Promise<string> {
  await backEnd.registry.addDevices([{ deviceId, tags }])
  const { responseBody } = await backEnd.registry.get(deviceId)
  return responseBody.authentication?.symmetricKey?.primaryKey ?? ''
}

/** Connects a registered device with the device SDK. */
async function open(deviceId: string, primaryKey: string): Promise<DeviceClient> {
  const client = DeviceClient.fromConnectionString(
    `HostName=localhost;DeviceId=${deviceId};SharedAccessKey=${primaryKey};GatewayHostName=localhost:${app.mqttsPort}`,
    Mqtt,
  )
  await client.setOptions({ ca: app.ca })
  closers.push(() => client.close())
  await client.open()
  return client
}

/** Has a client answer a method, and counts how often it had to. */
function answering(
  client: DeviceClient,
  method: string,
  status: number,
  payload: unknown,
): { readonly calls: object[] } {
  const calls: object[] = []
  client.onDeviceMethod(method, (request, response) => {
    calls.push({ method: request.methodName, payload: request.payload })
    void response.send(status, payload)
  })
  return { calls }
}

test('a method job over all that can become of a device tells of each what it was', async () => {
  const tags = { building: 43 }
  const names = ['answers', 'away', 'deaf', 'fails', 'late', 'mute'] as const
  const keys: Record<string, string> = {}
  for (const name of names) keys[name] = await givenDevice(name, tags)
  const connect = (name: (typeof names)[number]) => open(name, keys[name] ?? '')
  const ready = answering(await connect('answers'), 'lockDoor', 200, { locked: true })
  const broken = answering(await connect('fails'), 'lockDoor', 500, { reason: 'jammed' })
  // Has the call, and nobody who listens for a method of that name.
  const mute = await connect('mute')
  answering(mute, 'otherMethod', 200, null)
  // Online, but it has not subscribed to methods.
  await connect('deaf')

  const jobId = randomUUID()
  const created = await called<object>((done) =>
    backEnd.jobs.scheduleDeviceMethod(
      jobId,
      'tags.building = 43',
      { methodName: 'lockDoor', payload: { reason: 'night' }, responseTimeoutInSeconds: 5 },
      new Date(),
      9,
      done,
    ),
  )
  expect(created).toEqual({ jobId, type: 'scheduleDeviceMethod', status: 'queued' })

  const soFar = await backEnd.follow(jobId, (job) => job.deviceJobStatistics.succeededCount === 2)
  expect(soFar).toMatchObject({ status: 'running', deviceJobStatistics: { deviceCount: 6, failedCount: 0 } })
  const late = answering(await connect('late'), 'lockDoor', 202, null)

  const job = await backEnd.follow(jobId)
  expect(job).toMatchObject({
    status: 'completed',
    cloudToDeviceMethod: { methodName: 'lockDoor', payload: { reason: 'night' }, responseTimeoutInSeconds: 5 },
    deviceJobStatistics: { deviceCount: 6, succeededCount: 3, failedCount: 3, runningCount: 0, pendingCount: 0 },
  })
  for (const { calls } of [ready, broken, late]) {
    expect(calls).toEqual([{ method: 'lockDoor', payload: { reason: 'night' } }])
  }

  const rows = await backEnd.rows(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`, 4)
  const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+Z$/)
  const startTime = new Date(String(job.startTime))
  // Start and end are the time that the job was given; creation and update are of this device.
  const facts = {
    jobId,
    jobType: 'scheduleDeviceMethod',
    startTimeUtc: startTime.toISOString(),
    endTimeUtc: new Date(startTime.getTime() + 9_000).toISOString(),
    createdDateTimeUtc: time,
    lastUpdatedDateTimeUtc: time,
  }
  const completed = (deviceId: string, status: number, payload: unknown) => ({
    ...facts,
    deviceId,
    status: 'completed',
    outcome: { deviceMethodResponse: { status, payload } },
  })
  const failed = (deviceId: string, code: string) => ({
    ...facts,
    deviceId,
    status: 'failed',
    outcome: {},
    error: { code, description: expect.stringMatching(/\w/) },
  })
  expect(rows).toEqual([
    completed('answers', 200, { locked: true }),
    failed('away', 'JobRunPreconditionFailed'),
    failed('deaf', 'JobRunPreconditionFailed'),
    completed('fails', 500, { reason: 'jammed' }),
    completed('late', 202, null),
    failed('mute', 'GatewayTimeout'),
  ])
  const atTheEnd = rows.filter(({ lastUpdatedDateTimeUtc }) => String(lastUpdatedDateTimeUtc) >= facts.endTimeUtc)
  expect(atTheEnd.map(({ deviceId }) => deviceId)).toEqual(['away', 'deaf'])

  const some = `SELECT * FROM devices.jobs WHERE jobId = '${jobId}' AND devices.jobs.status = 'failed'`
  expect(await backEnd.rows(some)).toEqual(rows.filter(({ status }) => status === 'failed'))
})

test('a method job without a payload reaches the device with null, not with nothing, which the SDK would refuse', async () => {
  const device = answering(await open('plain', await givenDevice('plain', { building: 45 })), 'lockDoor', 200, null)
  const jobId = randomUUID()
  await backEnd.jobs.scheduleDeviceMethod(jobId, 'tags.building = 45', { methodName: 'lockDoor' }, new Date(), 20)
  await backEnd.follow(jobId)
  expect(await backEnd.rows(`SELECT * FROM devices.jobs WHERE jobId = '${jobId}'`)).toMatchObject([
    { deviceId: 'plain', status: 'completed', outcome: { deviceMethodResponse: { status: 200, payload: null } } },
  ])
  expect(device.calls).toEqual([{ method: 'lockDoor', payload: null }])
})

test('a twin job changes devices that are away too, and those that are there hear of it', async () => {
  const tags = { building: 44 }
  const listening = await open('listens', await givenDevice('listens', tags))
  await givenDevice('sleeps', tags)
  const twin = await listening.getTwin()
  const heard = new Promise((resolve) => twin.on('properties.desired.telemetryInterval', resolve))

  const jobId = randomUUID()
  const patch = { etag: '*', tags: { floor: 3 }, properties: { desired: { telemetryInterval: 120 } } }
  await backEnd.jobs.scheduleTwinUpdate(jobId, 'tags.building = 44', patch)
  expect(await backEnd.follow(jobId)).toMatchObject({
    status: 'completed',
    updateTwin: patch,
    deviceJobStatistics: { deviceCount: 2, succeededCount: 2, failedCount: 0 },
  })
  expect(await heard).toBe(120)
  const { responseBody: changed } = await backEnd.registry.getTwin('sleeps')
  expect(changed).toMatchObject({
    tags: { building: 44, floor: 3 },
    properties: { desired: { telemetryInterval: 120, $version: 2 } },
  })
  expect(await backEnd.rows(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`)).toMatchObject([
    { deviceId: 'listens', jobType: 'scheduleUpdateTwin', status: 'completed', outcome: {} },
    { deviceId: 'sleeps', jobType: 'scheduleUpdateTwin', status: 'completed', outcome: {} },
  ])
})

describe('what a job is to run on', () => {
  const method = { methodName: 'lockDoor' }

  test('may be nothing: the job completes at once with no rows', async () => {
    const jobId = randomUUID()
    await backEnd.jobs.scheduleDeviceMethod(jobId, "tags.building = 'none'", method)
    expect(await backEnd.follow(jobId)).toMatchObject({
      status: 'completed',
      deviceJobStatistics: { deviceCount: 0, succeededCount: 0, failedCount: 0, runningCount: 0, pendingCount: 0 },
    })
    expect(await backEnd.rows(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`)).toEqual([])
  })

  test.each([
    ['a whole statement', 'SELECT * FROM devices'],
    ['a text that does not end', "deviceId = 'x"],
    ['an operator that there is not', 'tags.a == 1'],
    ['a parenthesis that is not closed', '(tags.a = 1'],
    ['a function that there is not', 'now() = 1'],
    ['an aggregate', 'COUNT() > 1'],
  ])('must be a condition: %s is refused, with its place, and there is no job', async (_, condition) => {
    const jobId = randomUUID()
    const refused = called((done) => backEnd.jobs.scheduleDeviceMethod(jobId, condition, method, done))
    await expect(refused).rejects.toMatchObject({ name: 'ArgumentError', message: expect.stringMatching(/line 1/i) })
    await expect(backEnd.jobs.getJob(jobId)).rejects.toMatchObject({ message: 'Not found' })
  })

  test('may be everything there is, 10,000 devices that are away among it', async () => {
    const client = createHubClient({
      url: app.addresses.graphql,
      authorization: signFor(
        { host: 'localhost', policyName: 'iothubowner', key: ownerKey },
        Math.floor(Date.now() / 1000) + 600,
      ),
    })
    await registerFleet(client, 'many', 10_000, () => ({ kind: 'offline' }))
    client.close()
    const { responseBody } = await backEnd.registry.getRegistryStatistics()
    const deviceCount = responseBody.totalDeviceCount
    expect(deviceCount).toBeGreaterThanOrEqual(10_000)

    const jobId = randomUUID()
    const patch = { etag: '*', tags: { wave: 1 }, properties: { desired: { telemetryInterval: 60 } } }
    await backEnd.jobs.scheduleTwinUpdate(jobId, '*', patch, new Date(), 300)
    const job: SdkJob = await backEnd.follow(jobId)
    expect(job).toMatchObject({
      status: 'completed',
      deviceJobStatistics: {
        deviceCount,
        succeededCount: deviceCount,
        failedCount: 0,
        runningCount: 0,
        pendingCount: 0,
      },
    })

    const rows = await backEnd.rows(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`, 1_000)
    expect(rows).toHaveLength(deviceCount)
    expect(new Set(rows.map(({ deviceId }) => deviceId)).size).toBe(deviceCount)
    expect(new Set(rows.map(({ status }) => status))).toEqual(new Set(['completed']))
    expect(await backEnd.rows('SELECT COUNT() AS changed FROM devices WHERE tags.wave = 1')).toEqual([
      { changed: deviceCount },
    ])
  })
})
