import { pino } from 'pino'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelJob, pauseJob } from '../../src/job/commands.ts'
import { findHistories } from '../../src/job/store/history.ts'
import { expireDeviceJobs } from '../../src/scheduler/expire-device-jobs.ts'
import { createInFlightCalls } from '../../src/scheduler/in-flight-calls.ts'
import { createOrphanCandidates } from '../../src/scheduler/orphan-candidates.ts'
import { answer, dispatch, finish, start } from '../graphql/facts.ts'
import { createTestClock } from '../support/clock.ts'
import { givenDevices, givenMethodJob, givenTwinJob, jobRow, tester } from '../support/rows.ts'
import { type Answer, openDoor, type TestDoor } from './door.ts'

const clock = createTestClock()
let door: TestDoor
beforeAll(async () => {
  door = await openDoor({ clock })
})
afterAll(() => door.close())

const method = { methodName: 'reboot' }
const create = (id: string, job: Record<string, unknown> = {}) =>
  door.ask(`PUT /jobs/v2/${id}`, {
    body: { jobId: id, type: 'scheduleDeviceMethod', cloudToDeviceMethod: method, queryCondition: '*', ...job },
  })
const get = (id: string) => door.ask(`GET /jobs/v2/${id}`)
const cancel = (id: string) => door.ask(`POST /jobs/v2/${id}/cancel`, { headers: { 'content-length': '0' } })

