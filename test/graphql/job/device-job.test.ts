import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cancelJob } from '../../../src/job/commands.ts'
import { givenDevices, givenMethodJob, tester } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, start } from '../facts.ts'

let door: TestDoor
beforeAll(async () => {
  door = await openDoor()
  await givenDevices(door.deps, 'pump', 5)
  await givenDevices(door.deps, 'valve', 100)
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'mixed' })
  await start(door.deps, jobId)
  const key = (number: number) => ({ jobId, deviceId: `pump-000${number}` })
  await dispatch(door.deps, key(1), key(2), key(3))
  await answer(
    door.deps,
    { ...key(1), response: { status: 200, payload: '{"took":1.5,"__proto__":{"a":1}}' } },
    { ...key(2), error: { code: 'GatewayTimeout', description: 'No answer.' } },
  )
})
afterAll(() => door.close())

test('device jobs show their facts and what follows from them', async () => {
  const { data, errors } = await door.ask(`{
    job(jobId: "mixed") {
      deviceJobs(first: 10) {
        totalCount
        nodes { deviceId status startTime endTime outcome { status payload } error { code description } device { deviceId } job { jobId } }
      }
    }
  }`)
  expect(errors).toEqual([])
  const { nodes, totalCount } = Object(data.job).deviceJobs
  expect(totalCount).toBe(5)
  const time = expect.stringMatching(/^\d{4}-.*Z$/)
  expect(nodes).toMatchObject([
    {
      deviceId: 'pump-0001',
      status: 'COMPLETED',
      startTime: time,
      endTime: time,
      outcome: { status: 200, payload: { took: 1.5 } },
      error: null,
    },
    {
      status: 'FAILED',
      startTime: time,
      endTime: time,
      outcome: null,
      error: { code: 'GatewayTimeout', description: 'No answer.' },
    },
    { status: 'RUNNING', startTime: time, endTime: null, outcome: null, error: null },
    { status: 'PENDING', startTime: null, endTime: null, outcome: null, error: null },
    { status: 'PENDING', device: { deviceId: 'pump-0005' }, job: { jobId: 'mixed' } },
  ])
  expect(JSON.stringify(nodes[0])).toContain('"__proto__":{"a":1}')
})

test.each([
  [['PENDING'], ['pump-0004', 'pump-0005']],
  [
    ['COMPLETED', 'FAILED'],
    ['pump-0001', 'pump-0002'],
  ],
  [['CANCELLED'], []],
])('a filter by status %j has its own pages and total', async (status, expected) => {
  const { data } = await door.ask(
    `query ($status: [DeviceJobStatus!]) {
      job(jobId: "mixed") { deviceJobs(filter: { status: $status }, first: 1) { totalCount nodes { deviceId } pageInfo { hasNextPage } } }
    }`,
    { status },
  )
  const { totalCount, nodes, pageInfo } = Object(data.job).deviceJobs
  expect(totalCount).toBe(expected.length)
  expect(nodes).toEqual(expected.slice(0, 1).map((deviceId) => ({ deviceId })))
  expect(pageInfo.hasNextPage).toBe(expected.length > 1)
})

test('the cursor of one job is refused in another', async () => {
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'other' })
  const { data } = await door.ask('{ job(jobId: "mixed") { deviceJobs(first: 1) { pageInfo { endCursor } } } }')
  const { errors } = await door.ask(
    'query ($after: String) { job(jobId: "other") { deviceJobs(first: 1, after: $after) { totalCount } } }',
    { after: Object(data.job).deviceJobs.pageInfo.endCursor },
  )
  expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR' } }])
})

test('a deleted device leaves its device job behind', async () => {
  await givenDevices(door.deps, 'fan', 1)
  await start(door.deps, await givenMethodJob(door.deps, 'fan', {}, { jobId: 'fans' }))
  await door.ask('mutation { deleteDevice(input: { deviceId: "fan-0001" }) { __typename } }')
  const { data } = await door.ask('{ job(jobId: "fans") { deviceJobs(last: 1) { nodes { deviceId device { id } } } } }')
  expect(data).toEqual({ job: { deviceJobs: { nodes: [{ deviceId: 'fan-0001', device: null }] } } })
})

test('a global id leads back to the device job', async () => {
  const { data } = await door.ask('{ job(jobId: "mixed") { deviceJobs(first: 2) { nodes { id } } } }')
  const [first, second] = Object(data.job).deviceJobs.nodes
  const { data: again } = await door.ask(
    'query ($ids: [ID!]!) { nodes(ids: $ids) { id ... on DeviceJob { deviceId job { status } } } }',
    { ids: [second.id, Buffer.from('DeviceJob:mixed/nobody').toString('base64url'), first.id] },
  )
  expect(again).toEqual({
    nodes: [
      { id: second.id, deviceId: 'pump-0002', job: { status: 'RUNNING' } },
      null,
      { id: first.id, deviceId: 'pump-0001', job: { status: 'RUNNING' } },
    ],
  })
})

