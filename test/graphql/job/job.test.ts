import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { CancelJob, ScheduleDeviceMethod, ScheduleTwinUpdate } from '../operations.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
  await givenDevices(door.deps, 'pump', 3)
})
afterAll(() => door.close())

const reboot = { queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' } }

test('a scheduled method job is answered as it stands, with the defaults filled in', async () => {
  const { scheduleDeviceMethod } = await door.run(ScheduleDeviceMethod, {
    input: { jobId: 'reboot-1', ...reboot, cloudToDeviceMethod: { methodName: 'reboot', payload: { delay: 5 } } },
  })
  expect(scheduleDeviceMethod).toEqual({
    __typename: 'ScheduleJobPayload',
    job: {
      jobId: 'reboot-1',
      type: 'SCHEDULE_DEVICE_METHOD',
      status: 'QUEUED',
      outcome: null,
      queryCondition: '*',
      maxExecutionTimeInSeconds: 3600,
      cloudToDeviceMethod: {
        methodName: 'reboot',
        payload: { delay: 5 },
        responseTimeoutInSeconds: 30,
        connectTimeoutInSeconds: 0,
      },
      updateTwin: null,
      deviceJobStatistics: { deviceCount: 0 },
    },
  })
})

test('a job has the name, the description, the labels and the limits that it was given, and its retry has them too', async () => {
  const naming =
    'name description labels { name value } rollout { maxPerMinute ramp { from factor afterSucceeded perMinute nextStep { perMinute afterSucceeded } } maxConcurrent }'
  const given = {
    name: 'Night of the pumps',
    description: 'See OPS-7.',
    rollout: { maxPerMinute: 600, ramp: { from: 10, afterSucceeded: 50 } },
    labels: [
      { name: 'team', value: 'north' },
      { name: 'change', value: '7' },
    ],
  }
  const nextStep = { perMinute: 20, afterSucceeded: 50 }
  const ramp = { from: 10, factor: 2, afterSucceeded: 50, perMinute: 10, nextStep }
  const stored = {
    ...given,
    rollout: { maxPerMinute: 600, ramp, maxConcurrent: null },
    labels: [...given.labels].reverse(),
  }
  const { data } = await door.ask(
    `mutation ($input: ScheduleTwinUpdateInput!) {
      scheduleTwinUpdate(input: $input) { ... on ScheduleJobPayload { job { ${naming} } } }
    }`,
    { input: { jobId: 'named', queryCondition: '*', updateTwin: { tags: { a: 1 } }, ...given } },
  )
  expect(data).toEqual({ scheduleTwinUpdate: { job: stored } })
  await door.run(ScheduleDeviceMethod, { input: { jobId: 'unnamed', ...reboot } })
  const unnamed = await door.ask(`{ job(jobId: "unnamed") { ${naming} } }`)
  expect(unnamed.data).toEqual({ job: { name: null, description: null, labels: [], rollout: null } })

  await door.deps.database.pool.query(
    `with ended as (
       update job set status = 'completed', end_time = now(), started_time = now(), device_count = 1, failed_count = 1
       where id = 'named'
       returning key
     ), target as (
       insert into device_job (job_key, device_id) select key, 'pump-1' from ended
     )
     insert into device_job_outcome (job_key, device_id, ended_time, error_code, error_description, version)
     select key, 'pump-1', now(), 'GatewayTimeout', 'no answer', 2 from ended`,
  )
  const retried = await door.ask(
    `mutation { retryJob(input: { jobId: "named" }) { ... on RetryJobPayload { job { ${naming} } } } }`,
  )
  expect(retried.data).toEqual({ retryJob: { job: stored } })
})

test('a scheduled twin update shows its patch in the shape it was given', async () => {
  const updateTwin = { tags: { site: 'north' }, properties: { desired: { interval: 60, old: null } } }
  const { scheduleTwinUpdate } = await door.run(ScheduleTwinUpdate, {
    input: { queryCondition: "tags.fleet = 'pump'", updateTwin },
  })
  expect(scheduleTwinUpdate).toMatchObject({
    job: { type: 'SCHEDULE_UPDATE_TWIN', updateTwin, cloudToDeviceMethod: null },
  })
})

test('a job with a start time ahead is scheduled, one with a time past is queued', async () => {
  const schedule = (startTime: Date) =>
    door.run(ScheduleDeviceMethod, { input: { ...reboot, startTime: startTime.toISOString() } })
  expect(await schedule(new Date(Date.now() + 60_000))).toMatchObject({
    scheduleDeviceMethod: { job: { status: 'SCHEDULED' } },
  })
  expect(await schedule(new Date(Date.now() - 60_000))).toMatchObject({
    scheduleDeviceMethod: { job: { status: 'QUEUED' } },
  })
})

test('an id that is taken is an AlreadyExistsError', async () => {
  const input = { jobId: 'twice', ...reboot }
  await door.run(ScheduleDeviceMethod, { input })
  const { scheduleDeviceMethod } = await door.run(ScheduleDeviceMethod, { input })
  expect(scheduleDeviceMethod).toMatchObject({ __typename: 'AlreadyExistsError', code: 'ALREADY_EXISTS' })
})

test('a malformed condition is a QueryConditionError that says where', async () => {
  const { scheduleDeviceMethod } = await door.run(ScheduleDeviceMethod, {
    input: { ...reboot, queryCondition: "tags.site = 'north'\n  AND AND" },
  })
  expect(scheduleDeviceMethod).toMatchObject({
    __typename: 'QueryConditionError',
    code: 'QUERY_CONDITION',
    line: 2,
    column: 7,
  })
})

describe('what breaks a rule is an InvalidInputError with its path', () => {
  const method = (cloudToDeviceMethod: object) => ({
    ...reboot,
    cloudToDeviceMethod: { methodName: 'reboot', ...cloudToDeviceMethod },
  })
  test.each([
    ['a job id with a space', { ...reboot, jobId: 'a b' }, ['jobId']],
    ['a job id of 65 characters', { ...reboot, jobId: 'x'.repeat(65) }, ['jobId']],
    ['a rate of 0', { ...reboot, rollout: { maxPerMinute: 0 } }, ['rollout', 'maxPerMinute']],
    [
      'a ramp that begins above the maximum',
      { ...reboot, rollout: { maxPerMinute: 5, ramp: { from: 6, afterSucceeded: 1 } } },
      ['rollout', 'ramp', 'from'],
    ],
    ['a label twice', { ...reboot, labels: Array(2).fill({ name: 'a', value: '' }) }, ['labels', '1', 'name']],
    ['no time to execute', { ...reboot, maxExecutionTimeInSeconds: 0 }, ['maxExecutionTimeInSeconds']],
    ['a start more than 30 days ahead', { ...reboot, startTime: '2999-01-01T00:00:00Z' }, ['startTime']],
    ['a method name with a slash', method({ methodName: 'a/b' }), ['cloudToDeviceMethod', 'methodName']],
    [
      'a response timeout of 4',
      method({ responseTimeoutInSeconds: 4 }),
      ['cloudToDeviceMethod', 'responseTimeoutInSeconds'],
    ],
    [
      'a connect timeout of 301',
      method({ connectTimeoutInSeconds: 301 }),
      ['cloudToDeviceMethod', 'connectTimeoutInSeconds'],
    ],
    ['a payload over 128 KB', method({ payload: 'x'.repeat(131_071) }), ['cloudToDeviceMethod', 'payload']],
  ])('%s', async (_what, input, path) => {
    const { scheduleDeviceMethod } = await door.run(ScheduleDeviceMethod, { input })
    expect(scheduleDeviceMethod).toMatchObject({ __typename: 'InvalidInputError', code: 'INVALID_INPUT', path })
  })

  test.each([
    ['an empty patch', '{}', ['updateTwin']],
    ['tags that are no object', '{ "tags": [1] }', ['updateTwin', 'tags']],
    ['a null for tags', '{ "tags": null }', ['updateTwin', 'tags']],
    ['tags over 8 KB', JSON.stringify({ tags: { a: 'x'.repeat(4096), b: 'x'.repeat(4096) } }), ['updateTwin', 'tags']],
    [
      'a key with a dot',
      '{ "properties": { "desired": { "a": { "b.c": 1 } } } }',
      ['updateTwin', 'properties', 'desired', 'a', 'b.c'],
    ],
    [
      'the key __proto__',
      '{ "tags": { "a": { "__proto__": { "admin": true } } } }',
      ['updateTwin', 'tags', 'a', '__proto__'],
    ],
    ['the key constructor', '{ "tags": { "constructor": {} } }', ['updateTwin', 'tags', 'constructor']],
  ])('%s', async (_what, updateTwin, path) => {
    const { data } = await door.ask(
      'mutation ($input: ScheduleTwinUpdateInput!) { scheduleTwinUpdate(input: $input) { ... on InvalidInputError { path } } }',
      { input: { queryCondition: '*', updateTwin: JSON.parse(updateTwin) } },
    )
    expect(data).toEqual({ scheduleTwinUpdate: { path } })
    expect(Object.keys(Object.prototype)).toEqual([])
  })

  test('the key __proto__ written in the document itself', async () => {
    const { data } = await door.ask(
      'mutation { scheduleTwinUpdate(input: { queryCondition: "*", updateTwin: { tags: { __proto__: { admin: true } } } }) { ... on InvalidInputError { path } } }',
    )
    expect(data).toEqual({ scheduleTwinUpdate: { path: ['updateTwin', 'tags', '__proto__'] } })
  })
})

test('a DateTime without an offset is refused before anything happens', async () => {
  const { data, errors } = await door.ask(
    'mutation ($input: ScheduleDeviceMethodInput!) { scheduleDeviceMethod(input: $input) { __typename } }',
    { input: { ...reboot, startTime: '2026-03-01T06:30:00' } },
  )
  expect(data).toBeUndefined()
  expect(errors[0]?.message).toContain('ISO 8601')
})

test('cancelling a waiting job ends it, with the reason as its message', async () => {
  await door.run(ScheduleDeviceMethod, { input: { jobId: 'to-cancel', ...reboot } })
  const { cancelJob } = await door.run(CancelJob, { input: { jobId: 'to-cancel', reason: 'wrong site' } })
  expect(cancelJob).toMatchObject({ job: { status: 'CANCELLED', outcome: 'CANCELLED', statusMessage: 'wrong site' } })
  const again = await door.run(CancelJob, { input: { jobId: 'to-cancel' } })
  expect(again.cancelJob).toMatchObject({ __typename: 'ConflictError', code: 'CONFLICT' })
})

test('cancelling refuses unknown jobs and reasons that are too long', async () => {
  const unknown = await door.run(CancelJob, { input: { jobId: 'nobody' } })
  expect(unknown.cancelJob).toMatchObject({ __typename: 'NotFoundError', code: 'NOT_FOUND' })
  const long = await door.run(CancelJob, { input: { jobId: 'nobody', reason: 'x'.repeat(1025) } })
  expect(long.cancelJob).toMatchObject({ __typename: 'InvalidInputError', path: ['reason'] })
})

test('an unknown job is null, by its name and by its global id', async () => {
  const { data } = await door.ask('query ($id: ID!) { job(jobId: "nobody") { jobId } node(id: $id) { id } }', {
    id: Buffer.from('Job:nobody').toString('base64url'),
  })
  expect(data).toEqual({ job: null, node: null })
})

test('a text that no row can hold is an error of the request and not of the hub', async () => {
  const { errors } = await door.ask('query ($jobId: String!) { job(jobId: $jobId) { jobId } }', { jobId: 'a\0b' })
  expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT' } }])
  expect(door.logged).toEqual([])
})
