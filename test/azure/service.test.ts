import { randomUUID } from 'node:crypto'
import { Agent } from 'node:https'
import { setTimeout } from 'node:timers/promises'
import { Client, JobClient, Registry, type Twin } from 'azure-iothub'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import type { Behaviour } from '../../src/simulator/behaviour.ts'
import { createFleet, type Fleet, type FleetDescription } from '../../src/simulator/fleet.ts'
import { startApp, type TestApp } from '../support/app.ts'

// The published service SDK, unmodified. Only the port is handed to it by a private way, for it knows none but 443.

const ownerKey = Buffer.alloc(32, 5).toString('base64')
let app: TestApp
let registry: Registry
let jobs: JobClient
let client: Client
const agents: Agent[] = []
const fleets: Fleet[] = []

beforeAll(async () => {
  app = await startApp({ IOTHUB_OWNER_KEY: ownerKey })
  registry = connect(Registry)
  jobs = connect(JobClient)
  client = connect(Client)
})
afterEach(async () => {
  await Promise.all(fleets.splice(0).map((fleet) => fleet.close()))
  expect(app.errors).toEqual([])
})
afterAll(async () => {
  for (const agent of agents) agent.destroy()
  await app.close()
})

function connect<Sdk extends object>(from: { fromConnectionString(text: string): Sdk }, key = ownerKey): Sdk {
  const agent = new Agent({ keepAlive: true, port: Number(new URL(app.addresses.https).port), ca: app.ca })
  agents.push(agent)
  const sdk = from.fromConnectionString(`HostName=localhost;SharedAccessKeyName=iothubowner;SharedAccessKey=${key}`)
  Reflect.get(Object(sdk), '_restApiClient').setOptions({ http: { agent } })
  return sdk
}

type Callback<Result> = (error: Error | null | undefined, result?: Result, response?: unknown) => void
/** What a call in callback style calls back with. */
const called = <Result>(call: (done: Callback<Result>) => void): Promise<Result> =>
  new Promise((resolve, reject) => {
    call((error, result) => (error ? reject(error) : resolve(result as Result)))
  })

/** Registers devices called `name-0` and so on through the SDK, and makes a fleet of them. */
async function givenFleet(name: string, behaviours: readonly Behaviour[]): Promise<Fleet> {
  const ids = behaviours.map((_, index) => `${name}-${index}`)
  await registry.addDevices(ids.map((deviceId) => ({ deviceId, tags: { fleet: name } })))
  const devices = await Promise.all(
    behaviours.map(async (behaviour, index) => {
      const { responseBody } = await registry.get(ids[index] ?? '')
      return {
        deviceId: responseBody.deviceId,
        primaryKey: responseBody.authentication?.symmetricKey?.primaryKey ?? '',
        behaviour,
      }
    }),
  )
  return connectFleet(devices)
}

async function connectFleet(devices: FleetDescription['devices']): Promise<Fleet> {
  const fleet = createFleet({ host: '127.0.0.1', port: app.mqttPort, hubName: 'localhost', devices })
  fleets.push(fleet)
  await fleet.connect()
  return fleet
}

/** Asks for a job until it has ended, as the vendor's tutorial does. */
// biome-ignore lint/suspicious/noExplicitAny: the SDK does not say what a job is
async function ended(jobId: string): Promise<any> {
  for (;;) {
    const { jobStatus } = await jobs.getJob(jobId)
    if (['completed', 'failed', 'cancelled'].includes(jobStatus.status)) return jobStatus
    await setTimeout(20)
  }
}

const tomorrow = () => new Date(Date.now() + 86_400_000)
const method = { methodName: 'reboot', payload: { a: 1 }, responseTimeoutInSeconds: 15 }
const patch = { etag: '*', properties: { desired: { level: 3 } } }
const nobody = "deviceId = 'nobody'"

