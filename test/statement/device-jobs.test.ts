import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelJob } from '../../src/job/commands.ts'
import type { JsonObject } from '../../src/json/json.ts'
import { parseCondition } from '../../src/query/parser.ts'
import { runStatement as runToText } from '../../src/statement/commands.ts'
import { answer, dispatch, finish, start } from '../graphql/facts.ts'
import { selects } from '../query/evaluator.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, givenTwinJob, tester } from '../support/rows.ts'
import { runStatement } from './run.ts'

// Three jobs: `reboot` over four devices in every state; `cancelled` over the same; `update` over two others, ended by
// time. The clock shows when each fact was written.

let deps: TestDeps
let clock: TestClock
const ids = ['pump-0001', 'pump-0002', 'pump-0003', 'pump-0004'] as const

beforeAll(async () => {
  clock = createTestClock(new Date('2026-01-01T00:00:00Z'))
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 4)
  await givenDevices(deps, 'valve', 2)

  await givenMethodJob(deps, 'pump', {}, { jobId: 'reboot', maxExecutionTimeInSeconds: 3600 })
  clock.advance(1000)
  await start(deps, 'reboot')
  clock.advance(1000)
  const [first, second, third] = ids.map((deviceId) => ({ jobId: 'reboot', deviceId }))
  if (first === undefined || second === undefined || third === undefined) throw new Error('there are four')
  await dispatch(deps, first, second, third)
  clock.advance(1000)
  await answer(
    deps,
    { ...first, response: { status: 200, payload: '{"ok":true,"text":"\\u0000"}' } },
    { ...second, error: { code: 'GatewayTimeout', description: 'It did not answer.' } },
  )

  await givenMethodJob(deps, 'pump', {}, { jobId: 'cancelled' })
  await start(deps, 'cancelled')
  clock.advance(1000)
  await cancelJob(deps, tester, 'cancelled')
  await finish(deps)

  await givenTwinJob(deps, 'valve', { jobId: 'update', maxExecutionTimeInSeconds: 10 })
  await start(deps, 'update')
  await deps.database.pool.query(
    `insert into device_job_outcome (job_key, device_id, ended_time, version)
     select key, 'valve-0001', '2026-01-01T00:00:05Z', 2 from job where id = 'update'`,
  )
  await deps.database.pool.query(`update job set pending_count = 1, succeeded_count = 1 where id = 'update'`)
  clock.advance(20_000)
  await finish(deps)
})
afterAll(() => deps.close())

const run = (text: string, size = 100, continuation?: string) =>
  runStatement(deps, { caller: 'tester' }, text, { size, continuation })

const rowsOf = async (where: string): Promise<readonly JsonObject[]> =>
  (await run(`SELECT * FROM devices.jobs WHERE ${where}`)).items

const at = (second: number) => `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`

const rebootRow = {
  jobId: 'reboot',
  jobType: 'scheduleDeviceMethod',
  startTimeUtc: at(0),
  endTimeUtc: '2026-01-01T01:00:00.000Z',
  createdDateTimeUtc: at(1),
}

describe('job types and statuses', () => {
  test.each([
    ["jobType = 'scheduleTwinUpdate'", 'update'], // as an article of IoT Hub spells it
    ["jobType = 'ScheduleUpdateTwin'", 'update'],
    ["'scheduledUpdateTwin' = devices.jobs.jobType", 'update'],
    ["jobType IN ['scheduleTwinUpdate']", 'update'],
    ["jobType != 'scheduleDirectMethod'", 'update'],
    ["NOT (jobType NIN ['SCHEDULETWINUPDATE', 'scheduleTwinUpdate'])", 'update'],
    ["jobType = 'scheduleDirectRequest' AND status = 'Cancelled'", 'cancelled'],
    ["(jobId = 'nosuch' OR devices.jobs.STATUS IN ['CANCELED']) AND jobId = 'cancelled'", 'cancelled'],
    ["status = 'finished' AND jobId = 'reboot'", 'reboot'],
    ["status = 'enqueued' AND jobId = 'reboot'", 'reboot'],
  ])('are taken in every spelling: %s', async (where, jobId) => {
    const rows = await rowsOf(where)
    expect([...new Set(rows.map((row) => row.jobId))]).toEqual([jobId])
  })

  test.each([
    [
      "jobType = 'reboot'",
      "unknown job type 'reboot'; allowed: scheduleDeviceMethod, scheduleUpdateTwin (line 1, column 44)",
    ],
    [
      "status = 'done'",
      /^unknown device job status 'done'; allowed: pending, scheduled, running, completed, failed, canceled/,
    ],
    ["status IN ['failed', 'lost'] AND NOT deviceId = 'a'", /^unknown device job status 'lost'/],
    ["NOT (true OR jobType != '')", /^unknown job type ''/],
  ])('that there are not are refused with those that there are: %s', async (where, message) => {
    await expect(rowsOf(where)).rejects.toThrow(message)
  })

  test('are compared as any text where it is not whether they are the same', async () => {
    expect((await rowsOf("STARTSWITH(jobType, 'scheduleU') AND status != 7")).length).toBe(0)
    expect((await rowsOf("STARTSWITH(jobType, 'scheduleU')")).length).toBe(2)
    expect((await rowsOf("jobType > 'scheduleE'")).length).toBe(2)
  })
})