describe('a new job', () => {
  test('is answered with three members', async () => {
    const { status, body } = await create('short')
    expect(status).toBe(200)
    expect(body).toEqual({ jobId: 'short', type: 'scheduleDeviceMethod', status: 'queued' })
    const later = await create('later', { startTime: '2026-01-02T00:00:00Z' })
    expect(later.body.status).toBe('scheduled')
  })

  test('is kept in full', async () => {
    await create('method', {
      startTime: '2026-01-01T12:00:00.1234567Z',
      maxExecutionTimeInSeconds: 300,
      queryCondition: "tags.a = 'b'",
      cloudToDeviceMethod: { ...method, payload: { x: 1 }, responseTimeoutInSeconds: 15, connectTimeoutInSeconds: 9 },
      updateTwin: null,
    })
    expect((await get('method')).body).toEqual({
      jobId: 'method',
      type: 'scheduleDeviceMethod',
      status: 'scheduled',
      createdTime: '2026-01-01T00:00:00.000Z',
      startTime: '2026-01-01T12:00:00.123Z',
      endTime: null,
      maxExecutionTimeInSeconds: 300,
      queryCondition: "tags.a = 'b'",
      cloudToDeviceMethod: {
        methodName: 'reboot',
        payload: { x: 1 },
        responseTimeoutInSeconds: 15,
        connectTimeoutInSeconds: 9,
      },
      deviceJobStatistics: {
        deviceCount: 0,
        failedCount: 0,
        succeededCount: 0,
        runningCount: 0,
        pendingCount: 0,
        cancelledCount: 0,
      },
    })
  })

  test('of twin updates keeps the patch as it was sent', async () => {
    await create('twin', {
      type: 'scheduleUpdateTwin',
      cloudToDeviceMethod: null,
      updateTwin: { deviceId: null, etag: '*', tags: { a: 1 }, properties: { desired: { b: 2 } } },
    })
    const { body } = await get('twin')
    expect(body.updateTwin).toEqual({ deviceId: null, etag: '*', tags: { a: 1 }, properties: { desired: { b: 2 } } })
    expect(body).not.toHaveProperty('cloudToDeviceMethod')
  })

  test.each<[string, object, object]>([
    [
      'a whole twin',
      { tags: { a: 1 }, properties: { desired: {}, reported: { b: 2 } } },
      { tags: { a: 1 }, properties: { desired: {} } },
    ],
    ['reported properties only', { properties: { reported: {} } }, {}],
    ['nothing', {}, {}],
  ])('of twin updates takes %s, and passes over what services cannot write', async (name, twin, kept) => {
    const id = name.replaceAll(' ', '-')
    const updateTwin = { etag: '*', deviceId: 'any', version: 3, status: 'enabled', capabilities: {}, ...twin }
    expect((await create(id, { type: 'scheduleUpdateTwin', cloudToDeviceMethod: null, updateTwin })).status).toBe(200)
    expect((await get(id)).body.updateTwin).toEqual({ deviceId: null, etag: '*', ...kept })
  })

  test('starts now when its start time is null, and has an hour when it does not say', async () => {
    await create('null-start', { startTime: null })
    expect((await get('null-start')).body).toMatchObject({
      startTime: '2026-01-01T00:00:00.000Z',
      maxExecutionTimeInSeconds: 3600,
    })
  })

  test('may have its numbers as text, as the Azure CLI sends them', async () => {
    await create('texts', {
      maxExecutionTimeInSeconds: '300',
      cloudToDeviceMethod: { ...method, responseTimeoutInSeconds: '15', connectTimeoutInSeconds: '9' },
    })
    await create('alias', { cloudToDeviceMethod: { ...method, timeoutInSeconds: '15' } })
    expect((await get('texts')).body).toMatchObject({
      maxExecutionTimeInSeconds: 300,
      cloudToDeviceMethod: { responseTimeoutInSeconds: 15, connectTimeoutInSeconds: 9 },
    })
    expect((await get('alias')).body.cloudToDeviceMethod.responseTimeoutInSeconds).toBe(15)
  })

  test('may be spelled as in the old articles, and is shown as it is spelled today', async () => {
    const { body } = await create('old', { type: 'scheduleDirectRequest' })
    expect(body.type).toBe('scheduleDeviceMethod')
    expect((await get('old')).body.type).toBe('scheduleDeviceMethod')
  })

  test('spelled in an old way is noted in the log, and one spelled as today is not', async () => {
    const lines: object[] = []
    const log = pino({ level: 'debug' }, { write: (line: string) => lines.push(JSON.parse(line)) })
    const noting = await openDoor({ share: door, wrap: () => ({ log }) })
    for (const [jobId, type] of [
      ['noted', 'scheduleDirectMethod'],
      ['not-noted', 'scheduleDeviceMethod'],
    ]) {
      const body = { jobId, type, cloudToDeviceMethod: method, queryCondition: '*' }
      expect((await noting.ask(`PUT /jobs/v2/${jobId}`, { body })).status).toBe(200)
    }
    expect(lines).toMatchObject([{ jobId: 'noted', type: 'scheduleDirectMethod' }])
  })

  test.each([[undefined], [null], ['*'], ['"*"']])('of twin updates may give %j for the etag', async (etag) => {
    const id = `etag-${String(etag).replaceAll(/\W/g, (sign) => String(sign.charCodeAt(0)))}`
    const updateTwin = { etag, tags: { a: 1 } }
    await create(id, { type: 'scheduleUpdateTwin', cloudToDeviceMethod: null, updateTwin })
    expect((await get(id)).body.updateTwin).toEqual({ deviceId: null, etag: '*', tags: { a: 1 } })
  })

  const patch = { type: 'scheduleUpdateTwin', cloudToDeviceMethod: null }
  const refused: [string, Record<string, unknown>, number, RegExp][] = [
    ['of no type', { type: 'reboot' }, 400, /^GenericBadRequest;/],
    ['of another name', { jobId: 'other' }, 400, /^ArgumentInvalid;.*differs from the one in the path/],
    ['without a condition', { queryCondition: null }, 400, /^ArgumentInvalid;/],
    ['with an empty condition', { queryCondition: '' }, 400, /^ArgumentInvalid;/],
    [
      'with a condition that does not parse',
      { queryCondition: 'tags.a =' },
      400,
      /^ArgumentInvalid;.*line 1, column 9/,
    ],
    ['with a bare name', { queryCondition: 'off1' }, 400, /^ArgumentInvalid;.*write deviceId = 'off1'/],
    ['with a whole statement', { queryCondition: 'SELECT * FROM devices' }, 400, /^ArgumentInvalid;.*SELECT/],
    ['with too long a condition', { queryCondition: `a = '${'x'.repeat(70_000)}'` }, 400, /^ArgumentInvalid;/],
    ['at no time', { startTime: 'soon' }, 400, /^ArgumentInvalid;startTime must be a (valid )?time/],
    [
      'on a day that does not exist',
      { startTime: '2026-01-32T10:00:00Z' },
      400,
      /^ArgumentInvalid;startTime must be a valid time/,
    ],
    [
      'on the 30th of February',
      { startTime: '2026-02-30T10:00:00Z' },
      400,
      /^ArgumentInvalid;startTime must be a valid time/,
    ],
    ['too far ahead', { startTime: '2026-03-01T00:00:00Z' }, 400, /^ArgumentInvalid;.*30 days/],
    ['for no time', { maxExecutionTimeInSeconds: 0 }, 400, /^ArgumentInvalid;/],
    ['without a method', { cloudToDeviceMethod: null }, 400, /^ArgumentInvalid;.*requires a method/],
    [
      'with too short a timeout',
      { cloudToDeviceMethod: { ...method, responseTimeoutInSeconds: 4 } },
      400,
      /\[5, 300\]/,
    ],
    ['with both', { updateTwin: { etag: '*', tags: { a: 1 } } }, 400, /^ArgumentInvalid;.*no updateTwin/],
    ['without a patch', patch, 400, /^ArgumentInvalid;.*requires a patch/],
    ['with an etag', { ...patch, updateTwin: { etag: 'AAA=', tags: { a: 1 } } }, 412, /^PreconditionFailed;/],
    [
      'with properties at the top',
      { ...patch, updateTwin: { etag: '*', desired: { a: 1 } } },
      400,
      /no member "desired"/,
    ],
  ]
  test.each(refused)('%s is refused', async (_, job, status, error) => {
    const answer = await create('refused', job)
    expect([answer.status, answer.error]).toEqual([status, expect.stringMatching(error)])
    expect(answer.error?.split(';')).toHaveLength(2)
    expect((await get('refused')).status).toBe(404)
  })

  test.each(['query', 'a_b', 'a.b', 'x'.repeat(65)])('cannot be called %s', async (id) => {
    expect((await create(id)).error).toMatch(/^ArgumentInvalid;/)
  })

  test('cannot have the name of another, also of one that has ended', async () => {
    await create('taken')
    await cancel('taken')
    const { status, error } = await create('taken')
    expect([status, error]).toEqual([409, 'JobAlreadyExists;The job "taken" already exists.'])
  })
})

