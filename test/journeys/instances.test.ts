import { Client, Message } from 'azure-iot-device'
import { Mqtt } from 'azure-iot-device-mqtt'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { type Clock, systemClock } from '../../src/clock.ts'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { createTestDatabase, type TestDatabase } from '../support/database.ts'
import { registerFleet } from '../support/fleet.ts'
import { FollowTelemetry, ScheduleMethod, ScheduleTwin, WatchStatistics } from './operations.ts'

/** The poll of the loops, 5 s, never comes: whatever an instance learns of another it has to be told. */
const withoutPolls: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms === 5_000 ? 2 ** 31 - 1 : ms, signal),
}

let database: TestDatabase
let a: TestApp
let b: TestApp
const fleets: Fleet[] = []
beforeAll(async () => {
  database = await createTestDatabase()
  a = await startApp({ DATABASE_URL: database.url }, withoutPolls)
  b = await startApp({ DATABASE_URL: database.url }, withoutPolls)
})
afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet.close()))
  expect([...a.errors, ...b.errors]).toEqual([])
})
afterAll(async () => {
  await Promise.all([a.close(), b.close()])
  await database.drop()
})

async function connectFleet(app: TestApp, name: string, behaviours: readonly Behaviour[]): Promise<Fleet> {
  const devices = await registerFleet(
    app.client,
    name,
    behaviours.length,
    (index) => behaviours[index] ?? { kind: 'silent' },
  )
  const fleet = createFleet({
    host: '127.0.0.1',
    port: app.mqttPort,
    hubName: 'localhost',
    devices,
    readTwin: true,
    reconnect: false,
  })
  fleets.push(fleet)
  await fleet.connect()
  return fleet
}

async function scheduleMethod(app: TestApp, name: string): Promise<string> {
  const { scheduleDeviceMethod } = await app.client.execute(ScheduleMethod, {
    input: { queryCondition: `tags.fleet = '${name}'`, cloudToDeviceMethod: { methodName: 'reboot' } },
  })
  const job = scheduleDeviceMethod && 'job' in scheduleDeviceMethod ? scheduleDeviceMethod.job : undefined
  if (!job) throw new Error('not scheduled')
  return job.jobId
}

type Seen = { readonly version: number; readonly succeededCount: number; readonly status: string }

/** Follows a job to its end, and answers what was shown last. */
async function watch(app: TestApp, jobId: string, show: (seen: Seen) => void = () => {}): Promise<Seen | undefined> {
  let seen: Seen | undefined
  for await (const { deviceJobStatistics } of app.client.subscribe(WatchStatistics, { jobId })) {
    const { version, job, deviceJobStatistics: counts } = deviceJobStatistics
    seen = { version, succeededCount: counts?.succeededCount ?? Number.NaN, status: job.status }
    show(seen)
  }
  return seen
}

async function updateDevice(app: TestApp, deviceId: string, status: string): Promise<void> {
  const response = await fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: `mutation ($input: UpdateDeviceInput!) { updateDevice(input: $input) { __typename } }`,
      variables: { input: { deviceId, status } },
    }),
  })
  expect(await response.json()).toEqual({ data: { updateDevice: { __typename: 'UpdateDevicePayload' } } })
}

const listeners = async (): Promise<number[]> => {
  const { rows } = await database.pool.query<{ pid: number }>(
    `select pid from pg_stat_activity
     where application_name = 'twincast notifications' and datname = current_database()`,
  )
  return rows.map(({ pid }) => pid)
}

test('who follows a job at one instance sees it advance while another works on it', async () => {
  const offline: readonly Behaviour[] = Array.from({ length: 4 }, () => ({ kind: 'offline' }))
  const fleet = await connectFleet(a, 'follow', offline)
  const jobId = await scheduleMethod(a, 'follow')
  const versions: number[] = []
  let connected = 0
  // The next device comes when the subscriber has been shown that the one before has answered.
  const seen = await watch(b, jobId, ({ version, succeededCount, status }) => {
    versions.push(version)
    if (status !== 'RUNNING' || succeededCount < connected || connected === offline.length) return
    void fleet.connect({ deviceIds: [`follow-${connected++}`] })
  })
  expect(seen).toMatchObject({ status: 'COMPLETED', succeededCount: 4 })
  expect(versions.length).toBeGreaterThan(4)
  expect(versions).toEqual([...new Set(versions)].sort((one, other) => one - other))
})

