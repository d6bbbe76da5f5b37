import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
/** The pumps' jobs, in the order in which they are scheduled, `a-2` and `a-3` in one millisecond; one has not started. */
const jobIds = ['z-1', 'a-2', 'a-3', 'b-4']
beforeAll(async () => {
  clock = createTestClock(new Date('2026-01-01T00:00:00Z'))
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 3)
  await givenDevices(door.deps, 'fan', 1)
  for (const jobId of jobIds) {
    await start(door.deps, await givenMethodJob(door.deps, 'pump', {}, { jobId }))
    if (jobId !== 'a-2') clock.advance(1000)
  }
  await givenMethodJob(door.deps, 'pump', {}, { jobId: 'waits' })
  await start(door.deps, await givenMethodJob(door.deps, 'fan', {}, { jobId: 'fans' }))
  await dispatch(door.deps, { jobId: 'z-1', deviceId: 'pump-0001' }, { jobId: 'z-1', deviceId: 'pump-0002' })
  await answer(door.deps, { jobId: 'z-1', deviceId: 'pump-0001', response: { status: 200, payload: 'null' } })
})
afterAll(() => door.close())

const ask = async (query: string, variables: Record<string, unknown> = {}) => {
  const { data, errors } = await door.ask(query, variables)
  expect(errors).toEqual([])
  return data
}

describe('the device jobs of a device', () => {
  test('are those of the jobs that have started, the latest job first', async () => {
    const data = await ask(
      '{ device(deviceId: "pump-0001") { deviceJobs(first: 10) { totalCount nodes { status deviceId job { jobId } } } } }',
    )
    expect(data).toEqual({
      device: {
        deviceJobs: {
          totalCount: 4,
          nodes: ['b-4', 'a-3', 'a-2', 'z-1'].map((jobId) => ({
            status: jobId === 'z-1' ? 'COMPLETED' : 'PENDING',
            deviceId: 'pump-0001',
            job: { jobId },
          })),
        },
      },
    })
  })

  test('are on pages, each of them once, also where jobs were scheduled in one millisecond', async () => {
    const seen: string[] = []
    for (let after: string | null = null; ; ) {
      const data = await ask(
        `query ($after: String) {
          device(deviceId: "pump-0002") {
            deviceJobs(first: 2, after: $after) { nodes { job { jobId } } pageInfo { hasNextPage hasPreviousPage endCursor } }
          }
        }`,
        { after },
      )
      const { nodes, pageInfo } = Object(data.device).deviceJobs
      for (const { job } of nodes) seen.push(job.jobId)
      expect(pageInfo.hasPreviousPage).toBe(after !== null)
      if (!pageInfo.hasNextPage) break
      after = pageInfo.endCursor
    }
    expect(seen).toEqual(['b-4', 'a-3', 'a-2', 'z-1'])
  })

  test('keep their place when a job is added or deleted', async () => {
    const page = 'deviceJobs(first: 2, after: $after) { nodes { job { jobId } } pageInfo { endCursor } }'
    const query = `query ($after: String) { device(deviceId: "fan-0001") { ${page} } }`
    const jobs = async (after: string | null) => {
      const { nodes, pageInfo } = Object((await ask(query, { after })).device).deviceJobs
      return { ids: nodes.map(({ job }: { job: { jobId: string } }) => job.jobId), endCursor: pageInfo.endCursor }
    }
    for (const jobId of ['f-1', 'f-2']) {
      clock.advance(1000)
      await start(door.deps, await givenMethodJob(door.deps, 'fan', {}, { jobId }))
    }
    const head = await jobs(null)
    expect(head.ids).toEqual(['f-2', 'f-1'])
    clock.advance(1000)
    await start(door.deps, await givenMethodJob(door.deps, 'fan', {}, { jobId: 'f-3' }))
    await door.deps.database.pool.query("delete from job where id = 'f-1'")
    expect((await jobs(head.endCursor)).ids).toEqual(['fans'])
  })

  test('are each device its own, whatever else is asked for', async () => {
    const data = await ask(`{
      devices(queryCondition: "tags.fleet = 'pump'", first: 10) {
        nodes { one: deviceJobs(first: 1) { nodes { id } } again: deviceJobs(first: 10) { totalCount } all: deviceJobs(first: 10) { totalCount nodes { deviceId status } } }
      }
    }`)
    const oldest = ['COMPLETED', 'RUNNING', 'PENDING']
    expect(data).toMatchObject({
      devices: {
        nodes: oldest.map((status, index) => {
          const deviceId = `pump-000${index + 1}`
          const pending = { deviceId, status: 'PENDING' }
          return { all: { totalCount: 4, nodes: [pending, pending, pending, { deviceId, status }] } }
        }),
      },
    })
    for (const { one } of Object(data.devices).nodes) expect(one.nodes).toHaveLength(1)
  })

  test('are none for a device that no job has met', async () => {
    await givenDevices(door.deps, 'lonely', 1)
    const data = await ask(
      '{ device(deviceId: "lonely-0001") { deviceJobs(first: 1) { totalCount nodes { id } pageInfo { hasNextPage endCursor } } } }',
    )
    expect(data).toEqual({
      device: { deviceJobs: { totalCount: 0, nodes: [], pageInfo: { hasNextPage: false, endCursor: null } } },
    })
  })

  test.each([
    ['of another device', 'device(deviceId: "pump-0002") { deviceJobs(first: 1) { pageInfo { endCursor } } }'],
    ['of a job', 'job(jobId: "z-1") { deviceJobs(first: 1) { pageInfo { endCursor } } }'],
    ['of jobs', 'jobs(first: 1) { pageInfo { endCursor } }'],
  ])('refuse the cursor %s', async (_what, source) => {
    const data = await ask(`{ source: ${source} }`)
    const { pageInfo } = Object(data.source).deviceJobs ?? data.source
    const { errors } = await door.ask(
      'query ($after: String) { device(deviceId: "pump-0001") { deviceJobs(first: 1, after: $after) { nodes { id } } } }',
      { after: pageInfo.endCursor },
    )
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }])
  })

  test('are not read without a page size', async () => {
    const { errors } = await door.ask('{ device(deviceId: "pump-0001") { deviceJobs { nodes { id } } } }')
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_PAGE_SIZE' } }])
  })
})