describe('an unknown job', () => {
  test('is not found, or is of unknown status where that is chosen', async () => {
    expect([(await get('ghost')).status, (await get('ghost')).error]).toEqual([
      404,
      'JobNotFound;There is no job "ghost".',
    ])
    const compatible = await openDoor({ share: door, choices: { unknownJob: 'unknown' } })
    const { status, body } = await compatible.ask('GET /jobs/v2/ghost')
    expect([status, body]).toEqual([200, { jobId: 'ghost', status: 'unknown' }])
    expect((await compatible.ask('POST /jobs/v2/ghost/cancel')).error).toMatch(/^JobNotFound;/)
  })
})

describe('a job under way', () => {
  test('shows how far it is, and the sum is right after a cancellation too', async () => {
    const [one = '', two = ''] = await givenDevices(door.deps, 'way', 3)
    const jobId = await givenMethodJob(door.deps, 'way')
    await start(door.deps, jobId)
    await dispatch(door.deps, { jobId, deviceId: one }, { jobId, deviceId: two })
    await answer(door.deps, { jobId, deviceId: one, response: { status: 500, payload: 'null' } })
    expect((await get(jobId)).body).toMatchObject({
      status: 'running',
      endTime: null,
      deviceJobStatistics: { deviceCount: 3, succeededCount: 1, runningCount: 1, pendingCount: 1, cancelledCount: 0 },
    })
    await cancelJob(door.deps, tester, jobId, 'wrong site')
    await answer(door.deps, { jobId, deviceId: two, error: { code: 'GatewayTimeout', description: '' } })
    clock.advance(60_000)
    await finish(door.deps)
    expect((await get(jobId)).body).toMatchObject({
      status: 'cancelled',
      statusMessage: 'wrong site',
      endTime: clock.now().toISOString(),
      deviceJobStatistics: { deviceCount: 3, succeededCount: 1, failedCount: 1, cancelledCount: 1, pendingCount: 0 },
    })
  })
})