describe('scheduling', () => {
  test('a method in callback style, with all its optional arguments and without', async () => {
    const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()]
    const short = (jobId: string) => ({ jobId, type: 'scheduleDeviceMethod', status: expect.any(String) })
    expect(await called((done) => jobs.scheduleDeviceMethod(one, nobody, method, done))).toEqual(short(one))
    expect(await called((done) => jobs.scheduleDeviceMethod(two, nobody, method, new Date(), done))).toEqual(short(two))
    expect(
      await called((done) => jobs.scheduleDeviceMethod(three, nobody, method, tomorrow(), 60, done)),
    ).toMatchObject({ status: 'scheduled' })
    const { jobStatus } = await jobs.getJob(three)
    expect(jobStatus).toMatchObject({ maxExecutionTimeInSeconds: 60, cloudToDeviceMethod: method })
  })

  test('a twin update in callback style', async () => {
    const [one, two, three] = [randomUUID(), randomUUID(), randomUUID()]
    await called((done) => jobs.scheduleTwinUpdate(one, nobody, patch, done))
    await called((done) => jobs.scheduleTwinUpdate(two, nobody, patch, new Date(), done))
    await called((done) => jobs.scheduleTwinUpdate(three, nobody, patch, tomorrow(), 60, done))
    expect((await ended(one)).updateTwin).toEqual({ deviceId: null, ...patch })
    expect((await jobs.getJob(three)).jobStatus.status).toBe('scheduled')
  })

  test('in promise style, which sends null for the time when it is left out', async () => {
    const [one, two, three, four] = [randomUUID(), randomUUID(), randomUUID(), randomUUID()]
    const { jobStatus, response } = await jobs.scheduleDeviceMethod(one, nobody, method)
    expect([jobStatus.jobId, response.statusCode]).toEqual([one, 200])
    expect((await jobs.scheduleTwinUpdate(two, nobody, patch)).jobStatus.type).toBe('scheduleUpdateTwin')
    const start = tomorrow()
    await jobs.scheduleDeviceMethod(three, nobody, method, start, 90)
    await jobs.scheduleTwinUpdate(four, nobody, patch, start, 91)
    expect((await ended(one)).maxExecutionTimeInSeconds).toBe(3600)
    expect((await ended(two)).maxExecutionTimeInSeconds).toBe(3600)
    const times = { startTime: start.toISOString(), status: 'scheduled' }
    expect((await jobs.getJob(three)).jobStatus).toMatchObject({ ...times, maxExecutionTimeInSeconds: 90 })
    expect((await jobs.getJob(four)).jobStatus).toMatchObject({ ...times, maxExecutionTimeInSeconds: 91 })
  })

  test('over a set that is empty completes with nothing, and on a condition that does not parse is refused', async () => {
    const jobId = randomUUID()
    await jobs.scheduleTwinUpdate(jobId, nobody, patch)
    expect(await ended(jobId)).toMatchObject({ status: 'completed', deviceJobStatistics: { deviceCount: 0 } })
    await expect(jobs.scheduleTwinUpdate(randomUUID(), 'tags.a =', patch)).rejects.toMatchObject({
      name: 'ArgumentError',
    })
  })

  test('under a name that is taken, or without the star as etag', async () => {
    const jobId = randomUUID()
    await jobs.scheduleDeviceMethod(jobId, nobody, method)
    await expect(jobs.scheduleDeviceMethod(jobId, nobody, method)).rejects.toMatchObject({
      name: 'DeviceAlreadyExistsError',
      message: `The job "${jobId}" already exists.`,
    })
    await expect(jobs.scheduleTwinUpdate(randomUUID(), nobody, { ...patch, etag: 'x' })).rejects.toMatchObject({
      name: 'InvalidEtagError',
    })
  })
})

