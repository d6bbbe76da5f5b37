import { afterAll, beforeAll, expect, test } from 'vitest'
import { saveDeviceGroup } from '../../../src/device-group/commands.ts'
import { givenDevices, givenMethodJob, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, finish, start } from '../facts.ts'

let door: TestDoor
let ids: string[]
beforeAll(async () => {
  door = await openDoor()
  ids = await givenDevices(door.deps, 'pump', 4)
})
afterAll(() => door.close())

async function cancel(input: object, selection = 'jobId cancelledCount callsInProgress') {
  const { data, errors } = await door.ask(
    `mutation ($input: CancelDeviceJobsInput!) {
      cancelDeviceJobs(input: $input) {
        __typename
        ... on CancelDeviceJobsPayload { ${selection} }
        ... on Error { code message }
        ... on InvalidInputError { path }
        ... on QueryConditionError { line column }
      }
    }`,
    { input },
  )
  expect(errors).toEqual([])
  return Object(data).cancelDeviceJobs
}

const read = async (jobId: string, selection: string) => {
  const { data, errors } = await door.ask(`{ job(jobId: "${jobId}") { ${selection} } }`)
  expect(errors).toEqual([])
  return Object(data).job
}

const statistics = 'deviceJobStatistics { pendingCount runningCount succeededCount failedCount cancelledCount }'

test('device jobs that wait are cancelled, which the job, its device jobs, its failures and its history show', async () => {
  const [first = '', second = '', third = ''] = ids
  const jobId = await givenMethodJob(door.deps, 'pump')
  await start(door.deps, jobId)
  await dispatch(door.deps, { jobId, deviceId: first })
  const queryCondition = `deviceId IN ['${first}', '${second}', '${third}']`
  const answered = await cancel(
    { jobId, queryCondition, reason: 'on loan' },
    `jobId cancelledCount callsInProgress job { status version ${statistics} }`,
  )
  const { version } = answered.job
  expect(answered).toEqual({
    __typename: 'CancelDeviceJobsPayload',
    jobId,
    cancelledCount: 2,
    callsInProgress: 1,
    job: {
      status: 'RUNNING',
      version,
      deviceJobStatistics: { pendingCount: 1, runningCount: 1, succeededCount: 0, failedCount: 0, cancelledCount: 2 },
    },
  })
  await answer(door.deps, { jobId, deviceId: first, response: { status: 200, payload: 'null' } })
  expect(await cancel({ jobId, deviceId: ids[3] })).toMatchObject({ cancelledCount: 1, callsInProgress: 0 })
  await finish(door.deps)
  const shown = await read(
    jobId,
    `status outcome failureGroups { code count }
     deviceJobs(first: 10) { nodes { deviceId status result endTime error { code } outcome { status } } }
     cancelled: deviceJobs(first: 10, filter: { status: [CANCELLED] }) { totalCount nodes { deviceId } }
     failed: deviceJobs(first: 10, filter: { status: [FAILED] }) { totalCount nodes { deviceId } }
     history { type status cause actor reason version cancellation {
       deviceId queryCondition cancelledCount callsInProgress
     } }`,
  )
  const cancelled = {
    status: 'CANCELLED',
    result: 'CANCELLED',
    error: null,
    outcome: null,
    endTime: expect.any(String),
  }
  expect(shown).toMatchObject({
    status: 'COMPLETED',
    outcome: 'SUCCEEDED',
    failureGroups: [],
    deviceJobs: {
      nodes: [
        { deviceId: first, status: 'COMPLETED', result: 'SUCCEEDED' },
        ...ids.slice(1).map((deviceId) => ({ deviceId, ...cancelled })),
      ],
    },
    cancelled: { totalCount: 3, nodes: ids.slice(1).map((deviceId) => ({ deviceId })) },
    failed: { totalCount: 0, nodes: [] },
  })
  const event = { type: 'DEVICES_CANCELLED', status: 'RUNNING', cause: 'USER', actor: 'iothubowner' }
  expect(shown.history.slice(2, 4)).toEqual([
    {
      ...event,
      reason: 'on loan',
      version,
      cancellation: { deviceId: null, queryCondition, cancelledCount: 2, callsInProgress: 1 },
    },
    {
      ...event,
      reason: null,
      version: version + 2,
      cancellation: { deviceId: ids[3], queryCondition: null, cancelledCount: 1, callsInProgress: 0 },
    },
  ])
  expect(shown.history[0].cancellation).toBeNull()
})

test('a job of which every device job was cancelled has the outcome CANCELLED, and a filter finds it', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'all-cancelled' })
  await start(door.deps, jobId)
  await cancel({ jobId, queryCondition: '*' })
  await finish(door.deps)
  expect(await read(jobId, 'status outcome')).toEqual({ status: 'COMPLETED', outcome: 'CANCELLED' })
  const filter = (outcome: string) => `jobs(first: 10, filter: { outcome: [${outcome}] }) { nodes { jobId } }`
  const { data } = await door.ask(`{ cancelled: ${filter('CANCELLED')} others: ${filter('SUCCEEDED, FAILED')} }`)
  expect(data).toMatchObject({ cancelled: { nodes: [{ jobId }] } })
  expect(Object(data).others.nodes).not.toContainEqual({ jobId })
})

test('a condition may name a device group, and the history has the condition of the group', async () => {
  const queryCondition = `deviceId = '${ids[0]}'`
  await saveDeviceGroup(door.deps, tester, { name: 'first', queryCondition })
  const jobId = await givenMethodJob(door.deps, 'pump')
  await start(door.deps, jobId)
  expect(await cancel({ jobId, queryCondition: "group('first')" })).toMatchObject({ cancelledCount: 1 })
  const { history } = await read(jobId, 'history { cancellation { queryCondition } }')
  expect(history.at(-1).cancellation.queryCondition).toContain(queryCondition)
  expect(await cancel({ jobId, queryCondition: "group('unknown')" })).toMatchObject({ code: 'QUERY_CONDITION' })
})

test('device jobs that were cancelled do not count in the throughput', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  await start(door.deps, jobId)
  await cancel({ jobId, deviceId: ids[0] })
  expect(await read(jobId, 'throughput')).toEqual({ throughput: 0 })
})

test.each<[string, object, object]>([
  ['an unknown job', { jobId: 'nothing', deviceId: 'pump-0001' }, { code: 'NOT_FOUND' }],
  ['a device that the job does not have', { deviceId: 'other' }, { code: 'NOT_FOUND' }],
  ['neither a device nor a condition', {}, { code: 'INVALID_INPUT', path: ['deviceId'] }],
  ['both', { deviceId: 'pump-0001', queryCondition: '*' }, { code: 'INVALID_INPUT', path: ['queryCondition'] }],
  ['a condition that does not parse', { queryCondition: 'tags.' }, { code: 'QUERY_CONDITION', line: 1, column: 6 }],
  [
    'a reason that cannot be stored',
    { deviceId: 'pump-0001', reason: 'a\0' },
    { code: 'INVALID_INPUT', path: ['reason'] },
  ],
])('%s is refused, and nothing changes', async (_what, input, expected) => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  await start(door.deps, jobId)
  const { version } = await read(jobId, 'version')
  expect(await cancel({ jobId, ...input })).toMatchObject(expected)
  expect(await read(jobId, 'version')).toEqual({ version })
})

test('a job that has not started is refused with the reason', async () => {
  const jobId = await givenMethodJob(door.deps, 'pump')
  expect(await cancel({ jobId, queryCondition: '*' })).toMatchObject({
    code: 'CONFLICT',
    message: expect.stringContaining('has not started'),
  })
})
