import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createDevices } from '../../../src/device/commands.ts'
import { finishJobs } from '../../../src/job/store/transitions.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, countStatements, dispatch, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
const jobId = 'mixed'
/** Six devices in two buildings: two answered, one with 409; one failed; one has the call; two wait. */
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await createDevices(
    door.deps,
    everything,
    [1, 2, 3, 4, 5, 6].map((number) => ({
      deviceId: `pump-${number}`,
      twin: { tags: { fleet: 'pump', building: number <= 3 ? 42 : 43 } },
    })),
  )
  await givenMethodJob(door.deps, 'pump', {}, { jobId })
  await start(door.deps, jobId)
  const key = (number: number) => ({ jobId, deviceId: `pump-${number}` })
  await dispatch(door.deps, key(1), key(2), key(4), key(5))
  clock.advance(1000)
  await answer(door.deps, { ...key(5), response: { status: 200, payload: 'null' } })
  clock.advance(1000)
  await answer(
    door.deps,
    { ...key(4), response: { status: 409, payload: 'null' } },
    { ...key(2), error: { code: 'GatewayTimeout', description: 'No answer.' } },
  )
})
afterAll(() => door.close())

const query = `query ($jobId: String!, $filter: DeviceJobFilter, $orderBy: DeviceJobOrder, $first: Int, $after: String, $last: Int, $before: String) {
  job(jobId: $jobId) {
    deviceJobs(filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last, before: $before) {
      totalCount nodes { deviceId endTime } pageInfo { hasNextPage startCursor endCursor }
    }
  }
}`
const list = async (variables: Record<string, unknown>) => {
  const { data, errors } = await door.ask(query, { jobId, first: 10, ...variables })
  expect(errors).toEqual([])
  const { nodes, totalCount, pageInfo } = Object(data.job).deviceJobs
  const numbers = nodes.map(({ deviceId }: { deviceId: string }) => Number(deviceId.slice('pump-'.length)))
  return { numbers, totalCount, pageInfo, nodes }
}

