import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelJob } from '../../../src/job/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenPresent, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, start } from '../facts.ts'

let door: TestDoor
let clock: TestClock
let ids: string[]
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  ids = await givenDevices(door.deps, 'pump', 4)
  await givenPresent(door.deps, ids)
})
afterAll(() => door.close())

const retry = { maxAttempts: 3, on: ['GatewayTimeout', '503'], backoffSeconds: 60, factor: 1.5, maxBackoffSeconds: 600 }
const timeout = { code: 'GatewayTimeout', description: 'The device did not answer.' }
const schedule = async (jobId: string, rollout: object) => {
  const { data } = await door.ask(
    `mutation ($input: ScheduleDeviceMethodInput!) { scheduleDeviceMethod(input: $input) {
      ... on ScheduleJobPayload { job { rollout { retry { maxAttempts on backoffSeconds factor maxBackoffSeconds } } } }
      ... on InvalidInputError { path message }
    } }`,
    { input: { jobId, queryCondition: "tags.fleet = 'pump'", cloudToDeviceMethod: { methodName: 'reboot' }, rollout } },
  )
  return data.scheduleDeviceMethod
}
/** The first device waits for its second attempt, the second was called, and the others were not. */
const given = async (jobId: string) => {
  await schedule(jobId, { retry })
  await start(door.deps, jobId)
  const [first = '', second = ''] = ids
  await dispatch(door.deps, { jobId, deviceId: first }, { jobId, deviceId: second })
  await answer(door.deps, { jobId, deviceId: first, response: { status: 503, payload: 'null' } })
}
const deviceJobs = async (jobId: string, filter: object = {}) => {
  const { data, errors } = await door.ask(
    `query ($filter: DeviceJobFilter) { job(jobId: "${jobId}") { deviceJobs(first: 10, filter: $filter) {
      totalCount
      nodes { deviceId status result attempts startTime error { code } outcome { status }
              earlierAttempts { number startTime endTime responseStatus error { code } } }
    } } }`,
    { filter },
  )
  expect(errors).toEqual([])
  return Object(data.job).deviceJobs
}

test('a job has the policy that it was given', async () => {
  expect(await schedule('kept', { retry })).toEqual({ job: { rollout: { retry } } })
  expect(await schedule('without', { maxConcurrent: 5 })).toEqual({ job: { rollout: { retry: null } } })
})

test('a device job that waits for another attempt is RETRYING, and shows what has failed', async () => {
  await given('waiting')
  const { nodes } = await deviceJobs('waiting')
  const time = clock.now().toISOString()
  expect(nodes).toMatchObject([
    {
      status: 'RETRYING',
      result: 'PENDING',
      attempts: 1,
      startTime: null,
      outcome: null,
      earlierAttempts: [{ number: 1, startTime: time, endTime: time, responseStatus: 503, error: null }],
    },
    { status: 'RUNNING', attempts: 1, earlierAttempts: [] },
    { status: 'PENDING', attempts: 0, earlierAttempts: [] },
    { status: 'PENDING', attempts: 0, earlierAttempts: [] },
  ])
})

test('device jobs are selected and counted by whether they wait for another attempt', async () => {
  await given('filtered')
  const found = async (...status: string[]) => {
    const { totalCount, nodes } = await deviceJobs('filtered', { status })
    expect(totalCount).toBe(nodes.length)
    return nodes.map(({ deviceId }: { readonly deviceId: string }) => ids.indexOf(deviceId))
  }
  expect(await found('RETRYING')).toEqual([0])
  expect(await found('PENDING')).toEqual([2, 3])
  expect(await found('RETRYING', 'RUNNING')).toEqual([0, 1])
  expect(await found('RETRYING', 'PENDING')).toEqual([0, 2, 3])
})

