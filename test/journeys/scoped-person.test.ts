import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createClient } from 'graphql-ws'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { WebSocket } from 'ws'
import { createFleet, type Fleet } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'
import { registerFleet } from '../support/fleet.ts'
import { type Issuer, openIssuer } from '../support/issuer.ts'

// A hub with an issuer, connected devices at two sites, and persons who may see one of the sites.

let issuer: Issuer
let folder: string
let app: TestApp
let fleet: Fleet

const roles = (devices: Readonly<Record<string, string>>): Promise<void> => {
  const table = Object.entries(devices).map(([name, condition]) => [name, { extends: 'operator', devices: condition }])
  return writeFile(join(folder, 'roles.json'), JSON.stringify(Object.fromEntries(table)))
}
const north = "tags.fleet = 'north'"
const south = "tags.fleet = 'south'"

beforeAll(async () => {
  issuer = await openIssuer()
  folder = await mkdtemp(join(tmpdir(), 'scoped-person-'))
  await roles({ north, south })
  app = await startApp({
    OIDC_ISSUER: issuer.url,
    OIDC_AUDIENCE: issuer.audience,
    ROLES_FILE: join(folder, 'roles.json'),
    IOTHUB_OWNER_KEY: Buffer.alloc(32, 'k').toString('base64'),
  })
  const devices = []
  for (const site of ['north', 'south']) {
    devices.push(...(await registerFleet(app.client, site, 2, () => ({ kind: 'answer', payload: site }))))
  }
  fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
  await fleet.connect()
})
afterAll(async () => {
  await fleet?.close()
  await app?.close()
  await issuer?.close()
  await rm(folder, { recursive: true, force: true })
})

const tokenOf = async (...names: readonly string[]) => `Bearer ${await issuer.mint({ roles: names })}`

type Answer = { readonly data: Record<string, unknown>; readonly errors?: readonly { extensions: unknown }[] }
async function ask(authorization: string, query: string): Promise<Answer> {
  const response = await fetch(app.addresses.graphql, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization },
    body: JSON.stringify({ query }),
  })
  return response.json()
}
const askAs = async (role: string, query: string): Promise<Answer> => ask(await tokenOf(role), query)
const askAsOwner = (query: string): Promise<Answer> => ask(app.ownerToken, query)

/**
 * A subscription over a WebSocket. `next` gives the value of its only field, the extensions of an error, or 'complete'.
 */
