import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDevice, deleteDevice, updateDevice } from '../../../src/device/commands.ts'
import { everything } from '../../../src/scope.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { type OpenPort, openPort, until } from '../transport/sockets.ts'

let door: TestDoor
let port: OpenPort
const deviceId = 'pump-0001'
beforeAll(async () => {
  door = await openDoor()
  await givenDevices(door.deps, 'pump', 2)
})
afterAll(() => door.close())
beforeEach(async () => {
  port = await openPort(door)
})
afterEach(async () => {
  await port.close()
  await until(() => door.server.openStreams() === 0)
  expect(door.deps.events.hasListeners('telemetry', deviceId)).toBe(false)
})

const query = `subscription ($deviceId: String!) {
  telemetry(deviceId: $deviceId) { deviceId enqueuedTime properties contentType body }
}`

/** A subscription that has begun. */
async function listen(id = deviceId) {
  const results = port.client().iterate<{ telemetry: Record<string, unknown> }>({ query, variables: { deviceId: id } })
  const first = results.next()
  await until(() => door.deps.events.hasListeners('telemetry', id))
  let waiting: typeof first | undefined = first
  return async () => {
    const { value, done } = await (waiting ?? results.next())
    waiting = undefined
    return done ? 'complete' : value.data?.telemetry
  }
}

const enqueuedTime = new Date('2026-03-01T06:30:00Z')
const publish = (payload: string | Uint8Array, properties: Record<string, string> = {}, id = deviceId): void =>
  door.deps.events.publish('telemetry', id, [
    { deviceId: id, enqueuedTime, properties, payload: Buffer.from(payload), size: payload.length },
  ])

test('messages of the device come in their order, and those of others do not', async () => {
  const next = await listen()
  publish('0', {}, 'pump-0002')
  publish('1', { level: 'high', '$.mid': 'a' })
  publish('2')
  expect(await next()).toEqual({
    deviceId,
    enqueuedTime: '2026-03-01T06:30:00.000Z',
    properties: { level: 'high', '$.mid': 'a' },
    contentType: 'application/json',
    body: 1,
  })
  expect(await next()).toMatchObject({ body: 2 })
})

const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth)
const base64 = (text: string): string => Buffer.from(text).toString('base64')

test.each<[string, string | Uint8Array, string | undefined, string, unknown]>([
  [
    'an object',
    '{"a":[1,"[{"],"__proto__":1}',
    undefined,
    'application/json',
    JSON.parse('{"a":[1,"[{"],"__proto__":1}'),
  ],
  ['null', 'null', 'text/plain', 'application/json', null],
  ['text', 'warm', 'text/plain', 'text/plain', base64('warm')],
  ['text that claims to be JSON', '{', 'application/json;charset=utf-8', 'application/octet-stream', base64('{')],
  ['nothing', '', undefined, 'application/octet-stream', ''],
  ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22), undefined, 'application/octet-stream', 'Iv8i'],
  ['what is nested as far as may be', nested(64), undefined, 'application/json', JSON.parse(nested(64))],
  ['what is nested further', nested(65), undefined, 'application/octet-stream', base64(nested(65))],
  ['a hundred thousand brackets', nested(100_000), undefined, 'application/octet-stream', base64(nested(100_000))],
])('a body that holds %s', async (_, payload, claimed, contentType, body) => {
  const next = await listen()
  publish(payload, claimed === undefined ? {} : { '$.ct': claimed })
  expect(await next()).toMatchObject({ contentType, body })
})

test('the numbers of a body are those that the device wrote', async () => {
  const socket = await port.socket()
  socket.send({ type: 'connection_init' })
  await socket.next()
  const told = new Promise<string>((resolve) => socket.raw.once('message', (data) => resolve(String(data))))
  socket.send({ id: '1', type: 'subscribe', payload: { query, variables: { deviceId } } })
  await until(() => door.deps.events.hasListeners('telemetry', deviceId))
  publish('[1e999, 12345678901234567890, -0, 1.0]')
  expect(await told).toContain('"body":[1e999, 12345678901234567890, -0, 1.0]')
})

