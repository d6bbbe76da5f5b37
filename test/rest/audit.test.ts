import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerInvocation } from '../../src/method/call-commands.ts'
import { routes } from '../../src/rest/router.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { givenDevices } from '../support/rows.ts'
import { openDoor, type TestDoor } from './door.ts'

// Every request that changes something, and every one that shows keys, is in the audit.

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 3)
  door.deps.attached.attach('pump-0001', ({ deviceId, requestId }) => {
    queueMicrotask(() =>
      answerInvocation(door.deps, { deviceId, requestId, response: { status: 200, payload: 'null' } }),
    )
  })
})
afterAll(() => door.close())

const entries = () => door.deps.db.prisma.auditEntry.findMany({ orderBy: { key: 'asc' } })

async function ask(request: string, options: Parameters<TestDoor['ask']>[1] = {}) {
  clock.advance(1_000)
  const before = (await entries()).length
  const answer = await door.ask(request, options)
  return { answer, added: (await entries()).slice(before) }
}

type Asked = { readonly request: string; readonly body?: unknown; readonly headers?: Record<string, string> }
type Row = {
  readonly good: Asked
  readonly target: string | null
  readonly detail?: unknown
  /** What is refused, and its code. */
  readonly bad: Asked
  readonly code: string
}

const later = '2026-01-03T00:00:00Z'
const job = {
  type: 'scheduleDeviceMethod',
  queryCondition: "tags.fleet = 'pump'",
  cloudToDeviceMethod: { methodName: 'reboot', payload: 'secret' },
  startTime: later,
  maxExecutionTimeInSeconds: 60,
}

const rows: Readonly<Record<string, Row>> = {
  createOrUpdateDevice: {
    good: { request: 'PUT /devices/new', body: { statusReason: 'secret' } },
    target: 'new',
    detail: { keysRead: true },
    bad: { request: 'PUT /devices/pump-0001', body: {} },
    code: 'ALREADY_EXISTS',
  },
  deleteDevice: {
    good: { request: 'DELETE /devices/pump-0003' },
    target: 'pump-0003',
    bad: { request: 'DELETE /devices/nothing' },
    code: 'NOT_FOUND',
  },
  changeDevices: {
    good: { request: 'POST /devices', body: [{ id: 'many-1' }, { id: 'many-1' }, { id: 'many-2' }] },
    target: null,
    detail: { devices: 3, deviceIds: ['many-1', 'many-1', 'many-2'], failures: 1 },
    bad: { request: 'POST /devices', body: [] },
    code: 'INVALID_INPUT',
  },
  updateTwin: {
    good: { request: 'PATCH /twins/pump-0001', body: { tags: { site: 'secret' } } },
    target: 'pump-0001',
    detail: { members: 1, paths: ['tags.site'] },
    bad: { request: 'PATCH /twins/nothing', body: { tags: {} } },
    code: 'NOT_FOUND',
  },
  replaceTwin: {
    good: { request: 'PUT /twins/pump-0001', body: { properties: { desired: { on: 'secret' } } } },
    target: 'pump-0001',
    detail: { members: 1, paths: ['desired.on'] },
    bad: { request: 'PUT /twins/pump-0001', body: { tags: {} }, headers: { 'if-match': '"AAAAAAAAAAo="' } },
    code: 'PRECONDITION_FAILED',
  },
  invokeMethod: {
    good: { request: 'POST /twins/pump-0001/methods', body: { methodName: 'reboot', payload: 'secret' } },
    target: 'pump-0001',
    detail: { methodName: 'reboot' },
    bad: { request: 'POST /twins/pump-0002/methods', body: { methodName: 'reboot' } },
    code: 'DEVICE_OFFLINE',
  },
  createJob: {
    good: { request: 'PUT /jobs/v2/first', body: job },
    target: 'first',
    detail: { type: job.type, queryCondition: job.queryCondition },
    bad: { request: 'PUT /jobs/v2/first', body: job },
    code: 'ALREADY_EXISTS',
  },
  cancelJob: {
    good: { request: 'POST /jobs/v2/first/cancel' },
    target: 'first',
    bad: { request: 'POST /jobs/v2/first/cancel' },
    code: 'CONFLICT',
  },
}

