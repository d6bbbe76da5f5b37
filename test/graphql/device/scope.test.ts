import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Viewer } from '../../../src/access/viewer.ts'
import { createDevice, deleteDevice } from '../../../src/device/commands.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything } from '../../../src/scope.ts'
import { patchTwin } from '../../../src/twin/commands.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

// A viewer with a scope, over GraphQL: devices outside are as unknown as those that do not exist.

const rights = ['readDevices', 'readTwins', 'writeDevices', 'writeTwins', 'invokeMethods'] as const
const personOf = (...conditions: string[]): Viewer => personWith({ rights, scope: scopeOf(conditions), name: 'nora' })
const viewers: Readonly<Record<string, Viewer>> = {
  north: personOf("tags.site = 'north'"),
  connected: personOf("connectionState = 'Connected'"),
}

let door: TestDoor
let port: OpenPort
beforeAll(async () => {
  door = await openDoor({ authenticate: async (token) => viewers[token ?? 'owner'] ?? owner })
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
})

const given = async (site: string, ...ids: string[]): Promise<void> => {
  for (const deviceId of ids) await createDevice(door.deps, everything, { deviceId, twin: { tags: { site } } })
}
const move = (deviceId: string, site: string) =>
  patchTwin(door.deps, everything, { deviceId, patch: { tags: { site } }, ifMatch: '*' })
const remove = (deviceId: string) => deleteDevice(door.deps, everything, { deviceId, ifMatch: '*' })
const asNorth = (query: string) => door.ask(query, {}, { authorization: 'north' })

/** A subscription of a viewer. `next` gives the value of its only field, or 'complete', or the code of an error. */
function subscribe(authorization: string, query: string, variables: Record<string, unknown> = {}) {
  const results = port.client({ authorization }).iterate<Record<string, unknown>>({ query, variables })
  return async (): Promise<unknown> => {
    const { value, done } = await results.next()
    if (done) return 'complete'
    const [error] = value.errors ?? []
    return error === undefined ? Object.values(value.data ?? {})[0] : error.message
  }
}

test('lists, counts and pages have only the devices in the scope', async () => {
  await given('north', 'page-1', 'page-3', 'page-5')
  await given('south', 'page-0', 'page-2', 'page-4', 'page-6')
  const list = async (page: string) => {
    const { data, errors } = await asNorth(
      `{ devices(${page}, queryCondition: "deviceId > 'page-' AND deviceId < 'page-9'")
         { totalCount nodes { deviceId } pageInfo { hasNextPage hasPreviousPage endCursor } } }`,
    )
    expect(errors).toEqual([])
    return JSON.parse(JSON.stringify(data.devices))
  }
  const idsOf = (found: { nodes: readonly { deviceId: string }[] }) => found.nodes.map(({ deviceId }) => deviceId)
  const first = await list('first: 2')
  expect(first).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: true } })
  expect(idsOf(first)).toEqual(['page-1', 'page-3'])
  const rest = await list(`first: 2, after: "${first.pageInfo.endCursor}"`)
  expect(rest).toMatchObject({ totalCount: 3, pageInfo: { hasNextPage: false } })
  expect(idsOf(rest)).toEqual(['page-5'])
  expect(idsOf(await list('last: 2'))).toEqual(['page-3', 'page-5'])
  const foreign = await door.ask(
    '{ devices(first: 1, queryCondition: "deviceId = \'page-4\'") { pageInfo { endCursor } } }',
  )
  const { endCursor } = JSON.parse(JSON.stringify(foreign.data.devices)).pageInfo
  expect(idsOf(await list(`first: 9, after: "${endCursor}"`))).toEqual(['page-5'])
  expect(idsOf(await list(`last: 9, before: "${endCursor}"`))).toEqual(['page-1', 'page-3'])
  const { data } = await asNorth('{ devices(first: 100) { nodes { deviceId } } }')
  expect(JSON.stringify(data)).not.toMatch(/page-[0246]/)
})