describe('a filter', () => {
  test.each([
    ['by error code', { errorCode: ['GatewayTimeout', 'DeviceNotFound'] }, [2]],
    ['by what the device answered', { responseStatus: [409] }, [4]],
    ['by a result', { result: ['REFUSED'] }, [4]],
    ['by results before and after the end', { result: ['PENDING', 'SUCCEEDED', 'FAILED'] }, [2, 3, 5, 6]],
    ['by a result and a status', { result: ['REFUSED', 'FAILED'], status: ['COMPLETED'] }, [4]],
    ['by what devices answered', { responseStatus: [200, 409] }, [4, 5]],
    ['by a condition on the twin', { queryCondition: 'tags.building = 43' }, [4, 5, 6]],
    ['by a condition on the device', { queryCondition: "deviceId IN ['pump-1', 'pump-6', 'else']" }, [1, 6]],
    ['by a condition that all meet', { queryCondition: '*' }, [1, 2, 3, 4, 5, 6]],
    ['by status and condition', { status: ['PENDING', 'RUNNING'], queryCondition: 'tags.building = 42' }, [1, 3]],
    ['by two things that exclude each other', { errorCode: ['GatewayTimeout'], responseStatus: [200] }, []],
    ['by status and error code', { status: ['COMPLETED'], errorCode: ['GatewayTimeout'] }, []],
    ['by none of all codes', { errorCode: [] }, []],
    ['by nulls', { status: null, errorCode: null, responseStatus: null, queryCondition: null }, [1, 2, 3, 4, 5, 6]],
  ])('%s selects those for which all of it holds, and counts them', async (_how, filter, expected) => {
    expect(await list({ filter })).toMatchObject({ numbers: expected, totalCount: expected.length })
    expect(await list({ filter, first: 1 })).toMatchObject({
      numbers: expected.slice(0, 1),
      totalCount: expected.length,
      pageInfo: { hasNextPage: expected.length > 1 },
    })
  })

  test('by a result counts what the results are', async () => {
    const { data, errors } = await door.ask(
      `{ job(jobId: "mixed") { deviceJobStatistics { succeededCount refusedCount }
          deviceJobs(first: 10) { nodes { deviceId status result } } } }`,
    )
    expect(errors).toEqual([])
    const { deviceJobStatistics, deviceJobs } = Object(data.job)
    expect(deviceJobStatistics).toEqual({ succeededCount: 2, refusedCount: 1 })
    expect(deviceJobs.nodes.map(({ status, result }: Record<string, string>) => `${status} ${result}`)).toEqual([
      'RUNNING RUNNING',
      'FAILED FAILED',
      'PENDING PENDING',
      'COMPLETED REFUSED',
      'COMPLETED SUCCEEDED',
      'PENDING PENDING',
    ])
  })

  test('finds what failed with its job by the code of that failure', async () => {
    const other = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'late', maxExecutionTimeInSeconds: 5 })
    await start(door.deps, other)
    await dispatch(door.deps, { jobId: other, deviceId: 'pump-3' })
    await door.deps.db.transaction((tx) => finishJobs(tx, new Date(clock.now().getTime() + 6000)))
    const filter = { errorCode: ['JobRunPreconditionFailed'], queryCondition: 'tags.building = 42' }
    expect(await list({ jobId: other, filter })).toMatchObject({ numbers: [1, 2, 3], totalCount: 3 })
  })

  test('by a condition passes over devices that have been deleted, unless it is *', async () => {
    await givenDevices(door.deps, 'fan', 2)
    const other = await givenMethodJob(door.deps, 'fan', {}, { jobId: 'fans' })
    await start(door.deps, other)
    await door.ask('mutation { deleteDevice(input: { deviceId: "fan-0001" }) { __typename } }')
    const total = async (queryCondition: string) =>
      (await list({ jobId: other, filter: { queryCondition } })).totalCount
    expect(await total('*')).toBe(2)
    expect(await total('true')).toBe(1)
    expect(await total("NOT tags.fleet = 'else'")).toBe(1)
  })

  test('refuses a malformed condition, says where, and leaves the rest of the answer', async () => {
    const { data, errors } = await door.ask(
      `query ($condition: String!) {
        job(jobId: "mixed") { status deviceJobs(first: 1, filter: { queryCondition: $condition }) { totalCount } }
        devices(first: 1, queryCondition: $condition) { totalCount }
        jobs(first: 1, filter: { jobIdPrefix: "mixed" }) { nodes { jobId } }
      }`,
      { condition: 'tags.building =\n  = 43' },
    )
    const malformed = { code: 'QUERY_CONDITION', line: 2, column: 3 }
    expect(errors).toHaveLength(2)
    expect(errors).toMatchObject([{ extensions: malformed }, { extensions: malformed }])
    expect(errors.map(({ path }) => path)).toEqual(expect.arrayContaining([['devices'], ['job', 'deviceJobs']]))
    expect(data).toEqual({
      job: { status: 'RUNNING', deviceJobs: null },
      devices: null,
      jobs: { nodes: [{ jobId }] },
    })
  })

  test('by a condition needs the right to read twins, which a look at the registry does not give', async () => {
    const headers = { authorization: await door.token('registryRead') }
    const { data } = await door.ask('{ devices(first: 1) { nodes { deviceId twin { version } } } }', {}, headers)
    expect(data).toEqual({ devices: { nodes: [{ deviceId: expect.any(String), twin: null }] } })
    const ask = (filter: object) => door.ask(query, { jobId, first: 1, filter }, headers)
    expect((await ask({ queryCondition: '*' })).errors).toEqual([])
    expect((await ask({ queryCondition: 'tags.building = 43' })).errors).toMatchObject([
      { extensions: { code: 'FORBIDDEN' } },
    ])
  })

  test('by a condition counts as a query for the throttle', async () => {
    const slow = await openDoor({ throttling: { queries: { amount: 1, seconds: 60 } } })
    try {
      await givenMethodJob(slow.deps, 'pump', {}, { jobId })
      const ask = (filter: object) => slow.ask(query, { jobId, first: 1, filter })
      expect((await ask({ queryCondition: 'tags.a = 1' })).errors).toEqual([])
      expect((await ask({ queryCondition: 'tags.a = 1' })).errors).toMatchObject([
        { extensions: { code: 'LIMIT_EXCEEDED' } },
      ])
      expect((await ask({ status: ['FAILED'] })).errors).toEqual([])
    } finally {
      await slow.close()
    }
  })
})