test('a job that is scheduled at one instance starts at the devices of another', async () => {
  const fleet = await connectFleet(b, 'start', [{ kind: 'answer' }, { kind: 'answer' }])
  const seen = await watch(a, await scheduleMethod(a, 'start'))
  expect(seen).toMatchObject({ status: 'COMPLETED', succeededCount: 2 })
  expect(fleet.ledger.entries).toHaveLength(2)
})

test('a twin job that one instance does is told to the devices of all', async () => {
  const [here, there] = [
    await connectFleet(a, 'twin-a', [{ kind: 'answer' }]),
    await connectFleet(b, 'twin-b', [{ kind: 'answer' }]),
  ]
  const { scheduleTwinUpdate } = await a.client.execute(ScheduleTwin, {
    input: {
      queryCondition: "tags.fleet in ['twin-a', 'twin-b']",
      updateTwin: { properties: { desired: { interval: 30 } } },
    },
  })
  expect(scheduleTwinUpdate).toHaveProperty('job')
  await expect.poll(() => here.twinOf('twin-a-0').desired).toMatchObject({ interval: 30 })
  await expect.poll(() => there.twinOf('twin-b-0').desired).toMatchObject({ interval: 30 })
})

test('a device that is disabled at one instance is dropped by the other', async () => {
  const fleet = await connectFleet(b, 'disabled', [{ kind: 'answer' }, { kind: 'answer' }])
  await updateDevice(a, 'disabled-0', 'DISABLED')
  await expect.poll(() => fleet.isConnected('disabled-0')).toBe(false)
  expect(fleet.isConnected('disabled-1')).toBe(true)
})

test('when the connections for notifications break, they come back, and nothing that happened meanwhile is missed', async () => {
  const fleet = await connectFleet(b, 'break', [{ kind: 'answer' }, { kind: 'answer' }, { kind: 'offline' }])
  const pids = await listeners()
  expect(pids).toHaveLength(2)
  await database.pool.query('select pg_terminate_backend(pid) from unnest($1::integer[]) pid', [pids])
  await updateDevice(a, 'break-1', 'DISABLED')
  const seen = watch(a, await scheduleMethod(a, 'break'))
  await expect.poll(() => fleet.isConnected('break-1')).toBe(false)
  await expect.poll(() => fleet.ledger.entries).toHaveLength(1)

  await expect.poll(async () => (await listeners()).filter((pid) => !pids.includes(pid))).toHaveLength(2)
  await updateDevice(a, 'break-1', 'ENABLED')
  await fleet.connect({ deviceIds: ['break-1', 'break-2'] })
  expect(await seen).toMatchObject({ status: 'COMPLETED', succeededCount: 3 })
})

/** Calls a device over GraphQL and over REST at once, and answers what both say. */
async function callOf(app: TestApp, deviceId: string): Promise<string[]> {
  const post = async (url: string, authorization: string, body: object): Promise<string> => {
    const headers = { 'content-type': 'application/json', authorization }
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) })
    return `${response.status} ${await response.text()}`
  }
  const query = `mutation { invokeDeviceMethod(input: { deviceId: "${deviceId}", methodName: "reboot" }) { __typename ... on Error { message } } }`
  const path = `/twins/${deviceId}/methods?api-version=2021-04-12`
  return Promise.all([
    post(app.addresses.graphql, app.ownerToken, { query }),
    post(new URL(path, app.addresses.http).href, app.ownerToken, { methodName: 'reboot' }),
  ])
}