test('a device outside of the scope is answered like an unknown one, in every operation', async () => {
  await given('south', 'outside')
  const globalId = (id: string) => Buffer.from(`Device:${id}`).toString('base64url')
  const input = 'input: { deviceId: "x" '
  const error = '{ __typename ... on Error { code message } }'
  const operations = [
    '{ device(deviceId: "x") { deviceId twin { tags } authentication { type } } }',
    '{ node(id: "global") { id } }',
    '{ nodes(ids: ["global"]) { id } }',
    '{ devices(first: 5, queryCondition: "deviceId = \'x\'") { totalCount nodes { deviceId } } }',
    `mutation { updateTwin(${input} patch: { tags: { a: 1 } } }) ${error} }`,
    `mutation { updateDevice(${input} status: DISABLED }) ${error} }`,
    `mutation { deleteDevice(${input} ifMatch: "AAAAAAAAAAE=" }) ${error} }`,
    `mutation { deleteDevice(${input} }) ${error} }`,
    `mutation { invokeDeviceMethod(${input} methodName: "m" }) ${error} }`,
    'subscription { twinUpdated(deviceId: "x") { tags } }',
    'subscription { telemetry(deviceId: "x") { body } }',
  ]
  for (const operation of operations) {
    const answerFor = async (id: string) => {
      const query = operation
        .replaceAll('"x"', `"${id}"`)
        .replaceAll("'x'", `'${id}'`)
        .replaceAll('global', globalId(id))
      const answer = operation.startsWith('subscription')
        ? await subscribe('north', query)()
        : await asNorth(query).then(({ data, errors }) => ({ data, errors }))
      return JSON.stringify(answer).replaceAll(id, 'x')
    }
    expect(await answerFor('outside'), operation).toBe(await answerFor('unknown'))
  }
  const { data } = await door.ask('{ device(deviceId: "outside") { status twin { version } } }')
  expect(data.device).toEqual({ status: 'ENABLED', twin: { version: 1 } })
})

test('a device that would be outside of the scope is not created, and not moved there', async () => {
  const create = (site: string) =>
    asNorth(`mutation { createDevice(input: { deviceId: "made-${site}", twin: { tags: { site: "${site}" } } })
      { __typename ... on Error { message } ... on InvalidInputError { path } } }`)
  expect((await create('south')).data.createDevice).toEqual({
    __typename: 'InvalidInputError',
    message: "The device would be outside your scope: tags.site = 'north'.",
    path: ['twin'],
  })
  expect((await create('north')).data.createDevice).toEqual({ __typename: 'CreateDevicePayload' })
  const { data } =
    await asNorth(`mutation { updateTwin(input: { deviceId: "made-north", patch: { tags: { site: null } } })
    { __typename ... on InvalidInputError { path } } }`)
  expect(data.updateTwin).toEqual({ __typename: 'InvalidInputError', path: ['patch'] })
})

test('paths come from the devices in the scope', async () => {
  await createDevice(door.deps, everything, { deviceId: 'path-n', twin: { tags: { site: 'north', pathnorth: 1 } } })
  await createDevice(door.deps, everything, { deviceId: 'path-s', twin: { tags: { site: 'south', pathsouth: 1 } } })
  const { data } = await asNorth('{ twinPaths(prefix: "tags.path") { path deviceCount } }')
  expect(data.twinPaths).toEqual([{ path: 'tags.pathnorth', deviceCount: 1 }])
})

const twinUpdated = 'subscription ($deviceId: String!) { twinUpdated(deviceId: $deviceId) { version tags } }'

test('updates of a twin complete when the device leaves the scope, and show nothing of the twin after that', async () => {
  await given('north', 'twin-leaves')
  const next = subscribe('north', twinUpdated, { deviceId: 'twin-leaves' })
  expect(await next()).toEqual({ version: 1, tags: { site: 'north' } })
  await move('twin-leaves', 'south')
  expect(await next()).toBe('complete')
})

test('updates of a twin complete when the device leaves a scope of connected devices', async () => {
  await given('north', 'twin-drops')
  const { pool } = door.deps.database
  await pool.query(
    `update device set connection_state = 'connected', connection_id = 'x', instance_id = $1 where id = 'twin-drops'`,
    [door.deps.lease.instanceId],
  )
  const next = subscribe('connected', twinUpdated, { deviceId: 'twin-drops' })
  expect(await next()).toMatchObject({ version: 1 })
  await pool.query(
    `update device set connection_state = 'disconnected', connection_id = null, instance_id = null where id = 'twin-drops'`,
  )
  door.deps.events.publish('presence', { deviceIds: ['twin-drops'] })
  expect(await next()).toBe('complete')
})

const telemetry = 'subscription ($deviceId: String!) { telemetry(deviceId: $deviceId) { body } }'
const send = (deviceId: string, body: number): void => {
  const payload = Buffer.from(String(body))
  const message = { deviceId, enqueuedTime: new Date('2026-03-01T06:30:00Z'), properties: {}, payload, size: 1 }
  door.deps.events.publish('telemetry', deviceId, [message])
}
/** A subscription to messages that has begun. */
async function listen(deviceId: string) {
  const next = subscribe('north', telemetry, { deviceId })
  const first = next()
  await until(() => door.deps.events.hasListeners('telemetry', deviceId))
  let waiting: Promise<unknown> | undefined = first
  return () => {
    const value = waiting ?? next()
    waiting = undefined
    return value
  }
}

