import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { jobEventInterval } from '../../../src/events/events.ts'
import { cancelJob } from '../../../src/job/commands.ts'
import type { Settlement } from '../../../src/job/store/facts.ts'
import { finishJobs } from '../../../src/job/store/transitions.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, start } from '../facts.ts'
import { openPort } from '../transport/sockets.ts'

let clock: TestClock
let door: TestDoor
let deviceIds: string[]
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  deviceIds = await givenDevices(door.deps, 'pump', 20)
})
afterAll(() => door.close())

const timeout = { code: 'GatewayTimeout', description: 'The call was sent, but the device did not answer in time.' }
const answered = (status: number) => ({ response: { status, payload: 'null' } })
const bad = (description: string) => ({ error: { code: 'BadDeviceResponse', description } })

/** A job whose devices ended so, in the order of their ids; the others wait. */
async function givenEnds(
  jobId: string,
  ends: readonly Pick<Settlement, 'error' | 'response'>[],
  { called = ends.length }: { called?: number } = {},
): Promise<string> {
  await givenMethodJob(door.deps, 'pump', {}, { jobId, maxExecutionTimeInSeconds: 60 })
  await start(door.deps, jobId)
  const keys = deviceIds.map((deviceId) => ({ jobId, deviceId }))
  await dispatch(door.deps, ...keys.slice(0, called))
  await answer(door.deps, ...keys.slice(0, ends.length).map((key, index) => ({ ...key, ...ends[index] })))
  return jobId
}

/** The first of them, which ends the rest. */
async function first<T>(values: AsyncIterable<T>): Promise<readonly T[]> {
  for await (const value of values) return [value]
  return []
}

const timeUp = async () => {
  const now = new Date(clock.now().getTime() + 61_000)
  while ((await door.deps.db.transaction((tx) => finishJobs(tx, now))).length > 0);
}