describe('jobs that are there', () => {
  test('can be cancelled before they start', async () => {
    const [one, two] = [randomUUID(), randomUUID()]
    await jobs.scheduleTwinUpdate(one, '*', patch, tomorrow(), 60)
    await jobs.scheduleTwinUpdate(two, '*', patch, tomorrow(), 60)
    expect((await jobs.cancelJob(one)).jobStatus).toMatchObject({ jobId: one, status: 'cancelled' })
    expect(await called((done) => jobs.cancelJob(two, done))).toMatchObject({ status: 'cancelled' })
    await expect(jobs.cancelJob(one)).rejects.toThrow("Job cannot be cancelled in 'Cancelled' status.")
  })

  test('cannot be cancelled while they run, nor when they have ended', async () => {
    const fleet = await givenFleet('keeps', [{ kind: 'offline' }])
    const jobId = randomUUID()
    await jobs.scheduleDeviceMethod(jobId, "tags.fleet = 'keeps'", method)
    for (;;) {
      const { jobStatus } = await jobs.getJob(jobId)
      if (jobStatus.status === 'running') break
      await setTimeout(20)
    }
    await expect(jobs.cancelJob(jobId)).rejects.toThrow("Job cannot be cancelled in 'Running' status.")
    await fleet.connect({ deviceIds: ['keeps-0'] })
    await ended(jobId)
    await expect(jobs.cancelJob(jobId)).rejects.toThrow("Job cannot be cancelled in 'Completed' status.")
  })

  test('that are not there are not found', async () => {
    await expect(jobs.getJob('no-such-job')).rejects.toMatchObject({ message: 'Not found' })
    await expect(jobs.cancelJob('no-such-job')).rejects.toMatchObject({ message: 'Not found' })
  })

  test('come in pages, by callback and by the continuation token', async () => {
    // Jobs that no other test makes: of the type and status asked for there are exactly five.
    const ids = Array.from({ length: 5 }, (_, index) => `page-${index}`)
    for (const id of ids) await jobs.scheduleTwinUpdate(id, '*', patch, tomorrow(), 60)
    const paged = (rows: readonly { jobId: string }[]) =>
      rows.map(({ jobId }) => jobId).filter((id) => ids.includes(id))

    const query = jobs.createQuery('scheduleUpdateTwin', 'scheduled', 2)
    const seen: string[] = []
    let pages = 0
    while (query.hasMoreResults) {
      const rows = await called<{ jobId: string }[]>((done) => query.next(done))
      expect(rows.length).toBeLessThanOrEqual(2)
      seen.push(...paged(rows))
      pages++
    }
    expect(seen).toEqual([...ids].reverse())
    expect(pages).toBeGreaterThanOrEqual(3)

    const again = jobs.createQuery('scheduleUpdateTwin', 'scheduled', 3)
    const first = await again.next()
    const second = await again.next(again.continuationToken)
    expect([...paged(first.result), ...paged(second.result)]).toEqual([...ids].reverse())
    // Without the token the SDK in promise style asks for the first page again: there is nothing a server can do.
    const trap = jobs.createQuery('scheduleUpdateTwin', 'scheduled', 3)
    expect((await trap.next()).result).toEqual((await trap.next()).result)
    for (const id of ids) await jobs.cancelJob(id)
  })
})

describe('the registry', () => {
  test('creates a device without keys, and the one it makes lets the device in', async () => {
    const { responseBody: created } = await registry.create({ deviceId: 'keyless' })
    const primaryKey = created.authentication?.symmetricKey?.primaryKey ?? ''
    const fleet = await connectFleet([{ deviceId: 'keyless', primaryKey, behaviour: { kind: 'answer' } }])
    expect(fleet.isConnected('keyless')).toBe(true)
    for (;;) {
      const { responseBody } = await registry.get('keyless')
      if (String(responseBody.connectionState) === 'Connected') break
      await setTimeout(20)
    }
  })

  test('creates, reads, changes, lists and deletes in callback style', async () => {
    const deviceId = "it's 100%".replace(' ', '-')
    const created = await called<{ deviceId: string }>((done) => registry.create({ deviceId }, done))
    expect(created.deviceId).toBe(deviceId)
    const changed = await called((done) =>
      registry.update({ deviceId, status: 'disabled', statusReason: 'late; very' }, done),
    )
    expect(changed).toMatchObject({ status: 'disabled', statusReason: 'late; very' })
    const keysOf = (device: unknown) => Reflect.get(Object(device), 'authentication').symmetricKey
    expect(keysOf(changed)).toEqual(keysOf(created))
    expect(await called((done) => registry.get(deviceId, done))).toMatchObject({ status: 'disabled' })
    const list = await called<{ deviceId: string }[]>((done) => registry.list(done))
    expect(list.map((device) => device.deviceId)).toContain(deviceId)
    await called((done) => registry.delete(deviceId, done))
  })

  test('answers 204 to a deletion, then that there is no such device', async () => {
    await registry.create({ deviceId: 'twice' })
    const { httpResponse } = await registry.delete('twice')
    expect(httpResponse.statusCode).toBe(204)
    await expect(registry.delete('twice')).rejects.toMatchObject({ name: 'DeviceNotFoundError' })
    await expect(registry.get('twice')).rejects.toMatchObject({ message: 'There is no device "twice".' })
  })

  test('tells that a device is there already', async () => {
    await registry.create({ deviceId: 'once' })
    await expect(registry.create({ deviceId: 'once' })).rejects.toMatchObject({ name: 'DeviceAlreadyExistsError' })
  })

  test('takes a hundred at once, with one that is there already among them', async () => {
    const devices = Array.from({ length: 100 }, (_, index) => ({ deviceId: `hundred-${index}` }))
    expect((await registry.addDevices(devices)).responseBody).toEqual({ isSuccessful: true, errors: [], warnings: [] })
    const again = [{ deviceId: 'hundred-100' }, { deviceId: 'hundred-5' }]
    const failed = await registry.addDevices(again).catch((error) => error)
    expect(failed).toMatchObject({ name: 'ArgumentError' })
    expect(JSON.parse(failed.responseBody)).toMatchObject({
      isSuccessful: false,
      errors: [{ deviceId: 'hundred-5', errorCode: 'DeviceAlreadyExists' }],
    })
    expect((await registry.get('hundred-100')).responseBody.deviceId).toBe('hundred-100')

    const one = (await registry.get('hundred-1')).responseBody
    await registry.updateDevices([{ deviceId: 'hundred-1', status: 'disabled' }], true)
    await expect(registry.updateDevices([{ ...one, status: 'enabled' }], false)).rejects.toMatchObject({
      name: 'ArgumentError',
    })
    await expect(registry.removeDevices([one], false)).rejects.toMatchObject({ name: 'ArgumentError' })
    await registry.removeDevices(devices, true)
    await expect(registry.get('hundred-1')).rejects.toMatchObject({ name: 'DeviceNotFoundError' })
  })

  // A hundred and one the SDK refuses by itself; what the hub says to them is in test/rest/devices.test.ts.
  test('takes the first of two with one id', async () => {
    const twice = [{ deviceId: 'twin-1', status: 'disabled' as const }, { deviceId: 'twin-2' }, { deviceId: 'twin-1' }]
    const failed = await registry.addDevices(twice).catch((error) => error)
    expect(JSON.parse(failed.responseBody)).toMatchObject({
      isSuccessful: false,
      errors: [{ deviceId: 'twin-1', errorCode: 'DeviceDefinedMultipleTimes' }],
    })
    expect((await registry.get('twin-1')).responseBody.status).toBe('disabled')
    expect((await registry.get('twin-2')).responseBody.status).toBe('enabled')
  })

  test('counts its devices', async () => {
    const { responseBody: before } = await registry.getRegistryStatistics()
    await registry.create({ deviceId: 'counted', status: 'disabled' })
    const { responseBody: after } = await registry.getRegistryStatistics()
    expect(after.totalDeviceCount).toBe(before.totalDeviceCount + 1)
    expect(after.disabledDeviceCount).toBe(before.disabledDeviceCount + 1)
  })

  test('does not let in who has another key', async () => {
    const stranger = connect(Registry, Buffer.alloc(32, 6).toString('base64'))
    await expect(stranger.list()).rejects.toMatchObject({ name: 'UnauthorizedError' })
  })
})

