import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob, givenTwinJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, finish, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock(new Date('2026-01-01T00:00:00Z'))
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 3)
})
afterAll(() => door.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
    await door.deps.database.pool.query(`delete from ${table}`)
  }
})

/** A job of which the first pump answered 200, the second 500, and the third failed with GatewayTimeout. */
async function givenEndedJob(jobId: string): Promise<void> {
  const request = { jobId, maxExecutionTimeInSeconds: 120 }
  await start(door.deps, await givenMethodJob(door.deps, 'pump', { payload: { delay: 5 } }, request))
  const [one, two, three] = [1, 2, 3].map((index) => ({ jobId, deviceId: `pump-000${index}` }))
  if (one === undefined || two === undefined || three === undefined) throw new Error('no keys')
  await dispatch(door.deps, one, two, three)
  await answer(
    door.deps,
    { ...one, response: { status: 200, payload: 'null' } },
    { ...two, response: { status: 500, payload: 'null' } },
    { ...three, error: { code: 'GatewayTimeout', description: 'late' } },
  )
  await finish(door.deps)
}

const retry = async (input: Record<string, unknown>) => {
  const { data, errors } = await door.ask(
    `mutation ($input: RetryJobInput!) {
      retryJob(input: $input) {
        __typename
        ... on RetryJobPayload {
          job {
            jobId status queryCondition startTime maxExecutionTimeInSeconds
            cloudToDeviceMethod { methodName payload } updateTwin retryOf { jobId } retrySelection { status result errorCode responseStatus }
          }
        }
        ... on Error { code message }
        ... on InvalidInputError { path }
        ... on QueryConditionError { line column }
      }
    }`,
    { input },
  )
  expect(errors).toEqual([])
  return Object(data.retryJob)
}

/** The devices of a job once it has started. */
const devicesOf = async (jobId: string) => {
  await startDueJobs(door.deps, { maxRunning: 100 }).run(clock.now())
  const { data } = await door.ask(
    'query ($jobId: String!) { job(jobId: $jobId) { deviceJobs(first: 100) { nodes { deviceId } } } }',
    { jobId },
  )
  return Object(data.job).deviceJobs.nodes.map(({ deviceId }: { deviceId: string }) => deviceId)
}

test('a retry does the same again, on the devices on which it failed', async () => {
  await givenEndedJob('first')
  expect(await retry({ jobId: 'first', newJobId: 'second', reason: 'after the storm' })).toEqual({
    __typename: 'RetryJobPayload',
    job: {
      jobId: 'second',
      status: 'QUEUED',
      queryCondition: "tags.fleet = 'pump'",
      startTime: '2026-01-01T00:00:00.000Z',
      maxExecutionTimeInSeconds: 120,
      cloudToDeviceMethod: { methodName: 'reboot', payload: { delay: 5 } },
      updateTwin: null,
      retryOf: { jobId: 'first' },
      retrySelection: { status: ['FAILED'], result: null, errorCode: null, responseStatus: null },
    },
  })
  expect(await devicesOf('second')).toEqual(['pump-0003'])
  const { data } = await door.ask('{ job(jobId: "second") { history { type actor reason } } }')
  expect(Object(data.job).history[0]).toEqual({ type: 'SCHEDULED', actor: 'iothubowner', reason: 'after the storm' })
})