describe('the device jobs of several jobs', () => {
  test.each([
    ['first: 2', ['pump-0001', 'pump-0002']],
    ['last: 2', ['pump-0002', 'pump-0003']],
    ['filter: { status: [RUNNING, PENDING] }, last: 5', undefined],
  ])('are each job its own, in the order of the devices: %s', async (args, pumps) => {
    const data = await ask(
      `{ jobs(first: 10) { nodes { jobId deviceJobs(${args}) { nodes { deviceId job { jobId } } } } } }`,
    )
    const pages = new Map<string, unknown>()
    for (const { jobId, deviceJobs } of Object(data.jobs).nodes) {
      for (const { job } of deviceJobs.nodes) expect(job.jobId).toBe(jobId)
      pages.set(
        jobId,
        deviceJobs.nodes.map(({ deviceId }: { deviceId: string }) => deviceId),
      )
    }
    const all = ['pump-0001', 'pump-0002', 'pump-0003']
    expect(pages.get('z-1')).toEqual(pumps ?? all.slice(1))
    expect(pages.get('a-3')).toEqual(pumps ?? all)
    expect(pages.get('fans')).toEqual(['fan-0001'])
    expect(pages.get('waits')).toEqual([])
  })

  test('go on after a cursor, forward and backward, with and without a filter', async () => {
    const page = async (args: string) => {
      const data = await ask(
        `{ job(jobId: "a-2") { deviceJobs(${args}) { nodes { deviceId } pageInfo { startCursor endCursor } } } }`,
      )
      const { nodes, pageInfo } = Object(data.job).deviceJobs
      return { ...pageInfo, ids: nodes.map(({ deviceId }: { deviceId: string }) => deviceId) }
    }
    for (const filter of ['', 'filter: { status: [PENDING] }, ']) {
      const head = await page(`${filter}first: 1`)
      const tail = await page(`${filter}last: 1`)
      expect((await page(`${filter}first: 5, after: "${head.endCursor}"`)).ids).toEqual(['pump-0002', 'pump-0003'])
      expect((await page(`${filter}last: 5, before: "${tail.startCursor}"`)).ids).toEqual(['pump-0001', 'pump-0002'])
    }
  })
})