/** Keeps all from reading devices until `letGo`, which first moves a device to the site in the same transaction. */
async function holdDevices() {
  const { pool } = door.deps.database
  const holder = await pool.connect()
  await holder.query('begin')
  await holder.query('lock table device in access exclusive mode')
  const waiting = `select from pg_locks where relation = 'device'::regclass and not granted
                   and database = (select oid from pg_database where datname = current_database())`
  return {
    waiting: (count: number) => expect.poll(async () => (await pool.query(waiting)).rowCount).toBe(count),
    async letGo(deviceId: string, site: string) {
      await holder.query(`update twin set tags = jsonb_build_object('site', $2::text) where device_id = $1`, [
        deviceId,
        site,
      ])
      await holder.query('commit')
      holder.release()
    },
  }
}

test('messages that a device in the scope sends at once all arrive, in their order', async () => {
  await given('north', 'chatters')
  const results = await listen('chatters')
  const received: unknown[] = []
  for (const body of [1, 2, 3]) {
    send('chatters', body)
    results().then((result) => received.push(result))
  }
  await expect.poll(() => received).toEqual([{ body: 1 }, { body: 2 }, { body: 3 }])
})

test('messages end when the device leaves the scope, and none is sent after that', async () => {
  await given('north', 'talks')
  const next = await listen('talks')
  send('talks', 1)
  expect(await next()).toEqual({ body: 1 })
  await move('talks', 'south')
  send('talks', 2)
  expect(await next()).toBe('complete')
})

test('messages wait while it is checked whether the device is still in the scope', async () => {
  await given('north', 'slow-stays', 'slow-leaves')
  const answers: unknown[] = []
  for (const [deviceId, site] of [
    ['slow-stays', 'north'],
    ['slow-leaves', 'south'],
  ] as const) {
    const next = await listen(deviceId)
    send(deviceId, 1)
    expect(await next()).toEqual({ body: 1 })
    const devices = await holdDevices()
    door.deps.events.publish('twin', deviceId, { deviceId })
    await devices.waiting(1)
    send(deviceId, 2)
    await devices.letGo(deviceId, site)
    answers.push(await next())
  }
  expect(answers).toEqual([{ body: 2 }, 'complete'])
})

test('messages that wait are not sent after a check that is older than the last change', async () => {
  await given('north', 'changes-twice')
  const deviceId = 'changes-twice'
  const next = await listen(deviceId)
  send(deviceId, 1)
  expect(await next()).toEqual({ body: 1 })
  const before = await holdDevices()
  door.deps.events.publish('twin', deviceId, { deviceId })
  await before.waiting(1)
  // Gets its turn after the check that waits, and before any later one.
  const after = holdDevices()
  await before.waiting(2)
  send(deviceId, 2)
  door.deps.events.publish('twin', deviceId, { deviceId })
  await before.letGo(deviceId, 'north')
  // The check before the message, during which the device changes again.
  const meanwhile = await after
  await meanwhile.waiting(1)
  const last = holdDevices()
  await meanwhile.waiting(2)
  door.deps.events.publish('twin', deviceId, { deviceId })
  await meanwhile.letGo(deviceId, 'north')
  await (await last).letGo(deviceId, 'south')
  expect(await next()).toBe('complete')
})

type Update = { devices: { deviceId: string }[]; deletedDeviceIds: string[] }
const presence = `subscription {
  devicePresenceChanged(queryCondition: "tags.watched = true") { devices { deviceId } deletedDeviceIds }
}`
const changed = (...deviceIds: string[]): void => door.deps.events.publish('presence', { deviceIds })

test('presence tells nothing of devices outside, and of the end only of devices that it has shown', async () => {
  const sites = { 'here-1': 'north', 'here-2': 'north', 'here-3': 'north', 'there-1': 'south', 'there-2': 'south' }
  for (const [deviceId, site] of Object.entries(sites)) {
    await createDevice(door.deps, everything, { deviceId, twin: { tags: { site, watched: true } } })
  }
  const results = subscribe('north', presence)
  const next = async () => {
    const { devices, deletedDeviceIds }: Update = JSON.parse(JSON.stringify(await results()))
    return [...devices.map(({ deviceId }) => deviceId), ...deletedDeviceIds.map((id) => `${id} is gone`)]
  }
  expect(await next()).toEqual(['here-1', 'here-2', 'here-3'])
  changed('there-1', 'here-1')
  expect(await next()).toEqual(['here-1'])
  await remove('there-1')
  door.deps.events.publish('identity', { deviceId: 'there-2' })
  changed('here-2')
  expect(await next()).toEqual(['here-2'])

  await move('here-1', 'south')
  changed('here-1')
  expect(await next()).toEqual(['here-1 is gone'])
  changed('here-1')
  await remove('here-1')
  await remove('here-2')
  expect(await next()).toEqual(['here-2 is gone'])

  // A device outside that comes in is shown like a new one.
  await move('there-2', 'north')
  changed('there-2')
  expect(await next()).toEqual(['there-2'])
  door.deps.events.lookAgain()
  expect(await next()).toEqual(['here-3', 'there-2'])
})