test('the last attempt has the outcome, and all attempts count', async () => {
  await given('ended')
  const [deviceId = ''] = ids
  await door.deps.database.pool.query('update device_job_attempt set not_before = now()')
  await dispatch(door.deps, { jobId: 'ended', deviceId })
  await answer(door.deps, { jobId: 'ended', deviceId, attempt: 2, error: timeout })
  await door.deps.database.pool.query('update device_job_attempt set not_before = now()')
  await dispatch(door.deps, { jobId: 'ended', deviceId })
  await answer(door.deps, { jobId: 'ended', deviceId, attempt: 3, response: { status: 200, payload: 'null' } })
  const [node] = (await deviceJobs('ended')).nodes
  expect(node).toMatchObject({
    status: 'COMPLETED',
    result: 'SUCCEEDED',
    attempts: 3,
    outcome: { status: 200 },
    earlierAttempts: [
      { number: 1, responseStatus: 503, error: null },
      { number: 2, responseStatus: null, error: { code: 'GatewayTimeout' } },
    ],
  })
})

test('a device job that waits when its job is cancelled ends as its last attempt did', async () => {
  await given('cancelled')
  await cancelJob(door.deps, tester, 'cancelled')
  const { nodes } = await deviceJobs('cancelled')
  expect(nodes[0]).toMatchObject({ status: 'COMPLETED', result: 'REFUSED', attempts: 1, earlierAttempts: [] })
  expect(nodes[2]).toMatchObject({ status: 'CANCELLED', attempts: 0 })
})

test('the job says how many devices wait for another attempt, and when the next one is', async () => {
  await given('blocked')
  const { data } = await door.ask(
    '{ job(jobId: "blocked") { deviceJobStatistics { pendingCount runningCount } blockers { reason message until deviceCount { value } } } }',
  )
  const { blockers, deviceJobStatistics } = Object(data.job)
  expect(deviceJobStatistics).toEqual({ pendingCount: 3, runningCount: 1 })
  const blocker = blockers.find(({ reason }: { readonly reason: string }) => reason === 'RETRY')
  expect(blocker).toMatchObject({
    message: `1 device waits for another attempt. The next one is at ${blocker.until}.`,
    deviceCount: { value: 1 },
  })
})

describe('a policy is refused, and nothing scheduled, with', () => {
  test.each([
    [{ on: ['Nothing'] }, ['rollout', 'retry', 'on', '0']],
    [{ maxAttempts: 1 }, ['rollout', 'retry', 'maxAttempts']],
    [{ maxAttempts: 11 }, ['rollout', 'retry', 'maxAttempts']],
    [{ backoffSeconds: -1 }, ['rollout', 'retry', 'backoffSeconds']],
    [{ factor: 0.5 }, ['rollout', 'retry', 'factor']],
  ])('%j', async (change, path) => {
    expect(await schedule('refused', { retry: { ...retry, ...change } })).toMatchObject({ path })
    expect(await door.deps.db.prisma.job.count({ where: { id: 'refused' } })).toBe(0)
  })

  test('a twin update', async () => {
    const { data } = await door.ask(
      `mutation ($input: ScheduleTwinUpdateInput!) {
        scheduleTwinUpdate(input: $input) { ... on InvalidInputError { path message } }
      }`,
      { input: { queryCondition: '*', updateTwin: { tags: { a: 1 } }, rollout: { retry } } },
    )
    expect(data.scheduleTwinUpdate).toMatchObject({
      path: ['rollout', 'retry'],
      message: expect.stringContaining('nothing to repeat'),
    })
  })
})

test('device jobs of a job without a policy are read without a look at attempts', async () => {
  await schedule('plain', {})
  await start(door.deps, 'plain')
  const query =
    '{ job(jobId: "plain") { deviceJobs(first: 10) { nodes { status attempts earlierAttempts { number } } } } }'
  const without = '{ job(jobId: "plain") { deviceJobs(first: 10) { nodes { status } } } }'
  await door.ask(query)
  const statements = await countStatements(() => door.ask(without))
  expect(await countStatements(() => door.ask(query))).toBe(statements)
})