test('the outcome of a job is there when its last call has ended, and not before', async () => {
  await givenDevices(door.deps, 'lamp', 2)
  const jobId = await givenMethodJob(door.deps, 'lamp', {}, { jobId: 'lamps' })
  await start(door.deps, jobId)
  await dispatch(door.deps, { jobId, deviceId: 'lamp-0001' })
  await cancelJob(door.deps, tester, jobId)
  const look = async () => (await door.ask('{ job(jobId: "lamps") { status outcome } }')).data.job
  expect(await look()).toEqual({ status: 'CANCELLED', outcome: null })
  await answer(door.deps, { jobId, deviceId: 'lamp-0001', response: { status: 200, payload: 'null' } })
  await door.deps.database.pool.query("update job set end_time = now() where id = 'lamps'")
  expect(await look()).toEqual({ status: 'CANCELLED', outcome: 'CANCELLED' })
})

describe('the number of SQL statements does not grow with the page', () => {
  beforeAll(async () => {
    await start(door.deps, await givenMethodJob(door.deps, 'valve', {}, { jobId: 'valves' }))
    for (let index = 0; index < 50; index++) await start(door.deps, await givenMethodJob(door.deps, 'valve'))
  })

  test.each([
    [
      'jobs with statistics',
      '{ jobs(first: $first) { totalCount nodes { jobId outcome deviceJobStatistics { deviceCount } cloudToDeviceMethod { methodName } } } }',
      3,
    ],
    ['edges and nodes at once', '{ jobs(first: $first) { nodes { jobId } edges { cursor node { status } } } }', 1],
    [
      'devices with twins',
      '{ devices(first: $first) { nodes { deviceId authentication { type } twin { tags properties { desired { value } } } } } }',
      2,
    ],
    [
      'devices by a condition',
      `{ devices(queryCondition: "tags.fleet = 'valve'", first: $first) { totalCount edges { node { twin { version } } } } }`,
      3,
    ],
    [
      'device jobs with devices, twins and jobs',
      '{ job(jobId: "valves") { deviceJobs(first: $first) { totalCount nodes { status device { status twin { tags } } job { jobId status } } } } }',
      5,
    ],
    [
      'device jobs with the tags of their devices',
      '{ job(jobId: "valves") { deviceJobs(first: $first) { nodes { device { twin { tags } } } } } }',
      4,
    ],
    [
      'jobs with their device jobs',
      '{ jobs(first: $first) { nodes { deviceJobs(first: 3) { totalCount nodes { status } } } } }',
      2,
    ],
    [
      'jobs with a selection of their device jobs and the tags of the devices',
      '{ jobs(first: $first) { nodes { deviceJobs(filter: { status: [PENDING] }, first: 2) { nodes { device { twin { tags } } } } } } }',
      4,
    ],
    [
      'jobs with two different pages of device jobs',
      '{ jobs(first: $first) { nodes { head: deviceJobs(first: 1) { nodes { deviceId } } tail: deviceJobs(last: 1) { nodes { deviceId } } } } }',
      3,
    ],
    [
      'devices with their device jobs and the jobs',
      '{ devices(first: $first) { nodes { deviceJobs(first: 3) { nodes { status job { status } } } } } }',
      3,
    ],
    [
      'devices with the number of their device jobs',
      '{ devices(first: $first) { nodes { deviceJobs(first: 1) { totalCount } } } }',
      3,
    ],
  ])('%s', async (_what, selection, expected) => {
    const ask = async (first: number) => {
      const { errors } = await door.ask(`query ($first: Int!) ${selection}`, { first })
      expect(errors).toEqual([])
    }
    await ask(3)
    expect(await countStatements(() => ask(3))).toBe(expected)
    expect(await countStatements(() => ask(50))).toBe(expected)
  })

  test('many objects by their global ids', async () => {
    const ask = (count: number) =>
      door.ask(
        'query ($ids: [ID!]!) { nodes(ids: $ids) { ... on Device { deviceId twin { tags } } ... on DeviceJob { status device { status } } } }',
        {
          ids: Array.from({ length: count }, (_, index) => {
            const id = `valve-${String(index + 1).padStart(4, '0')}`
            return Buffer.from(index % 2 === 0 ? `Device:${id}` : `DeviceJob:valves/${id}`).toString('base64url')
          }),
        },
      )
    const few = await countStatements(() => ask(4))
    expect(await countStatements(() => ask(50))).toBe(few)
  })
})