describe('a paused job', () => {
  const isListed = async (jobId: string, status: string) => {
    const { body } = await door.ask(`GET /jobs/v2/query?api-version=2021-04-12&jobStatus=${status}`)
    return body.some((job: { readonly jobId: string }) => job.jobId === jobId)
  }

  test('is running if it has started, and can no more be cancelled than one that runs', async () => {
    await givenDevices(door.deps, 'still', 1)
    const jobId = await givenMethodJob(door.deps, 'still')
    await start(door.deps, jobId)
    await pauseJob(door.deps, tester, jobId)
    expect((await get(jobId)).body.status).toBe('running')
    expect([await isListed(jobId, 'running'), await isListed(jobId, 'scheduled')]).toEqual([true, false])
    const refused = await cancel(jobId)
    expect(refused.status).toBe(405)
    expect(JSON.stringify(refused.body)).toContain("'Running'")
  })

  test('is scheduled if it has not started, and can be cancelled', async () => {
    const jobId = await givenMethodJob(door.deps, 'still')
    await pauseJob(door.deps, tester, jobId)
    expect((await get(jobId)).body.status).toBe('scheduled')
    expect([await isListed(jobId, 'running'), await isListed(jobId, 'scheduled')]).toEqual([false, true])
    expect((await cancel(jobId)).status).toBe(200)
    expect((await get(jobId)).body.status).toBe('cancelled')
  })
})

test('a job that waits for an approval is scheduled, also in lists, and can be cancelled', async () => {
  const jobId = await givenMethodJob(door.deps, 'still', {}, { rollout: { approval: true } })
  expect((await get(jobId)).body.status).toBe('scheduled')
  const listed = async (status: string) => {
    const { body } = await door.ask(`GET /jobs/v2/query?api-version=2021-04-12&jobStatus=${status}`)
    return body.some((job: { readonly jobId: string }) => job.jobId === jobId)
  }
  expect([await listed('queued'), await listed('scheduled')]).toEqual([false, true])
  expect((await cancel(jobId)).status).toBe(200)
})

describe('a job whose method has a connect timeout', () => {
  test('waits that long for a device from its start on, and then no more', async () => {
    await givenDevices(door.deps, 'slow', 1)
    const cloudToDeviceMethod = { ...method, connectTimeoutInSeconds: 30 }
    await create('slow', { queryCondition: "tags.fleet = 'slow'", cloudToDeviceMethod })
    await start(door.deps, 'slow')
    const duty = expireDeviceJobs(door.deps, {
      window: createInFlightCalls(1, () => {}),
      orphans: createOrphanCandidates(),
      cleansUp: true,
    })
    const rowAfter = async (milliseconds: number) => {
      clock.advance(milliseconds)
      await duty.run(clock.now())
      const query = "SELECT * FROM devices.jobs WHERE jobId = 'slow'"
      return (await door.ask('POST /devices/query', { body: { query } })).body[0]
    }
    expect((await rowAfter(29_999)).status).toBe('pending')
    expect(await rowAfter(1)).toMatchObject({ status: 'failed', error: { code: 'DeviceNotOnline' } })
  })
})

