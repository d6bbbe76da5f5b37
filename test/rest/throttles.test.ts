import { afterEach, expect, test } from 'vitest'
import type { MethodRequest } from '../../src/attached-devices.ts'
import { answerInvocation } from '../../src/method/call-commands.ts'
import { routes } from '../../src/rest/router.ts'
import type { ThrottleName } from '../../src/throttle/presets.ts'
import { createTestClock } from '../support/clock.ts'
import { givenDevices } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'

const doors: TestDoor[] = []
afterEach(async () => {
  for (const door of doors.splice(0)) await door.close()
})

/** A door at which there is one of everything in a minute. */
async function openStrictDoor() {
  const clock = createTestClock()
  const once = { amount: 1, seconds: 60 }
  const door = await openDoor({
    clock,
    throttling: {
      registry: once,
      queries: once,
      twinReads: once,
      twinUpdates: once,
      jobOperations: once,
      methods: { amount: 8, seconds: 2 },
    },
  })
  doors.push(door)
  await givenDevices(door.deps, 'pump', 1)
  return { door, clock }
}

test('each operation counts as what IoT Hub counts it', () => {
  const counted = (name: ThrottleName | undefined) =>
    routes.filter(({ throttle }) => throttle === name).map(({ operationId }) => operationId)
  expect(counted('queries')).toEqual(['query'])
  expect(counted('twinReads')).toEqual(['getTwin'])
  expect(counted('twinUpdates')).toEqual(['updateTwin', 'replaceTwin'])
  expect(counted('jobOperations')).toEqual(['listJobs', 'createJob', 'cancelJob'])
  // Methods are counted by their size; the others do next to nothing.
  expect(counted(undefined)).toEqual([
    'invokeMethod',
    'getJob',
    'createImportExportJob',
    'listImportExportJobs',
    'getImportExportJob',
    'cancelImportExportJob',
    'getOpenApiDocument',
  ])
})

test('over a limit the answer is 429 with the time to wait, and nothing is done', async () => {
  const { door, clock } = await openStrictDoor()
  const query = () => door.ask('POST /devices/query', { body: { query: 'SELECT * FROM devices' } })
  expect((await query()).status).toBe(200)
  const refused = await query()
  expect(refused.status).toBe(429)
  expect(refused.error).toMatch(/^ThrottlingException;/)
  expect(refused.headers.get('iothub-errorcode')).toBe('ThrottlingException')
  expect(refused.headers.get('retry-after')).toBe('60')
  clock.advance(45_500)
  expect((await query()).headers.get('retry-after')).toBe('15')
  clock.advance(14_500)
  expect((await query()).status).toBe(200)

  expect((await door.ask('GET /twins/pump-0001')).status).toBe(200)
  const patch = (level: number) => door.ask('PATCH /twins/pump-0001', { body: { tags: { level } } })
  expect([(await patch(1)).status, (await patch(2)).status]).toEqual([200, 429])
  clock.advance(60_000)
  expect((await door.ask('GET /twins/pump-0001')).body.tags.level).toBe(1)
})

test('who may not come in uses nothing up', async () => {
  const { door } = await openStrictDoor()
  expect((await door.ask('GET /devices/pump-0001', { token: null })).status).toBe(401)
  expect((await door.ask('GET /devices/pump-0001', { token: await door.token('device') })).status).toBe(401)
  expect((await door.ask('GET /devices/pump-0001')).status).toBe(200)
})

test('a method over the limit is refused before the device hears of it, by its size', async () => {
  const { door, clock } = await openStrictDoor()
  const requests: MethodRequest[] = []
  door.deps.attached.attach('pump-0001', ({ deviceId, requestId, ...request }) => {
    requests.push({ deviceId, requestId, ...request })
    queueMicrotask(() =>
      answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: 'null' } }),
    )
  })
  const call = (payload: unknown) =>
    door.ask('POST /twins/pump-0001/methods', { body: { methodName: 'reboot', payload } })
  expect((await call(null)).status).toBe(200)
  const refused = await call('x'.repeat(4_095)) // 4,097 bytes of JSON: two steps of 4 KB
  expect(refused.status).toBe(429)
  expect(refused.headers.get('retry-after')).toBe('1')
  expect(JSON.parse(refused.body.Message).errorCode).toBe(429001)
  expect((await call('x'.repeat(4_094))).status).toBe(200)
  expect((await call(null)).status).toBe(429)
  expect(requests).toHaveLength(2)
  clock.advance(2_000)
  expect((await call('x'.repeat(100_000))).status).toBe(200)
})

test('over the room for requests the answer is 429, and a body without a length counts as the longest', async () => {
  const door = await openDoor({ limits: { requestBytes: 1024 * 1024 } })
  doors.push(door)
  await givenDevices(door.deps, 'pump', 1)
  const client = new AbortController()
  const call = { methodName: 'reboot', connectTimeoutInSeconds: 300 }
  const invoke = (signal?: AbortSignal) =>
    door.ask('POST /twins/pump-0001/methods', { body: call, ...(signal && { signal }) })
  const under = [1, 2, 3, 4].map(() => invoke(client.signal))
  const isFull = (): boolean => {
    try {
      door.deps.requestRoom.take('policy:iothubowner at undefined', 1)()
      return false
    } catch {
      return true
    }
  }
  await expect.poll(isFull).toBe(true)
  const refused = await door.ask('PATCH /twins/pump-0001', { body: {} })
  expect(refused.status).toBe(429)
  expect(refused.headers.get('iothub-errorcode')).toBe('ThrottlingException')
  client.abort()
  await Promise.all(under)
  expect((await door.ask('PATCH /twins/pump-0001', { body: {} })).status).toBe(200)
})