test('every route that changes something has a row', () => {
  const changing = routes.filter(({ audit }) => typeof audit === 'function').map(({ operationId }) => operationId)
  expect(changing.sort()).toEqual(Object.keys(rows).sort())
  expect(routes.filter(({ audit }) => audit === 'changes nothing').map(({ operationId }) => operationId)).toEqual([
    'query',
    'createImportExportJob',
    'cancelImportExportJob',
  ])
})

describe.each(Object.entries(rows))('%s', (operation, { good, target, detail = null, bad, code }) => {
  test('is written with its change', async () => {
    const { answer, added } = await ask(good.request, good)
    expect(answer.status).toBe(operation === 'changeDevices' ? 400 : operation === 'deleteDevice' ? 204 : 200)
    expect(added).toMatchObject([
      { operation, target, outcome: 'succeeded', code: null, actor: 'iothubowner', actorKind: 'policy' },
    ])
    expect(added[0]?.detail).toEqual(detail)
  })

  test('is written when it is refused', async () => {
    const { added } = await ask(bad.request, bad)
    expect(added).toMatchObject([{ operation, outcome: 'refused', code }])
  })

  test('is written when it is denied', async () => {
    const { answer, added } = await ask(bad.request, { ...bad, token: await door.token('device') })
    expect(answer.status).toBe(401)
    expect(added).toMatchObject([{ operation, outcome: 'denied', code: 'UNAUTHORIZED', actor: 'device' }])
  })
})

test('a request above the throttle is refused, and that is written', async () => {
  const throttled = await openDoor({ clock, throttling: { registry: { amount: 1, seconds: 60 } } })
  const answers = [await throttled.ask('PUT /devices/one', { body: {} }), await throttled.ask('DELETE /devices/one')]
  const written = await throttled.deps.db.prisma.auditEntry.findMany({ orderBy: { key: 'asc' } })
  await throttled.close()
  expect(answers.map(({ status }) => status)).toEqual([200, 429])
  expect(written).toMatchObject([
    { operation: 'createOrUpdateDevice', outcome: 'succeeded' },
    { operation: 'deleteDevice', target: 'one', outcome: 'refused', code: 'LIMIT_EXCEEDED', actor: 'iothubowner' },
  ])
})

test('a request without a valid token has no actor, so it has no entry', async () => {
  const { answer, added } = await ask('DELETE /devices/pump-0001', { token: null })
  expect(answer.status).toBe(401)
  expect(added).toEqual([])
})

test('a malformed body is refused, and that is written', async () => {
  const { added } = await ask('PATCH /twins/pump-0001', { body: '{' })
  expect(added).toMatchObject([{ operation: 'updateTwin', target: 'pump-0001', outcome: 'refused', detail: null }])
})

test('reading devices is written, because the answer has their keys', async () => {
  const one = await ask('GET /devices/pump-0001')
  expect(one.added).toMatchObject([{ operation: 'readKeys', target: 'pump-0001', outcome: 'succeeded' }])
  const list = await ask('GET /devices?top=2&api-version=2021-04-12')
  expect(list.added).toMatchObject([
    { operation: 'readKeys', target: null, detail: { devices: 2, deviceIds: ['many-1', 'many-2'] } },
  ])
})

test('reading a device without keys is not written', async () => {
  await door.ask('PUT /devices/certified', { body: { authentication: { type: 'certificateAuthority' } } })
  expect((await ask('GET /devices/certified')).added).toEqual([])
})

test.each(['GET /twins/pump-0001', 'GET /jobs/v2/query', 'GET /statistics/devices'])(
  'reading what has no keys is not written: %s',
  async (request) => {
    const { answer, added } = await ask(request)
    expect(answer.status).toBe(200)
    expect(added).toEqual([])
  },
)