test('a retry has the limits, the budget, the abort rules and the waves of its source', async () => {
  const given = {
    maxPerMinute: 600,
    maxConcurrent: 50,
    budget: { groupBy: 'tags.site', maxConcurrent: 1 },
    abort: [
      { on: ['failed', 'timedOut'], percent: 50, afterDevices: 2, action: 'pause' },
      { errorCode: 'GatewayTimeout', percent: 5, afterDevices: 3, action: 'cancel' },
      { responseStatus: 503, percent: 10, action: 'pause' },
    ],
    waves: [{ devices: 1, gate: { succeededPercent: 50, soakSeconds: 60 } }, { queryCondition: 'tags.a = 1' }, {}],
  }
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { rollout: given })
  await start(door.deps, jobId)
  await door.ask('mutation ($jobId: String!) { cancelJob(input: { jobId: $jobId }) { __typename } }', { jobId })
  const { job } = await retry({ jobId, status: ['CANCELLED'] })
  const controls = async (of: string) => {
    const { data } = await door.ask(
      `query ($jobId: String!) { job(jobId: $jobId) {
        rollout {
          maxPerMinute maxConcurrent budget { groupBy maxConcurrent }
          abort { on errorCode responseStatus percent afterDevices action matchedCount }
        }
        waves { devices queryCondition gate { succeededPercent soakSeconds onFailure } }
      } }`,
      { jobId: of },
    )
    return data.job
  }
  const ofSource = await controls(jobId)
  expect(ofSource).toMatchObject({
    rollout: { budget: given.budget, abort: [{}, { errorCode: 'GatewayTimeout' }, { responseStatus: 503 }] },
    waves: [{ devices: 1 }, { queryCondition: 'tags.a = 1' }, {}],
  })
  expect(await controls(job.jobId)).toEqual(ofSource)
  // Its own devices are divided into the waves.
  expect(await devicesOf(job.jobId)).toHaveLength(3)
})

test('a retry of a twin update has its patch', async () => {
  await start(door.deps, await givenTwinJob(door.deps, 'pump', { jobId: 'patch', maxExecutionTimeInSeconds: 1 }))
  clock.advance(1000)
  await finish(door.deps)
  expect(await retry({ jobId: 'patch' })).toMatchObject({
    job: { cloudToDeviceMethod: null, updateTwin: { properties: { desired: { interval: 60 } } } },
  })
})

describe('which devices', () => {
  test.each([
    ['by error code', { errorCode: ['GatewayTimeout'] }, ['pump-0003']],
    ['by what they answered', { responseStatus: [500, 404] }, ['pump-0002']],
    ['all that had it', { status: ['COMPLETED', 'FAILED'] }, ['pump-0001', 'pump-0002', 'pump-0003']],
    [
      'narrowed by a condition',
      { status: ['COMPLETED', 'FAILED'], queryCondition: "deviceId != 'pump-0002'" },
      ['pump-0001', 'pump-0003'],
    ],
  ])('%s', async (_what, selection, devices) => {
    await givenEndedJob('first')
    const { job } = await retry({ jobId: 'first', ...selection })
    const { queryCondition: _, ...given } = { queryCondition: '', ...selection }
    expect(job.retrySelection).toMatchObject(given)
    expect(await devicesOf(job.jobId)).toEqual(devices)
  })

  test('an OR reaches no device that the job did not have', async () => {
    const request = { jobId: 'either', queryCondition: "deviceId = 'pump-0001' OR deviceId = 'pump-0002'" }
    await start(door.deps, await givenMethodJob(door.deps, 'pump', {}, request))
    const [one, two] = ['pump-0001', 'pump-0002'].map((deviceId) => ({ jobId: 'either', deviceId }))
    if (one === undefined || two === undefined) throw new Error('no keys')
    await dispatch(door.deps, one, two)
    const failed = { error: { code: 'GatewayTimeout', description: 'late' } }
    await answer(door.deps, { ...one, response: { status: 200, payload: 'null' } }, { ...two, ...failed })
    await finish(door.deps)
    const { job } = await retry({ jobId: 'either' })
    expect(await devicesOf(job.jobId)).toEqual(['pump-0002'])
  })

  test('those that a cancellation spared', async () => {
    await start(door.deps, await givenMethodJob(door.deps, 'pump', {}, { jobId: 'stopped' }))
    await door.ask('mutation { cancelJob(input: { jobId: "stopped" }) { __typename } }')
    const { job } = await retry({ jobId: 'stopped', status: ['CANCELLED'] })
    expect(await devicesOf(job.jobId)).toHaveLength(3)
  })
})