describe('the order by their end', () => {
  const ascending = [5, 2, 4, 1, 3, 6]
  const orderBy = (direction: string) => ({ field: 'END_TIME', direction })

  test('has those last that have not ended, and is turned round by DESC', async () => {
    const { numbers, nodes } = await list({ orderBy: orderBy('ASC') })
    expect(numbers).toEqual(ascending)
    expect(nodes.map(({ endTime }: { endTime: string | null }) => endTime)).toEqual([
      '2026-01-01T00:00:01.000Z',
      '2026-01-01T00:00:02.000Z',
      '2026-01-01T00:00:02.000Z',
      null,
      null,
      null,
    ])
    expect((await list({ orderBy: orderBy('DESC') })).numbers).toEqual(ascending.toReversed())
  })

  test('holds its place while others end', async () => {
    const other = await givenMethodJob(door.deps, 'pump', {}, { jobId: 'moving' })
    await start(door.deps, other)
    const key = (number: number) => ({ jobId: other, deviceId: `pump-${number}` })
    await dispatch(door.deps, key(1), key(2), key(5), key(6))
    const done = (number: number) => answer(door.deps, { ...key(number), response: { status: 200, payload: 'null' } })
    await done(5)
    await done(2)
    const head = await list({ jobId: other, orderBy: orderBy('ASC'), first: 1 })
    await done(1)
    const next = await list({ jobId: other, orderBy: orderBy('ASC'), first: 2, after: head.pageInfo.endCursor })
    await done(6)
    const rest = await list({ jobId: other, orderBy: orderBy('ASC'), after: next.pageInfo.endCursor })
    expect([...head.numbers, ...next.numbers, ...rest.numbers]).toEqual([5, 2, 1, 6, 3, 4])
    const back = await list({
      jobId: other,
      orderBy: orderBy('ASC'),
      first: null,
      last: 2,
      before: rest.pageInfo.startCursor,
    })
    expect(back.numbers).toEqual([2, 1])
  })

  test('goes on through those that have not ended', async () => {
    const head = await list({ orderBy: orderBy('DESC'), first: 2 })
    expect(head.numbers).toEqual([6, 3])
    const rest = await list({ orderBy: orderBy('DESC'), after: head.pageInfo.endCursor })
    expect(rest.numbers).toEqual([1, 4, 2, 5])
  })

  test.each([[{ field: 'END_TIME', direction: 'DESC' }], [{ field: 'DEVICE_ID', direction: 'ASC' }], [undefined]])(
    'has cursors that are refused in the order %j',
    async (other) => {
      const { pageInfo } = await list({ orderBy: orderBy('ASC'), first: 1 })
      const { errors } = await door.ask(query, { jobId, first: 1, orderBy: other, after: pageInfo.endCursor })
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }])
    },
  )

  test('refuses cursors that nobody made', async () => {
    for (const keys of [['x', 'pump-1'], ['1'], ['1', 'pump-1', 'more'], ['99999999999', 'pump-1']]) {
      const after = Buffer.from(JSON.stringify([`job:${jobId}:deviceJobs:endTime:asc`, ...keys])).toString('base64url')
      const { errors } = await door.ask(query, { jobId, first: 1, orderBy: orderBy('ASC'), after })
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR' } }])
    }
  })
})

describe('the number of SQL statements does not grow with the page', () => {
  beforeAll(async () => {
    await givenDevices(door.deps, 'valve', 60)
    await start(door.deps, await givenMethodJob(door.deps, 'valve', {}, { jobId: 'valves' }))
    for (let count = 0; count < 40; count++) await start(door.deps, await givenMethodJob(door.deps, 'valve'))
  })

  test.each([
    [
      'devices and twins of a selection, with its size',
      `{ job(jobId: "valves") { deviceJobs(filter: { status: [PENDING], queryCondition: "tags.fleet = 'valve'" }, orderBy: { field: END_TIME, direction: DESC }, first: $first) {
        totalCount nodes { status device { connectionState twin { tags } } } } } }`,
      5,
    ],
    [
      'a selection of each of several jobs, with its size',
      '{ jobs(first: $first) { nodes { deviceJobs(filter: { errorCode: ["GatewayTimeout"] }, first: 1) { totalCount nodes { deviceId } } } } }',
      3,
    ],
  ])('%s', async (_what, selection, expected) => {
    const ask = async (first: number) => {
      const { errors } = await door.ask(`query ($first: Int!) ${selection}`, { first })
      expect(errors).toEqual([])
    }
    await ask(2)
    expect(await countStatements(() => ask(2))).toBe(expected)
    expect(await countStatements(() => ask(40))).toBe(expected)
  })
})