describe('twins', () => {
  test('are changed under the right etag and the star, and under no other', async () => {
    await registry.create({ deviceId: 'twin' })
    const { responseBody: twin } = await registry.getTwin('twin')
    const { responseBody: changed } = await registry.updateTwin('twin', { tags: { a: 1 } }, twin.etag)
    expect(changed.tags).toEqual({ a: 1 })
    await expect(registry.updateTwin('twin', { tags: { a: 2 } }, twin.etag)).rejects.toMatchObject({
      name: 'InvalidEtagError',
    })
    expect((await registry.updateTwin('twin', { tags: { a: 3 } }, '*')).responseBody.tags).toEqual({ a: 3 })
  })

  test('change through the object that the SDK makes of them', async () => {
    await registry.create({ deviceId: 'object' })
    const twin = await called<Twin>((done) => registry.getTwin('object', done))
    await called((done) => twin.update({ properties: { desired: { deep: { a: 1 }, gone: 1 } } }, done))
    await called((done) => twin.update({ properties: { desired: { gone: null } } }, done))
    const { responseBody } = await registry.getTwin('object')
    expect(responseBody.properties.desired).toMatchObject({ deep: { a: 1 }, $version: 3 })
    expect(responseBody.properties.desired).not.toHaveProperty('gone')
  })

  test('are found by queries, page by page', async () => {
    await registry.addDevices(['q-0', 'q-1', 'q-2'].map((deviceId) => ({ deviceId, tags: { kind: 'query' } })))
    const query = registry.createQuery("SELECT * FROM devices WHERE tags.kind = 'query'", 2)
    const seen: string[] = []
    while (query.hasMoreResults) {
      const twins = await called<Twin[]>((done) => query.nextAsTwin(done))
      seen.push(...twins.map(({ deviceId }) => deviceId))
    }
    expect(seen).toEqual(['q-0', 'q-1', 'q-2'])
    const bad = registry.createQuery('SELECT * FROM gadgets')
    await expect(bad.next()).rejects.toMatchObject({ name: 'ArgumentError' })
  })
})