test('a device that is disabled through another instance ends its calls, and is said to be disabled from then on', async () => {
  const fleet = await connectFleet(a, 'locked', [{ kind: 'silent' }])
  const deviceId = 'locked-0'
  const underWay = callOf(a, deviceId)
  await expect.poll(() => fleet.stats().methodsReceived).toBe(2)
  await updateDevice(b, deviceId, 'DISABLED')
  const refused = [
    expect.stringContaining(
      `200 {"data":{"invokeDeviceMethod":{"__typename":"NotFoundError","message":"The device \\"${deviceId}\\" is disabled."}}}`,
    ),
    expect.stringMatching(/^404 .*404001.*is disabled\./),
  ]
  expect(await callOf(a, deviceId)).toEqual(refused)
  expect(await callOf(b, deviceId)).toEqual(refused)
  expect(await underWay).toEqual([
    expect.stringContaining(
      '"__typename":"DeviceTimeoutError","message":"The call of reboot was sent, but \\"locked-0\\" was disabled',
    ),
    expect.stringMatching(/^504 .*504101.*The call of reboot was sent, but .* was disabled before it answered/),
  ])
})

test('a call that is asked for at one instance reaches the device at another, once, whatever it answers', async () => {
  const large = 'é'.repeat(60_000)
  const fleet = await connectFleet(a, 'across', [
    { kind: 'answer', payload: { large } },
    { kind: 'refuse', status: 503, payload: 'busy' },
  ])
  const call = async (deviceId: string, more: object = {}) => {
    const path = `/twins/${deviceId}/methods?api-version=2021-04-12`
    const response = await fetch(new URL(path, b.addresses.http), {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: b.ownerToken },
      body: JSON.stringify({ methodName: 'reboot', ...more }),
    })
    return { status: response.status, body: await response.json() }
  }
  expect(await call('across-0', { payload: large })).toEqual({ status: 200, body: { status: 200, payload: { large } } })
  expect(await call('across-1')).toEqual({ status: 200, body: { status: 503, payload: 'busy' } })
  expect(fleet.ledger.entries.map(({ deviceId }) => deviceId)).toEqual(['across-0', 'across-1'])

  await fleet.disconnect(['across-1'])
  expect(await call('across-1')).toMatchObject({ status: 404, body: { Message: expect.stringContaining('404103') } })
  const late = call('across-1', { connectTimeoutInSeconds: 60 })
  await fleet.connect({ deviceIds: ['across-1'] })
  expect(await late).toEqual({ status: 200, body: { status: 503, payload: 'busy' } })
  expect(fleet.ledger.entries).toHaveLength(3)
})

test('a device that does not answer, or is disabled, ends a call that another instance asked for', async () => {
  const fleet = await connectFleet(a, 'silent', [{ kind: 'silent' }])
  const ended = callOf(b, 'silent-0')
  await expect.poll(() => fleet.stats().methodsReceived).toBe(2)
  await updateDevice(b, 'silent-0', 'DISABLED')
  expect(await ended).toEqual([
    expect.stringContaining('"__typename":"DeviceTimeoutError","message":"The call of reboot was sent, but'),
    expect.stringMatching(/^504 .*504101/),
  ])
})

test('telemetry reaches those who follow the device at another instance', async () => {
  const [device] = await registerFleet(a.client, 'told', 1, () => ({ kind: 'offline' }))
  const sender = Client.fromConnectionString(
    `HostName=localhost;DeviceId=told-0;SharedAccessKey=${device?.primaryKey};GatewayHostName=localhost:${a.mqttsPort}`,
    Mqtt,
  )
  await sender.setOptions({ ca: a.ca })
  await sender.open()
  const messages = b.client.subscribe(FollowTelemetry, { deviceId: 'told-0' })[Symbol.asyncIterator]()
  try {
    const heard: unknown[] = []
    const first = messages.next().then(({ value }) => heard.push(value))
    const large = 'x'.repeat(100_000)
    const message = new Message(JSON.stringify({ degrees: 21, large }))
    message.properties.add('alarm', 'no')
    // Until those who follow have been heard of.
    await expect
      .poll(async () => {
        await sender.sendEvent(message)
        return heard
      })
      .toContainEqual({ telemetry: { deviceId: 'told-0', properties: { alarm: 'no' }, body: { degrees: 21, large } } })
    await first
  } finally {
    await messages.return?.()
    await sender.close()
  }
})