describe('a cancellation', () => {
  test('before the start is answered with the job, without statistics', async () => {
    await create('early', { startTime: '2026-01-05T00:00:00Z' })
    const { status, body } = await cancel('early')
    expect([status, body.jobId, body.status]).toEqual([200, 'early', 'cancelled'])
    expect(body).not.toHaveProperty('deviceJobStatistics')
    expect((await get('early')).body.status).toBe('cancelled')
  })

  test('stands in the history with the policy that asked, like the creation', async () => {
    await create('told')
    await door.ask('POST /jobs/v2/told/cancel', { token: await door.token('service') })
    const { key } = await jobRow(door.deps, 'told')
    expect((await findHistories(door.deps.db, [String(key)])).map(({ type, actor }) => [type, actor])).toEqual([
      ['scheduled', 'iothubowner'],
      ['cancelled', 'service'],
    ])
  })

  test('of a job that runs or has ended is refused in the words of IoT Hub', async () => {
    await givenDevices(door.deps, 'run', 1)
    const running = await givenMethodJob(door.deps, 'run')
    await start(door.deps, running)
    const { status, error, headers } = await cancel(running)
    expect([status, error]).toEqual([
      405,
      "OperationNotAllowedInCurrentState;Job cannot be cancelled in 'Running' status.",
    ])
    expect(headers.get('iothub-errorcode')).toBe('OperationNotAllowedInCurrentState')
    expect((await get(running)).body.status).toBe('running')
    await create('over', { startTime: '2026-01-05T00:00:00Z' })
    await cancel('over')
    expect((await cancel('over')).error).toMatch(/in 'Cancelled' status\.$/)
  })

  test('of a running job is done where that is chosen', async () => {
    await givenDevices(door.deps, 'strong', 1)
    const jobId = await givenTwinJob(door.deps, 'strong')
    await start(door.deps, jobId)
    const strong = await openDoor({ share: door, choices: { cancelRunning: true } })
    expect((await strong.ask(`POST /jobs/v2/${jobId}/cancel`)).body.status).toBe('cancelled')
    expect((await strong.ask(`POST /jobs/v2/${jobId}/cancel`)).status).toBe(405)
  })

  test('of an unknown job is not found', async () => {
    expect((await cancel('ghost')).error).toMatch(/^JobNotFound;/)
  })
})

