import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answer, dispatch, start } from '../graphql/facts.ts'
import { givenDevices, givenMethodJob } from '../support/rows.ts'
import { untilEnded, untilUnderWay } from '../support/slow-condition.ts'
import { openDoor, type TestDoor } from './door.ts'

let door: TestDoor
let jobId: string
beforeAll(async () => {
  door = await openDoor()
  const [first = ''] = await givenDevices(door.deps, 'pump', 3)
  jobId = await givenMethodJob(door.deps, 'pump')
  await start(door.deps, jobId)
  await dispatch(door.deps, { jobId, deviceId: first })
  await answer(door.deps, { jobId, deviceId: first, response: { status: 200, payload: '{"ok":true}' } })
})
afterAll(() => door.close())

const ask = (query: unknown, headers: Record<string, string> = {}, to = door) =>
  to.ask('POST /devices/query', { body: { query }, headers })

describe('a statement', () => {
  test('over devices answers twins, a bare array', async () => {
    const { status, headers, body } = await ask("SELECT * FROM devices WHERE tags.fleet = 'pump'")
    expect([status, headers.get('x-ms-item-type'), headers.has('x-ms-continuation')]).toEqual([200, 'Twin', false])
    expect(body).toHaveLength(3)
    expect(body[0]).toEqual((await door.ask('GET /twins/pump-0001')).body)
  })

  test('of a list answers rows', async () => {
    const { headers, body } = await ask('SELECT COUNT() AS n FROM devices')
    expect([headers.get('x-ms-item-type'), body]).toEqual(['Raw', [{ n: 3 }]])
  })

  test('over device jobs answers what became of each', async () => {
    const { headers, body } = await ask(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`)
    expect(headers.get('x-ms-item-type')).toBe('DeviceJob')
    expect(
      body.map(({ deviceId, status, outcome }: Record<string, unknown>) => ({ deviceId, status, outcome })),
    ).toEqual([
      {
        deviceId: 'pump-0001',
        status: 'completed',
        outcome: { deviceMethodResponse: { status: 200, payload: { ok: true } } },
      },
      { deviceId: 'pump-0002', status: 'pending', outcome: {} },
      { deviceId: 'pump-0003', status: 'pending', outcome: {} },
    ])
  })
})

test('answers that an earlier version stored, nested without end, are passed on in their rows', async () => {
  const keys = ['pump-0001', 'pump-0002'].map((deviceId) => ({ jobId: 'deep', deviceId }))
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'deep' })
  await start(door.deps, 'deep')
  await dispatch(door.deps, ...keys)
  const payload = '['.repeat(20_000) + ']'.repeat(20_000)
  await answer(door.deps, ...keys.map((key) => ({ ...key, response: { status: 200, payload } })))
  for (const columns of ['*', 'deviceId, outcome', 'deviceId, outcome.deviceMethodResponse.payload']) {
    const { status, text } = await ask(`SELECT ${columns} FROM devices.jobs WHERE jobId = 'deep'`)
    expect([status, text.split(`"payload":${payload}`).length - 1]).toEqual([200, 2])
    expect(text).toContain('pump-0003')
  }
  expect(door.logged).toEqual([])
})

test('pages go by headers in both directions, and the last one has no continuation', async () => {
  const query = 'SELECT deviceId FROM devices'
  const first = await ask(query, { 'x-ms-max-item-count': '2' })
  const token = first.headers.get('x-ms-continuation') ?? ''
  const last = await ask(query, { 'x-ms-max-item-count': '2', 'x-ms-continuation': token })
  expect([first.body, last.body]).toEqual([
    [{ deviceId: 'pump-0001' }, { deviceId: 'pump-0002' }],
    [{ deviceId: 'pump-0003' }],
  ])
  expect(last.headers.has('x-ms-continuation')).toBe(false)
  const other = await ask('SELECT * FROM devices', { 'x-ms-max-item-count': '2', 'x-ms-continuation': token })
  expect([other.status, other.error?.split(';')[0]]).toEqual([400, 'ArgumentInvalid'])
})

test('a page has 100 rows unless told otherwise, and 1,000 at most, however many are asked for', async () => {
  const many = await openDoor()
  await givenDevices(many.deps, 'many', 1001)
  const page = async (headers: Record<string, string>) => {
    const answer = await ask('SELECT deviceId FROM devices', headers, many)
    return [answer.body.length, answer.headers.has('x-ms-continuation')]
  }
  expect(await page({})).toEqual([100, true])
  expect(await page({ 'x-ms-max-item-count': '5000' })).toEqual([1000, true])
  await many.close()
})

test('pages go by the query parameters of the articles, too', async () => {
  const page = (parameters: string) =>
    door.ask(`POST /devices/query?api-version=2021-04-12&pageSize=2${parameters}`, {
      body: { query: 'SELECT deviceId FROM devices' },
    })
  const first = await page('')
  const token = first.headers.get('x-ms-continuation') ?? ''
  const last = await page(`&continuationToken=${encodeURIComponent(token)}`)
  expect([first.body.length, last.body]).toEqual([2, [{ deviceId: 'pump-0003' }]])
})

test.each([
  ['SELECT * FROM gadgets', /line 1, column 15/],
  ['SELECT * FROM devices;', /unexpected semicolon, a statement ends without one \(line 1, column 22\)/],
  ['SELECT * FROM devices WHERE off1', /write deviceId = 'off1'/],
  ["SELECT * FROM devices.jobs WHERE jobType = 'export'", /allowed: scheduleDeviceMethod, scheduleUpdateTwin/],
  ['SELECT * FROM devices WHERE', /line 1/],
  ["tags.a = 'b'", /line 1/],
  [`SELECT * FROM devices WHERE a = '${'x'.repeat(70_000)}'`, /./],
  [undefined, /query must be a string such as/],
  [7, /query must be a string\./],
])('%j is refused', async (query, text) => {
  const { status, error } = await ask(query)
  expect([status, error?.split(';')[0]]).toEqual([400, 'ArgumentInvalid'])
  expect(error).toMatch(text)
  expect(error?.split(';')).toHaveLength(2)
})

test('what IoT Hub refuses is refused where that is chosen', async () => {
  const query = "SELECT * FROM devices WHERE STARTS_WITH(deviceId, 'pump')"
  expect((await ask(query)).body).toHaveLength(3)
  const strict = await openDoor({ share: door, choices: { strictQuery: true } })
  expect((await ask(query, {}, strict)).error).toMatch(/^ArgumentInvalid;/)
  const job = { type: 'scheduleUpdateTwin', updateTwin: { etag: '*', tags: { a: 1 } }, startTime: '2099-01-01' }
  const body = { ...job, queryCondition: "STARTS_WITH(deviceId, 'pump')" }
  expect((await strict.ask('PUT /jobs/v2/strict', { body })).error).toMatch(/STARTS_WITH/)
  expect((await door.ask('PUT /jobs/v2/strict', { body })).error).toMatch(/30 days/)
})

describe('a statement that takes too long', () => {
  /** Asks while whatever reads twins waits. */
  async function askWhileLocked<T>(work: () => Promise<T>): Promise<T> {
    const client = await door.deps.database.pool.connect()
    try {
      await client.query('begin; lock table twin in access exclusive mode')
      return await work()
    } finally {
      await client.query('rollback')
      client.release()
    }
  }

  test('is refused so that no client repeats it for minutes', async () => {
    const hurried = await openDoor({
      share: door,
      wrap: (deps) => ({ limits: { ...deps.limits, queryMs: 50 } }),
    })
    const { status, headers, body } = await askWhileLocked(() =>
      ask("SELECT * FROM devices WHERE tags.fleet = 'pump'", {}, hurried),
    )
    expect([status, headers.get('iothub-errorcode'), headers.has('retry-after')]).toEqual([
      400,
      'ArgumentInvalid',
      false,
    ])
    expect(body.Message).toContain('The query takes more than 0.05 seconds. Narrow the condition')
  })

  test('is stopped when the client hangs up', async () => {
    // Its own end comes later than that of this test.
    const unhurried = await openDoor({
      share: door,
      wrap: (deps) => ({ limits: { ...deps.limits, queryMs: 120_000 } }),
    })
    await askWhileLocked(async () => {
      const gone = new AbortController()
      const asked = unhurried.ask('POST /devices/query', {
        body: { query: 'SELECT COUNT() AS n FROM devices' },
        signal: gone.signal,
      })
      await untilUnderWay(door.deps)
      gone.abort()
      await untilEnded(door.deps)
      await asked
    })
  })
})

test('of more statements than may wait the last is refused with 429, at once, and the others are answered', async () => {
  const busy = await openDoor({ limits: { queriesWaiting: 1 } })
  const client = await busy.deps.database.pool.connect()
  try {
    await givenDevices(busy.deps, 'pump', 1)
    await client.query('begin; lock table twin in access exclusive mode')
    const statuses: number[] = []
    // The first is under way, alone for now, and one waits.
    const asked = [1, 2, 3].map(async () => {
      const { status, headers } = await ask("SELECT * FROM devices WHERE tags.fleet = 'pump'", {}, busy)
      statuses.push(status)
      return [status, headers.get('iothub-errorcode'), headers.get('retry-after')]
    })
    await expect.poll(() => statuses).toEqual([429])
    await client.query('rollback')
    const answers = await Promise.all(asked)
    expect(answers.filter(([status]) => status === 429)).toEqual([[429, 'ThrottlingException', '1']])
    expect(statuses).toEqual([429, 200, 200])
  } finally {
    client.release(true)
    await busy.close()
  }
})