test('time and condition can be given anew', async () => {
  await givenEndedJob('first')
  const startTime = new Date(clock.now().getTime() + 60_000).toISOString()
  const further = { queryCondition: "deviceId > 'a'", startTime, maxExecutionTimeInSeconds: 7 }
  expect(await retry({ jobId: 'first', ...further })).toMatchObject({
    job: {
      status: 'SCHEDULED',
      startTime,
      maxExecutionTimeInSeconds: 7,
      queryCondition: "(tags.fleet = 'pump') AND (deviceId > 'a')",
    },
  })
})

describe('refused, and nothing is scheduled', () => {
  const invalid = (...path: string[]) => ({ __typename: 'InvalidInputError', path })
  test.each([
    ['a job that there is not', { jobId: 'nobody' }, { __typename: 'NotFoundError' }],
    ['a job with a name that no row can hold', { jobId: 'a b\n' }, { __typename: 'NotFoundError' }],
    [
      'a job that waits',
      { jobId: 'waits' },
      { __typename: 'ConflictError', message: expect.stringMatching(/cancel it/) },
    ],
    ['a job that runs', { jobId: 'runs' }, { __typename: 'ConflictError' }],
    [
      'a cancelled job with a call under way',
      { jobId: 'ends' },
      { __typename: 'ConflictError', message: expect.stringMatching(/still in progress/) },
    ],
    ['a name that is taken', { jobId: 'first', newJobId: 'waits' }, { __typename: 'AlreadyExistsError' }],
    ['its own name', { jobId: 'first', newJobId: 'first' }, { __typename: 'AlreadyExistsError' }],
    ['a name with a space', { jobId: 'first', newJobId: 'a b' }, invalid('newJobId')],
    ['device jobs that run', { jobId: 'first', status: ['RUNNING'] }, invalid('status')],
    ['no status', { jobId: 'first', status: [] }, invalid('status')],
    ['a status nobody is in', { jobId: 'first', status: ['CANCELLED'] }, invalid('status')],
    ['an error nobody had', { jobId: 'first', errorCode: ['Nothing'] }, invalid('errorCode')],
    ['an answer nobody gave', { jobId: 'first', responseStatus: [404] }, invalid('responseStatus')],
    ['an error and an answer', { jobId: 'first', errorCode: ['A'], responseStatus: [1] }, invalid('responseStatus')],
    ['errors of the completed', { jobId: 'first', status: ['COMPLETED'], errorCode: ['A'] }, invalid('errorCode')],
    ['a reason that is too long', { jobId: 'first', reason: 'x'.repeat(1025) }, invalid('reason')],
    ['a start too far ahead', { jobId: 'first', startTime: '2999-01-01T00:00:00Z' }, invalid('startTime')],
    [
      'a condition that does not parse, by its own place',
      { jobId: 'first', queryCondition: 'tags.a = 1 AND\n  AND' },
      { __typename: 'QueryConditionError', line: 2, column: 3 },
    ],
    [
      'conditions that are too long together',
      { jobId: 'first', queryCondition: `tags.a = '${'x'.repeat(8180)}'` },
      { __typename: 'QueryConditionError' },
    ],
  ])('%s', async (_what, input, expected) => {
    await givenEndedJob('first')
    await start(door.deps, await givenMethodJob(door.deps, 'pump', {}, { jobId: 'runs' }))
    await start(door.deps, await givenMethodJob(door.deps, 'pump', {}, { jobId: 'ends' }))
    await dispatch(door.deps, { jobId: 'ends', deviceId: 'pump-0001' })
    await door.ask('mutation { cancelJob(input: { jobId: "ends" }) { __typename } }')
    await givenMethodJob(door.deps, 'pump', {}, { jobId: 'waits' })
    expect(await retry(input)).toMatchObject(expected)
    expect(await door.deps.db.prisma.job.count()).toBe(4)
  })
})