describe('a row tells of a device job', () => {
  test('that was answered', async () => {
    const [row] = await rowsOf("jobId = 'reboot' AND deviceId = 'pump-0001'")
    expect(row).toEqual({
      ...rebootRow,
      deviceId: 'pump-0001',
      status: 'completed',
      lastUpdatedDateTimeUtc: at(3),
      outcome: { deviceMethodResponse: { status: 200, payload: { ok: true, text: '\0' } } },
    })
  })

  test.each([
    [
      'that failed',
      "jobId = 'reboot' AND deviceId = 'pump-0002'",
      {
        ...rebootRow,
        deviceId: 'pump-0002',
        status: 'failed',
        lastUpdatedDateTimeUtc: at(3),
        outcome: {},
        error: { code: 'GatewayTimeout', description: 'It did not answer.' },
      },
    ],
    [
      'that is under way',
      "jobId = 'reboot' AND deviceId = 'pump-0003'",
      { ...rebootRow, deviceId: 'pump-0003', status: 'running', lastUpdatedDateTimeUtc: at(2), outcome: {} },
    ],
    [
      'that waits',
      "jobId = 'reboot' AND deviceId = 'pump-0004'",
      { ...rebootRow, deviceId: 'pump-0004', status: 'pending', lastUpdatedDateTimeUtc: at(1), outcome: {} },
    ],
    [
      'that was cancelled',
      "jobId = 'cancelled' AND deviceId = 'pump-0001'",
      {
        deviceId: 'pump-0001',
        jobId: 'cancelled',
        jobType: 'scheduleDeviceMethod',
        status: 'canceled',
        startTimeUtc: at(3),
        endTimeUtc: '2026-01-01T01:00:03.000Z',
        createdDateTimeUtc: at(3),
        lastUpdatedDateTimeUtc: at(4),
        outcome: {},
      },
    ],
    [
      'that is done',
      "deviceId = 'valve-0001'",
      {
        deviceId: 'valve-0001',
        jobId: 'update',
        jobType: 'scheduleUpdateTwin',
        status: 'completed',
        startTimeUtc: at(4),
        endTimeUtc: at(14),
        createdDateTimeUtc: at(4),
        lastUpdatedDateTimeUtc: at(5),
        outcome: {},
      },
    ],
    [
      'whose time was up',
      "deviceId = 'valve-0002'",
      {
        deviceId: 'valve-0002',
        jobId: 'update',
        jobType: 'scheduleUpdateTwin',
        status: 'failed',
        startTimeUtc: at(4),
        endTimeUtc: at(14),
        createdDateTimeUtc: at(4),
        lastUpdatedDateTimeUtc: at(24),
        outcome: {},
        error: {
          code: 'JobRunPreconditionFailed',
          description: 'The device did not connect before the deadline of the job, or was disabled.',
        },
      },
    ],
  ])('%s', async (_, where, row) => {
    expect(await rowsOf(where)).toEqual([row])
  })
})

test('the newest job comes first, its devices by their ids', async () => {
  const { itemType, items, continuation } = await run('SELECT * FROM devices.jobs')
  expect(itemType).toBe('DeviceJob')
  expect(continuation).toBeUndefined()
  expect(items.map(({ jobId, deviceId }) => `${jobId} ${deviceId}`)).toEqual([
    ...['valve-0001', 'valve-0002'].map((id) => `update ${id}`),
    ...ids.map((id) => `cancelled ${id}`),
    ...ids.map((id) => `reboot ${id}`),
  ])
})

test("a condition's rows are those whose documents meet it", async () => {
  const { items } = await run('SELECT * FROM devices.jobs')
  const conditions: readonly (readonly [condition: string, count: number])[] = [
    ["jobId = 'reboot'", 4],
    ["JOBID IN ['reboot', 'update', 'ghost']", 6],
    ["jobId = 'ghost'", 0],
    ["jobId = 'reboot' AND status = 'failed'", 1],
    ["jobId = 'reboot' OR status = 'failed'", 5],
    ["NOT (jobId = 'reboot' AND status = 'failed')", 9],
    ["status IN ['completed', 'canceled']", 6],
    ["deviceId = 'pump-0002'", 2],
    ["STARTSWITH(deviceId, 'pump') AND deviceId > 'pump-0002'", 4],
    ["jobType = 'scheduleUpdateTwin'", 2],
    [`createdDateTimeUtc > '${at(1)}'`, 6],
    [`lastUpdatedDateTimeUtc >= '${at(3)}' AND lastUpdatedDateTimeUtc < '${at(5)}'`, 6],
    [`startTimeUtc = '${at(0)}' AND endTimeUtc > startTimeUtc`, 4],
    ['IS_DEFINED(error)', 2],
    ["error.code = 'GatewayTimeout'", 1],
    ["error.code != 'GatewayTimeout'", 1],
    ['outcome.deviceMethodResponse.status = 200', 1],
    ['outcome.deviceMethodResponse.status >= 500', 0],
    ['NOT IS_DEFINED(outcome.deviceMethodResponse)', 9],
    ['IS_OBJECT(outcome)', 10],
    ["tags.fleet = 'pump'", 0],
    ['nosuch = 1', 0],
    ['true', 10],
    ['false', 0],
  ]
  for (const [condition, count] of conditions) {
    const expected = items.filter((item) => selects(parseCondition(condition), item))
    expect(await rowsOf(condition), condition).toEqual(expected)
    expect(expected, condition).toHaveLength(count)
  }
})