describe('a method', () => {
  const invoke = (deviceId: string, call: object = {}) =>
    client.invokeDeviceMethod(deviceId, { methodName: 'reboot', ...call })

  test('is answered by the device, whatever its status, in both styles', async () => {
    const fleet = await givenFleet('method', [
      { kind: 'answer', payload: { ok: true } },
      { kind: 'refuse', status: 500, payload: 'no' },
    ])
    expect((await invoke('method-0')).result).toEqual({ status: 200, payload: { ok: true } })
    const params = { methodName: 'reboot', payload: { a: 1 } }
    expect(await called((done) => client.invokeDeviceMethod('method-1', params, done))).toEqual({
      status: 500,
      payload: 'no',
    })
    for (const payload of [null, 0, '']) await invoke('method-0', { payload })
    expect(fleet.ledger.entries).toHaveLength(5)
  })

  test('that a silent device gets is not sent again', async () => {
    const fleet = await givenFleet('silent', [{ kind: 'silent' }])
    await expect(invoke('silent-0', { responseTimeoutInSeconds: 5 })).rejects.toMatchObject({
      name: 'GatewayTimeoutError',
    })
    expect(fleet.ledger.entries).toHaveLength(1)
  })

  test('for a device that is away is refused with 404103, and waits for one that connects in time', async () => {
    const fleet = await givenFleet('away', [{ kind: 'offline' }])
    const refused = await invoke('away-0').catch((error) => error)
    expect(refused).toMatchObject({ message: 'Not found', response: { statusCode: 404 } })
    expect(JSON.parse(JSON.parse(refused.responseBody).Message).errorCode).toBe(404103)
    const waiting = invoke('away-0', { connectTimeoutInSeconds: 30 })
    await fleet.connect({ deviceIds: ['away-0'] })
    expect((await waiting).result).toEqual({ status: 200, payload: null })
    expect(fleet.ledger.entries).toHaveLength(1)
  })

  test('for a device that there is not is refused', async () => {
    const refused = await invoke('ghost').catch((error) => error)
    expect(JSON.parse(JSON.parse(refused.responseBody).Message).errorCode).toBe(404001)
  })

  test.each([4, 301])('with a timeout of %i seconds is refused', async (responseTimeoutInSeconds) => {
    await expect(invoke('ghost', { responseTimeoutInSeconds })).rejects.toMatchObject({ name: 'ArgumentError' })
  })

  test('with more than 128 KB is too large', async () => {
    const refused = await invoke('ghost', { payload: 'x'.repeat(128 * 1024 - 1) }).catch((error) => error)
    expect(refused.response.statusCode).toBe(413)
  })
})

test('a method job over devices that answer, fail, keep silent and come late ends as each deserves', async () => {
  const fleet = await givenFleet('mix', [
    { kind: 'answer', payload: { ok: true } },
    { kind: 'refuse', status: 500 },
    { kind: 'silent' },
    { kind: 'offline' },
    { kind: 'offline' },
  ])
  const jobId = randomUUID()
  await jobs.scheduleDeviceMethod(
    jobId,
    "tags.fleet = 'mix'",
    { ...method, responseTimeoutInSeconds: 5 },
    new Date(),
    9,
  )
  await fleet.connect({ deviceIds: ['mix-3'] })
  expect(await ended(jobId)).toMatchObject({
    status: 'completed',
    deviceJobStatistics: { deviceCount: 5, succeededCount: 3, failedCount: 2, runningCount: 0, pendingCount: 0 },
  })

  const query = registry.createQuery(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`, 2)
  const rows: Record<string, unknown>[] = []
  while (query.hasMoreResults) {
    rows.push(...(await called<Record<string, unknown>[]>((done) => query.next(done))))
  }
  const answered = (status: number, payload: unknown) => ({ deviceMethodResponse: { status, payload } })
  expect(rows).toMatchObject([
    { deviceId: 'mix-0', status: 'completed', outcome: answered(200, { ok: true }) },
    { deviceId: 'mix-1', status: 'completed', outcome: answered(500, null) },
    { deviceId: 'mix-2', status: 'failed', error: { code: 'GatewayTimeout' } },
    { deviceId: 'mix-3', status: 'completed', outcome: answered(200, null) },
    { deviceId: 'mix-4', status: 'failed', error: { code: 'JobRunPreconditionFailed' } },
  ])
  expect(fleet.ledger.entries.map(({ deviceId }) => deviceId).sort()).toEqual(['mix-0', 'mix-1', 'mix-2', 'mix-3'])
})