describe('the list', () => {
  let own: TestDoor
  beforeAll(async () => {
    const clock = createTestClock()
    own = await openDoor({ clock })
    for (const [index, id] of ['a', 'b', 'c', 'd', 'e'].entries()) {
      // c and d at the same moment
      if (id !== 'd') clock.advance(1_000)
      const twin = { type: 'scheduleUpdateTwin', updateTwin: { etag: '*', tags: { a: 1 } } }
      const type = index < 2 ? twin : { type: 'scheduleDeviceMethod', cloudToDeviceMethod: method }
      await own.ask(`PUT /jobs/v2/${id}`, { body: { ...type, queryCondition: '*' } })
    }
    await own.ask('POST /jobs/v2/b/cancel')
  })
  afterAll(() => own.close())

  const list = (query = '', headers: Record<string, string> = {}) =>
    own.ask(`GET /jobs/v2/query?api-version=2021-04-12${query}`, { headers })
  const ids = ({ body }: Answer): string => body.map(({ jobId }: { jobId: string }) => jobId).join('')

  test('is a bare array of whole jobs, the newest first', async () => {
    const answer = await list()
    expect(ids(answer)).toBe('edcba')
    expect(answer.headers.get('x-ms-item-type')).toBe('JobResponse')
    expect(answer.headers.has('x-ms-continuation')).toBe(false)
    expect(answer.body[0]).toEqual((await own.ask('GET /jobs/v2/e')).body)
  })

  test.each([
    ['&jobStatus=queued', 'edca'],
    ['&jobStatus=Pending', 'edca'],
    ['&jobStatus=cancelled', 'b'],
    ['&jobType=scheduleTwinUpdate', 'ba'],
    ['&jobStatus=queued&jobType=ScheduleUpdateTwin', 'a'],
    ['&jobStatus=running', ''],
    ['&jobStatus=&jobType=', 'edcba'],
  ])('with %s is %s', async (query, jobs) => {
    expect(ids(await list(query))).toBe(jobs)
  })

  test.each(['&jobStatus=done', '&jobType=export'])('with %s is refused', async (query) => {
    expect((await list(query)).error).toMatch(/^ArgumentInvalid;/)
  })

  test('comes in pages by headers, and no continuation comes with the last, also when it is full', async () => {
    const first = await list('', { 'x-ms-max-item-count': '2' })
    const token = first.headers.get('x-ms-continuation') ?? ''
    // Jobs that come meanwhile are not in the pages after.
    await own.ask('PUT /jobs/v2/new', {
      body: {
        type: 'scheduleDeviceMethod',
        cloudToDeviceMethod: method,
        queryCondition: '*',
        startTime: '2026-01-20T00:00:00Z',
      },
    })
    const second = await list('', { 'x-ms-max-item-count': '3', 'x-ms-continuation': token })
    expect([ids(first), ids(second)]).toEqual(['ed', 'cba'])
    expect(second.headers.has('x-ms-continuation')).toBe(false)
    await own.deps.database.pool.query("delete from job where id = 'new'")
  })

  test('comes in pages by the query parameters of the articles, too', async () => {
    const first = await list('&pageSize=4')
    const token = first.headers.get('x-ms-continuation') ?? ''
    expect(ids(await list(`&pageSize=4&continuationToken=${encodeURIComponent(token)}`))).toBe('a')
  })

  test('refuses a continuation of another list, a damaged one and one that was made up', async () => {
    const first = await list('&jobStatus=queued', { 'x-ms-max-item-count': '2' })
    const token = first.headers.get('x-ms-continuation') ?? ''
    const madeOf = (...parts: string[]) => Buffer.from(JSON.stringify(['jobs::', ...parts])).toString('base64url')
    for (const [query, continuation] of [
      ['', token],
      ['&jobStatus=running', token],
      ['&jobStatus=queued', token.slice(2)],
      ['&jobStatus=queued', 'x'],
      ['', madeOf('yesterday', 'a')],
      ['', madeOf('-271820-01-01T00:00:00.000Z', 'a')],
      ['', madeOf('2026-01-01T00:00:00.000Z', 'a b')],
      ['', madeOf('2026-01-01T00:00:00.000Z')],
    ]) {
      const { status, error } = await list(query, { 'x-ms-continuation': continuation ?? '' })
      expect([status, error]).toEqual([400, 'ArgumentInvalid;The continuation token does not belong to this query.'])
    }
    expect(ids(await list('&jobStatus=queued', { 'x-ms-continuation': token }))).toBe('ca')
  })

  test.each(['0', '-1', 'x', '1.5'])('has no page of %s', async (size) => {
    expect((await list('', { 'x-ms-max-item-count': size })).error).toMatch(/^ArgumentInvalid;x-ms-max-item-count/)
  })

  test('has 100 jobs on a page unless told otherwise, and 1,000 at most, however many are asked for', async () => {
    const many = await openDoor()
    await many.deps.database.pool.query(
      `insert into job (id, type, status, query_condition, request, created_time, start_time,
         max_execution_time_seconds, deadline)
       select 'many-' || n, 'scheduleUpdateTwin', 'scheduled', '*', '{"tags":{"a":1}}', now(), now(), 60, now()
       from generate_series(1, 1001) n`,
    )
    const page = async (headers: Record<string, string>) => {
      const answer = await many.ask('GET /jobs/v2/query', { headers })
      return [answer.body.length, answer.headers.has('x-ms-continuation')]
    }
    expect(await page({})).toEqual([100, true])
    expect(await page({ 'x-ms-max-item-count': '5000' })).toEqual([1000, true])
    await many.close()
  })
})

test('there are no import and export jobs', async () => {
  expect((await door.ask('POST /jobs/create', { body: { type: 'import' } })).error).toMatch(/^InvalidOperation;/)
  expect((await door.ask('GET /jobs')).body).toEqual([])
  expect((await door.ask('GET /jobs/short')).error).toMatch(/^JobNotFound;/)
  expect((await door.ask('DELETE /jobs/short')).error).toMatch(/^JobNotFound;/)
})