async function subscribe(role: string, query: string) {
  const client = createClient({
    url: app.addresses.graphql.replace('http', 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: { authorization: await tokenOf(role) },
    retryAttempts: 0,
    onNonLazyError() {},
  })
  const results = client.iterate({ query })
  return {
    async next(): Promise<unknown> {
      const { value, done } = await results.next()
      if (done) return 'complete'
      const [error] = value.errors ?? []
      return error === undefined ? Object.values(Object(value.data))[0] : error.extensions
    },
    close: () => client.dispose(),
  }
}

const schedule = (jobId: string, condition: string) => `mutation { scheduleDeviceMethod(input: {
    jobId: "${jobId}", queryCondition: ${JSON.stringify(condition)}, maxExecutionTimeInSeconds: 60
    cloudToDeviceMethod: { methodName: "reboot", payload: { secret: "xyzzy" } }
  }) { __typename ... on Error { message } ... on ScheduleJobPayload { job { jobId } } } }`

/** The ids of the device jobs of a job in the order of their ends, as a subscriber gets them until the last one. */
async function endedOf(role: string, jobId: string): Promise<readonly string[]> {
  const ended = await subscribe(role, `subscription { deviceJobEnded(jobId: "${jobId}") { deviceJobs { deviceId } } }`)
  const ids: string[] = []
  for (;;) {
    const update = await ended.next()
    if (update === 'complete') return ids
    for (const { deviceId } of Object(update).deviceJobs) ids.push(deviceId)
  }
}

test('a person sees the devices of the scope and no others', async () => {
  const { data, errors } = await askAs(
    'north',
    `{ viewer { scope }
       devices(first: 10) { totalCount nodes { deviceId connectionState } }
       outside: device(deviceId: "south-0") { deviceId }
       previewJob(input: { queryCondition: "*" }) {
         ... on JobPreview { deviceCount { value } devices { deviceId } }
       } }`,
  )
  expect(errors).toBeUndefined()
  const own = ['north-0', 'north-1']
  expect(data).toEqual({
    viewer: { scope: north },
    devices: { totalCount: 2, nodes: own.map((deviceId) => ({ deviceId, connectionState: 'CONNECTED' })) },
    outside: null,
    previewJob: { deviceCount: { value: 2 }, devices: own.map((deviceId) => ({ deviceId })) },
  })
})

test('a person with two roles sees the devices of both', async () => {
  const { data } = await ask(await tokenOf('north', 'south'), '{ viewer { scope } devices(first: 1) { totalCount } }')
  expect(data).toEqual({ viewer: { scope: `(${north}) OR (${south})` }, devices: { totalCount: 4 } })
})

test('a person calls methods of devices in the scope, and others are unknown', async () => {
  const invoke = (
    deviceId: string,
  ) => `mutation { invokeDeviceMethod(input: { deviceId: "${deviceId}", methodName: "m" }) {
    __typename ... on InvokeDeviceMethodPayload { payload } ... on Error { code } } }`
  expect((await askAs('north', invoke('north-0'))).data.invokeDeviceMethod).toMatchObject({ payload: 'north' })
  const [outside, unknown] = [await askAs('north', invoke('south-0')), await askAs('north', invoke('south-9'))]
  expect(outside.data.invokeDeviceMethod).toEqual({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
  expect(outside).toEqual(unknown)
  const called = new Set(fleet.ledger.entries.map(({ deviceId }) => deviceId))
  expect(called).toEqual(new Set(['north-0']))
})

test('a job of a person calls the devices of the scope only, and persons of another scope see no part of it', async () => {
  const { data } = await askAs('north', schedule('north-job', '*'))
  expect(data.scheduleDeviceMethod).toMatchObject({ job: { jobId: 'north-job' } })
  expect([...(await endedOf('north', 'north-job'))].sort()).toEqual(['north-0', 'north-1'])
  expect(await endedOf('south', 'north-job')).toEqual([])
  const counts = '{ job(jobId: "north-job") { deviceJobStatistics { deviceCount succeededCount } } }'
  expect((await askAs('north', counts)).data.job).toEqual({
    deviceJobStatistics: { deviceCount: 2, succeededCount: 2 },
  })
  expect((await askAs('south', counts)).data.job).toEqual({
    deviceJobStatistics: { deviceCount: 0, succeededCount: 0 },
  })
})

test('of a job over all devices, a person sees what concerns the scope, and cannot change it', async () => {
  await askAsOwner(schedule('all-job', '*'))
  expect([...(await endedOf('north', 'all-job'))].sort()).toEqual(['north-0', 'north-1'])
  const { data, errors } = await askAs(
    'north',
    `{ job(jobId: "all-job") { deviceJobStatistics { deviceCount } deviceJobs(first: 9) { totalCount nodes { deviceId } }
       cloudToDeviceMethod { methodName payload } throughput } }`,
  )
  expect(data.job).toEqual({
    deviceJobStatistics: { deviceCount: 2 },
    deviceJobs: { totalCount: 2, nodes: [{ deviceId: 'north-0' }, { deviceId: 'north-1' }] },
    cloudToDeviceMethod: { methodName: 'reboot', payload: null },
    throughput: null,
  })
  expect(errors).toMatchObject([{ extensions: { code: 'FORBIDDEN', missing: { scope: north } } }])
  const retry = 'mutation { retryJob(input: { jobId: "all-job" }) { __typename } }'
  expect((await askAs('north', retry)).errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

test('subscriptions end when the device leaves the scope', async () => {
  const twins = await subscribe('north', 'subscription { twinUpdated(deviceId: "north-1") { tags } }')
  const presence = await subscribe(
    'north',
    'subscription { devicePresenceChanged { devices { deviceId } deletedDeviceIds } }',
  )
  expect(await twins.next()).toEqual({ tags: { fleet: 'north' } })
  expect(await presence.next()).toEqual({
    devices: [{ deviceId: 'north-0' }, { deviceId: 'north-1' }],
    deletedDeviceIds: [],
  })
  const move = (site: string) =>
    askAsOwner(
      `mutation { updateTwin(input: { deviceId: "north-1", patch: { tags: { fleet: "${site}" } } }) { __typename } }`,
    )
  await move('south')
  expect(await twins.next()).toBe('complete')
  await fleet.disconnect(['north-1', 'south-1'])
  expect(await presence.next()).toEqual({ devices: [], deletedDeviceIds: ['north-1'] })
  await move('north')
  await fleet.connect({ deviceIds: ['north-1', 'south-1'] })
  expect(await presence.next()).toMatchObject({ devices: [{ deviceId: 'north-1' }] })
  await Promise.all([twins.close(), presence.close()])
})

test('a person whose scope changes in the file sees the new devices at once, and no longer the old ones', async () => {
  const query = 'subscription { devicePresenceChanged { devices { deviceId } } }'
  const before = await subscribe('north', query)
  expect(await before.next()).toEqual({ devices: [{ deviceId: 'north-0' }, { deviceId: 'north-1' }] })
  await roles({ north: south, south })
  expect(await before.next()).toEqual({ code: 'FORBIDDEN', missing: { scope: south } })
  expect(await before.next()).toBe('complete')
  const after = await subscribe('north', query)
  expect(await after.next()).toEqual({ devices: [{ deviceId: 'south-0' }, { deviceId: 'south-1' }] })
  await Promise.all([before.close(), after.close()])
  const { data } = await askAs(
    'north',
    '{ device(deviceId: "north-0") { deviceId } job(jobId: "north-job") { deviceJobs(first: 9) { totalCount } } }',
  )
  expect(data).toEqual({ device: null, job: { deviceJobs: { totalCount: 0 } } })
})