const groupsOf = async (jobId: string, args = '', fields = 'code message responseStatus count share') => {
  const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { failureGroups${args} { ${fields} } } }`)
  expect(errors).toEqual([])
  return Object(data.job).failureGroups
}

test('failures are grouped by code and description, and answers by status, the largest group first', async () => {
  await givenEnds('mixed', [
    answered(200),
    { error: timeout },
    answered(409),
    { error: timeout },
    answered(500),
    answered(399),
    { error: timeout },
    answered(409),
    { error: { ...timeout, description: 'Otherwise.' } },
  ])
  expect(await groupsOf('mixed')).toEqual([
    { code: 'GatewayTimeout', message: timeout.description, responseStatus: null, count: 3, share: 0.15 },
    {
      code: 'DeviceResponse',
      message: 'The device answered with status 409.',
      responseStatus: 409,
      count: 2,
      share: 0.1,
    },
    {
      code: 'DeviceResponse',
      message: 'The device answered with status 500.',
      responseStatus: 500,
      count: 1,
      share: 0.05,
    },
    { code: 'GatewayTimeout', message: 'Otherwise.', responseStatus: null, count: 1, share: 0.05 },
  ])
  expect(await groupsOf('mixed', '(first: 1)', 'count')).toEqual([{ count: 3 }])
})

test('the sample of a group is its first devices by name', async () => {
  await givenEnds('sampled', [
    { error: timeout },
    answered(409),
    { error: timeout },
    { error: { ...timeout, description: 'Otherwise.' } },
    answered(500),
    { error: timeout },
  ])
  const fields =
    'count sample(first: 2) { deviceId status error { description } outcome { status } device { deviceId } }'
  const failed = (deviceId: string, description: string) => ({
    deviceId,
    status: 'FAILED',
    error: { description },
    outcome: null,
    device: { deviceId },
  })
  const done = (deviceId: string, status: number) => ({
    deviceId,
    status: 'COMPLETED',
    error: null,
    outcome: { status },
    device: { deviceId },
  })
  expect(await groupsOf('sampled', '', fields)).toEqual([
    { count: 3, sample: [failed('pump-0001', timeout.description), failed('pump-0003', timeout.description)] },
    { count: 1, sample: [done('pump-0002', 409)] },
    { count: 1, sample: [done('pump-0005', 500)] },
    { count: 1, sample: [failed('pump-0004', 'Otherwise.')] },
  ])
})

test('what differs from device to device alone makes no groups of its own', async () => {
  const tooLarge = (bytes: number) => ({
    error: {
      code: 'ArgumentInvalid',
      description: `The tags section would have ${bytes} bytes. At most 8 KB are allowed.`,
    },
  })
  await givenEnds('sizes', [
    bad('The device answered with 131073 bytes. At most 128 KB are allowed.'),
    bad('The device answered with 200000 bytes. At most 128 KB are allowed.'),
    bad('The device answered with the status 99999999999.'),
    bad('The device answered with the status -99999999998.'),
    bad('The device answered with the status 200 and a payload that is not JSON.'),
    tooLarge(8193),
    tooLarge(9000),
  ])
  const groups = await groupsOf('sizes', '', 'code message count sample { deviceId }')
  const ids = (...numbers: number[]) => numbers.map((number) => ({ deviceId: `pump-000${number}` }))
  expect(groups).toEqual([
    {
      code: 'ArgumentInvalid',
      message: 'The tags section would have … bytes. At most 8 KB are allowed.',
      count: 2,
      sample: ids(6, 7),
    },
    { code: 'BadDeviceResponse', message: 'The device answered with the status ….', count: 2, sample: ids(3, 4) },
    {
      code: 'BadDeviceResponse',
      message: 'The device answered with … bytes. At most 128 KB are allowed.',
      count: 2,
      sample: ids(1, 2),
    },
    {
      code: 'BadDeviceResponse',
      message: 'The device answered with the status 200 and a payload that is not JSON.',
      count: 1,
      sample: ids(5),
    },
  ])
})

describe('device jobs that failed with their job', () => {
  const code = 'JobRunPreconditionFailed'
  const notCalled = 'The device did not connect before the deadline of the job, or was disabled.'
  const notAnswered = 'The device did not answer before the deadline of the job.'

  test('are groups when the time of the job is up, and not before', async () => {
    await givenEnds('late', [{ error: timeout }, answered(200)], { called: 5 })
    const before = [{ code: 'GatewayTimeout', message: timeout.description, count: 1 }]
    expect(await groupsOf('late', '', 'code message count')).toEqual(before)
    await timeUp()
    const groups = await groupsOf('late', '', 'code message count sample(first: 2) { deviceId status }')
    const failed = (...numbers: number[]) =>
      numbers.map((number) => ({ deviceId: `pump-000${number}`, status: 'FAILED' }))
    expect(groups).toEqual([
      { code, message: notCalled, count: 15, sample: failed(6, 7) },
      { code, message: notAnswered, count: 3, sample: failed(3, 4) },
      { ...before[0], sample: failed(1) },
    ])
  })

  test('are those under way alone when the job had been cancelled', async () => {
    await givenEnds('spared', [answered(200)], { called: 3 })
    await cancelJob(door.deps, tester, 'spared')
    expect(await groupsOf('spared', '', 'code')).toEqual([])
    await timeUp()
    expect(await groupsOf('spared', '', 'code message count sample { deviceId }')).toEqual([
      { code, message: notAnswered, count: 2, sample: [{ deviceId: 'pump-0002' }, { deviceId: 'pump-0003' }] },
    ])
  })

  test('have the reason of the job that failed as a whole, called or not', async () => {
    await givenEnds('broken', [answered(200)], { called: 3 })
    await door.deps.database.pool.query(
      `update job set status = 'failed', failure_reason = 'Out of order.', end_time = now(), failed_count = 19,
                      pending_count = 0, running_count = 0 where id = 'broken'`,
    )
    expect(await groupsOf('broken', '', 'code message count sample { deviceId }')).toEqual([
      {
        code,
        message: 'Out of order.',
        count: 19,
        sample: [2, 3, 4, 5, 6].map((number) => ({ deviceId: `pump-000${number}` })),
      },
    ])
  })

  test('and all other failures add up to what the job counts', async () => {
    for (const jobId of ['late', 'spared', 'broken', 'mixed']) {
      const { data } = await door.ask(
        `{ job(jobId: "${jobId}") { deviceJobStatistics { failedCount } failureGroups { code count } } }`,
      )
      const { deviceJobStatistics, failureGroups } = Object(data.job)
      const own = failureGroups.filter((group: { code: string }) => group.code !== 'DeviceResponse')
      const sum = own.reduce((total: number, group: { count: number }) => total + group.count, 0)
      expect(sum).toBe(deviceJobStatistics.failedCount)
    }
  })
})

test('a job without failures has no groups, also before it has started', async () => {
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'waits' })
  await givenEnds('fine', [answered(200)])
  expect(await groupsOf('waits')).toEqual([])
  expect(await groupsOf('fine')).toEqual([])
})

test.each([
  ['failureGroups(first: 0) { code }', '"first" is 0. It must be 1 to 100 here.'],
  ['failureGroups(first: 101) { code }', '"first" is 101. It must be 1 to 100 here.'],
  ['failureGroups { sample(first: 0) { id } }', '"first" is 0. It must be 1 to 20 here.'],
  ['failureGroups { sample(first: 21) { id } }', '"first" is 21. It must be 1 to 20 here.'],
])('%s is refused', async (field, message) => {
  await givenEnds('sized', [{ error: timeout }]).catch(() => {}) // made by whichever comes first
  const { errors } = await door.ask(`{ job(jobId: "sized") { ${field} } }`)
  expect(errors).toMatchObject([{ message, extensions: { code: 'INVALID_PAGE_SIZE' } }])
})

test('groups and samples of many jobs cost what those of one cost', async () => {
  for (let count = 0; count < 12; count++) {
    await givenEnds(`many-${count}`, [{ error: timeout }, answered(500), bad('x'), bad('y')])
  }
  const ask = async (first: number) => {
    const { errors } = await door.ask(
      `{ jobs(filter: { jobIdPrefix: "many-" }, first: ${first}) { nodes { failureGroups(first: 5) { count sample(first: 3) { deviceId device { twin { tags } } } } } } }`,
    )
    expect(errors).toEqual([])
  }
  await ask(1)
  // Jobs, samples, devices, twins. Groups are known as long as nothing changes.
  expect(await countStatements(() => ask(1))).toBe(4)
  await ask(12)
  expect(await countStatements(() => ask(12))).toBe(4)
})

test('a sample that took long to find stays for a while, until the job has ended; but counts are never old, and no sample is too short', async () => {
  const jobId = await givenEnds('slow', [answered(200)], { called: 4 })
  const fail = (number: number) => answer(door.deps, { jobId, deviceId: `pump-000${number}`, error: timeout })
  const { boundedRead } = door.deps.db
  const slow = vi.spyOn(door.deps.db, 'boundedRead').mockImplementation((...read) => {
    clock.advance(300)
    return boundedRead(...read)
  })
  try {
    const found = () =>
      groupsOf(jobId, '', 'count one: sample(first: 1) { deviceId } two: sample(first: 2) { deviceId }')
    const ids = (...numbers: number[]) => numbers.map((number) => ({ deviceId: `pump-000${number}` }))
    await fail(3)
    expect(await found()).toEqual([{ count: 1, one: ids(3), two: ids(3) }])
    await fail(2)
    expect(await found()).toEqual([{ count: 2, one: ids(3), two: ids(2, 3) }])
    await timeUp()
    expect(await found()).toContainEqual({ count: 2, one: ids(2), two: ids(2, 3) })
  } finally {
    slow.mockRestore()
  }
})

test('when there is no time to read them, an error says when to ask again, and the rest of the job is there', async () => {
  await givenEnds('unread', [{ error: timeout }])
  const parts = 'jobId status failureGroups { code } blockers { reason } throughput'
  const rest = { jobId: 'unread', status: 'RUNNING', failureGroups: null, blockers: null, throughput: null }
  const port = await openPort(door)
  const busy = vi.spyOn(door.deps.db, 'boundedRead').mockResolvedValue(undefined)
  try {
    const { data, errors } = await door.ask(`{ job(jobId: "unread") { ${parts} } }`)
    expect(data).toEqual({ job: rest })
    expect(errors).toContainEqual({
      message: 'Reading the failures took too long. Try again later.',
      path: ['job', 'failureGroups'],
      locations: expect.anything(),
      extensions: { code: 'LIMIT_EXCEEDED', retryAfterSeconds: 1 },
    })
    const [event] = await first(
      port.client().iterate({
        query: `subscription { deviceJobStatistics(jobId: "unread") { version job { ${parts} } } }`,
      }),
    )
    expect(event?.data).toEqual({ deviceJobStatistics: { version: expect.any(Number), job: rest } })
    expect(event?.errors).toHaveLength(3)
  } finally {
    busy.mockRestore()
    await port.close()
  }
})

test('a subscription reads the groups afresh for each event', async () => {
  const jobId = await givenEnds('watched', [], { called: 3 })
  const port = await openPort(door)
  try {
    const updates = port.client().iterate<Record<string, unknown>>({
      query: `subscription { deviceJobStatistics(jobId: "${jobId}") { job { failureGroups { code count sample { deviceId } } } } }`,
    })
    const next = async () => Object((await updates.next()).value.data.deviceJobStatistics).job.failureGroups
    expect(await next()).toEqual([])
    const fail = async (number: number) => {
      await answer(door.deps, { jobId, deviceId: `pump-000${number}`, error: timeout })
      clock.advance(jobEventInterval)
    }
    await fail(2)
    expect(await next()).toEqual([{ code: 'GatewayTimeout', count: 1, sample: [{ deviceId: 'pump-0002' }] }])
    await fail(1)
    expect(await next()).toMatchObject([{ count: 2, sample: [{ deviceId: 'pump-0001' }, { deviceId: 'pump-0002' }] }])
    await updates.return?.()
  } finally {
    await port.close()
  }
})