describe('names', () => {
  test.each([
    ["devices.jobs.jobId = 'reboot' AND devices.jobs.status = 'failed'", 1],
    ["Devices.Jobs.JobId = 'reboot'", 4],
    [`devices.jobs.createdTimeUtc > '${at(1)}'`, 6],
    ["devices.deviceId = 'pump-0001'", 0],
  ])('%s selects %i', async (where, count) => {
    expect(await rowsOf(where)).toHaveLength(count)
  })
})

test('results can be selected from the rows, the payload of an answer too', async () => {
  const text =
    "SELECT DEVICEID, outcome.deviceMethodResponse.payload.ok AS ok, error.code AS why FROM devices.jobs WHERE jobId = 'reboot'"
  expect(await run(text)).toEqual({
    itemType: 'Raw',
    items: [
      { deviceId: 'pump-0001', ok: true },
      { deviceId: 'pump-0002', why: 'GatewayTimeout' },
      { deviceId: 'pump-0003' },
      { deviceId: 'pump-0004' },
    ],
  })
})

test('numbers of an answer are those that the device wrote, in the row and in what is selected of it', async () => {
  const [deviceId = ''] = await givenDevices(deps, 'exact', 1)
  const jobId = await givenMethodJob(deps, 'exact')
  await start(deps, jobId)
  await dispatch(deps, { jobId, deviceId })
  const payload = '{ "huge": 1e999, "many": 12345678901234567890, "inner": { "\\u0061": [-0, 1.0] } }'
  await answer(deps, { jobId, deviceId, response: { status: 200, payload } })
  const textOf = async (selection: string): Promise<string | undefined> => {
    const page = await runToText(
      deps,
      { caller: 'tester' },
      `SELECT ${selection} FROM devices.jobs WHERE jobId = '${jobId}'`,
      { size: 1 },
    )
    return page.items[0]?.text
  }
  const path = 'outcome.deviceMethodResponse.payload'
  expect(await textOf('*')).toContain(`"payload":${payload}`)
  expect(await textOf(`${path}, outcome`)).toBe(
    `{"payload":${payload},"outcome":{"deviceMethodResponse":{"status":200,"payload":${payload}}}}`,
  )
  expect(await textOf(`${path}.huge, ${path}.many, ${path}.inner.a AS list, ${path}.nosuch, ${path}.many.deeper`)).toBe(
    '{"huge":1e999,"many":12345678901234567890,"list":[-0, 1.0]}',
  )
  // Others count the jobs.
  await deps.database.pool.query('delete from job where id = $1', [jobId])
})

describe('pages', () => {
  test.each([
    ['SELECT * FROM devices.jobs', 3, [3, 3, 3, 1]],
    ['SELECT TOP 5 deviceId, jobId FROM devices.jobs', 3, [3, 2]],
    ["SELECT * FROM devices.jobs WHERE jobId = 'reboot'", 2, [2, 2]],
    ["SELECT * FROM devices.jobs WHERE STARTSWITH(deviceId, 'pump-000') AND status != 'running'", 4, [4, 3]],
  ])('%s, %i at a time: %j', async (text, size, sizes) => {
    const pages: (readonly JsonObject[])[] = []
    let continuation: string | undefined
    do {
      const page = await run(text, size, continuation)
      pages.push(page.items)
      continuation = page.continuation
    } while (continuation !== undefined)
    expect(pages.map((page) => page.length)).toEqual(sizes)
    expect(pages.flat()).toEqual((await run(text, 100)).items)
  })

  test('of jobs that are added meanwhile show nothing twice and leave nothing out', async () => {
    const text = "SELECT deviceId, jobId FROM devices.jobs WHERE STARTSWITH(deviceId, 'pump')"
    const before = (await run(text)).items
    const seen: JsonObject[] = []
    let continuation: string | undefined
    do {
      const page = await run(text, 3, continuation)
      seen.push(...page.items)
      continuation = page.continuation
      await start(deps, await givenMethodJob(deps, 'pump'))
    } while (continuation !== undefined)
    expect(seen).toEqual(before)
  })

  test('a place with a job key that is none is refused', async () => {
    const text = 'SELECT * FROM devices.jobs'
    const { continuation = '' } = await run(text, 1)
    const values: unknown = JSON.parse(Buffer.from(continuation, 'base64url').toString())
    if (!Array.isArray(values)) throw new Error('the token is no list')
    const forged = Buffer.from(JSON.stringify([values[0], '', '1; drop', 'a'])).toString('base64url')
    await expect(run(text, 1, forged)).rejects.toMatchObject({ path: ['continuation'] })
  })
})