const bodyOf = (message: unknown): number => Number(Object(message).body)

test('who does not keep up loses the oldest messages, and nothing of the order', async () => {
  const next = await listen()
  for (let number = 1; number <= 1000; number++) publish(String(number))
  const bodies = [bodyOf(await next()), bodyOf(await next())]
  expect(bodies[0]).toBeGreaterThan(800)
  let last = bodies[1] ?? 0
  expect(last).toBe((bodies[0] ?? 0) + 1)
  while (last < 1000) {
    const body = bodyOf(await next())
    expect(body).toBe(last + 1)
    last = body
  }
})

test('who does not keep up loses the oldest of large messages, however few they are, and never the last', async () => {
  const next = await listen()
  const large = `"${'x'.repeat(200_000)}`
  // In one turn of the event loop, so that all of them wait.
  for (let number = 1; number <= 50; number++) publish(`${large}${number}"`)
  const numbers: number[] = []
  while (numbers.at(-1) !== 50) numbers.push(Number(/\d+$/.exec(String(Object(await next()).body))?.[0]))
  // One had been taken when the others came; of those 512 KB wait.
  expect(numbers.slice(-2)).toEqual([49, 50])
  expect(numbers.length).toBeLessThanOrEqual(4)
})

test('an unknown device is NOT_FOUND, and nothing is left behind', async () => {
  const results = port.client().iterate({ query, variables: { deviceId: 'nobody' } })
  const { value } = await results.next()
  expect(value?.errors).toMatchObject([{ extensions: { code: 'NOT_FOUND' } }])
  expect(door.server.openStreams()).toBe(0)
})

test('a policy without the right of services may not listen', async () => {
  const authorization = await door.token('registryReadWrite')
  const results = port.client({ authorization }).iterate({ query, variables: { deviceId } })
  const { value } = await results.next()
  expect(value?.errors).toMatchObject([{ extensions: { code: 'FORBIDDEN' } }])
})

/** As another instance would do it: nothing is heard of it here. */
const deleteElsewhere = (id: string) => door.deps.database.pool.query('delete from device where id = $1', [id])

test('completes when its device is deleted, after what came before', async () => {
  const id = await createDevice(door.deps, everything, { deviceId: 'deleted-here' })
  const next = await listen(id)
  publish('1', {}, id)
  expect(await next()).toMatchObject({ body: 1 })
  publish('2', {}, id)
  await deleteDevice(door.deps, everything, { deviceId: id, ifMatch: '*' })
  expect(await next()).toMatchObject({ body: 2 })
  expect(await next()).toBe('complete')
})

test.each<[string, (id: string) => void]>([
  ['is deleted by another instance', (id) => door.deps.events.receive('identity', [id])],
  ['was deleted while nothing was heard of other instances', () => door.deps.events.lookAgain()],
])('completes when its device %s', async (_, tell) => {
  const id = await createDevice(door.deps, everything, { deviceId: 'deleted-elsewhere' })
  const next = await listen(id)
  publish('1', {}, id)
  await next()
  await deleteElsewhere(id)
  tell(id)
  expect(await next()).toBe('complete')
})

test('never goes on with another device of the same name', async () => {
  const id = await createDevice(door.deps, everything, { deviceId: 'deleted-and-made-anew' })
  const next = await listen(id)
  publish('1', {}, id)
  await next()
  await deleteElsewhere(id)
  await createDevice(door.deps, everything, { deviceId: id })
  door.deps.events.receive('identity', [id])
  expect(await next()).toBe('complete')
})

test('goes on while the identity of its device changes, and those of others are deleted', async () => {
  const other = await createDevice(door.deps, everything, { deviceId: 'other' })
  const next = await listen()
  publish('1')
  await next()
  await updateDevice(door.deps, everything, { deviceId, ifMatch: '*', statusReason: 'repaired' })
  await deleteDevice(door.deps, everything, { deviceId: other, ifMatch: '*' })
  door.deps.events.lookAgain()
  publish('2')
  expect(await next()).toMatchObject({ body: 2 })
})
