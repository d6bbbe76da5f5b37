import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JobFilter, TestJobsQuery, TestJobsQueryVariables } from '../../src/generated/graphql/graphql.ts'
import { scheduleJob } from '../../src/job/commands.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { openDoor, owner, type TestDoor } from './door.ts'
import { Jobs } from './operations.ts'

let clock: TestClock
let door: TestDoor
/** Seven jobs, the last three of them in one millisecond. */
const ids = ['a-1', 'b-1', 'a-2', 'b-2', 'a-5', 'a-4', 'a-3']
const newestFirst = ['a-5', 'a-4', 'a-3', 'b-2', 'a-2', 'b-1', 'a-1']

const schedule = (jobId: string) =>
  scheduleJob(door.deps, owner, {
    type: jobId.startsWith('a') ? 'scheduleDeviceMethod' : 'scheduleUpdateTwin',
    jobId,
    queryCondition: '*',
    ...(jobId.startsWith('a') ? { cloudToDeviceMethod: { methodName: 'reboot' } } : { updateTwin: { tags: { a: 1 } } }),
  })

beforeAll(async () => {
  clock = createTestClock(new Date('2026-01-01T00:00:00Z'))
  door = await openDoor({ clock })
  for (const [index, id] of ids.entries()) {
    await schedule(id)
    if (index < 4) clock.advance(1000)
  }
})
afterAll(() => door.close())

const jobIds = ({ nodes }: { readonly nodes: readonly { readonly jobId: string }[] }) => nodes.map(({ jobId }) => jobId)

const page = (variables: TestJobsQueryVariables): Promise<TestJobsQuery> => door.run(Jobs, variables)

describe('pages', () => {
  test('walk the list forward, each job once, the latest first', async () => {
    const seen: string[] = []
    for (let after: string | null = null; ; ) {
      const { jobs }: TestJobsQuery = await page({ first: 2, after })
      seen.push(...jobIds(jobs))
      expect(jobs.totalCount).toBe(7)
      expect(jobs.edges.map(({ node }) => node.jobId)).toEqual(jobIds(jobs))
      expect(jobs.pageInfo.hasPreviousPage).toBe(after !== null)
      if (!jobs.pageInfo.hasNextPage) break
      after = jobs.pageInfo.endCursor ?? null
    }
    expect(seen).toEqual(newestFirst)
  })

  test('walk the list backward and show each page in the order of the list', async () => {
    const seen: string[] = []
    for (let before: string | null = null; ; ) {
      const { jobs }: TestJobsQuery = await page({ last: 3, before })
      seen.unshift(...jobIds(jobs))
      expect(jobs.pageInfo.hasNextPage).toBe(before !== null)
      if (!jobs.pageInfo.hasPreviousPage) break
      before = jobs.pageInfo.startCursor ?? null
    }
    expect(seen).toEqual(newestFirst)
  })

  test.each([
    ['CREATED_TIME', 'ASC', [...newestFirst].reverse()],
    ['JOB_ID', 'ASC', [...ids].sort()],
    ['JOB_ID', 'DESC', [...ids].sort().reverse()],
  ] as const)('keep the order %s %s across their borders', async (field, direction, expected) => {
    const orderBy = { field, direction }
    const { jobs: head } = await page({ orderBy, first: 5 })
    const { jobs: tail } = await page({ orderBy, first: 5, after: head.pageInfo.endCursor ?? null })
    expect([...jobIds(head), ...jobIds(tail)]).toEqual(expected)
  })

  test('neither repeat nor skip a job when others are added meanwhile', async () => {
    const { jobs: head } = await page({ first: 3 })
    clock.advance(1000)
    await schedule('b-late')
    const { jobs: tail } = await page({ first: 100, after: head.pageInfo.endCursor ?? null })
    expect([...jobIds(head), ...jobIds(tail)]).toEqual(newestFirst)
    await door.deps.database.pool.query("delete from job where id = 'b-late'")
  })
})

describe('a filter', () => {
  test.each<[string, JobFilter, string[]]>([
    ['type', { type: ['SCHEDULE_UPDATE_TWIN'] }, ['b-2', 'b-1']],
    ['status', { status: ['RUNNING'] }, []],
    ['several statuses', { status: ['RUNNING', 'QUEUED'] }, newestFirst],
    ['a prefix', { jobIdPrefix: 'a-' }, ['a-5', 'a-4', 'a-3', 'a-2', 'a-1']],
    ['a prefix with a wildcard of SQL', { jobIdPrefix: '%' }, []],
    ['a span of time', { createdTime: { from: '2026-01-01T00:00:01Z', to: '2026-01-01T00:00:03Z' } }, ['a-2', 'b-1']],
    ['all at once', { type: ['SCHEDULE_DEVICE_METHOD'], createdTime: { to: '2026-01-01T00:00:02Z' } }, ['a-1']],
  ])('by %s', async (_what, filter, expected) => {
    const { jobs } = await page({ filter, first: 100 })
    expect(jobIds(jobs)).toEqual(expected)
    expect(jobs.totalCount).toBe(expected.length)
  })
})

describe('refused', () => {
  const list =
    'query ($first: Int, $last: Int, $after: String, $before: String) { jobs(first: $first, last: $last, after: $after, before: $before) { nodes { jobId } } }'

  test.each([
    ['neither first nor last', {}],
    ['both', { first: 1, last: 1 }],
    ['no rows', { first: 0 }],
    ['a negative number', { last: -1 }],
    ['101 rows', { first: 101 }],
  ])('page sizes: %s', async (_what, variables) => {
    const { errors } = await door.ask(list, variables)
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_PAGE_SIZE' } }])
  })

  const cursor = (...parts: unknown[]) => Buffer.from(JSON.stringify(parts)).toString('base64url')
  test.each([
    ['of the same list in another order', { after: cursor('jobs:createdTime:asc', '2026-01-01T00:00:00.000Z', 'a-1') }],
    ['of another list', { after: cursor('devices', 'a-1') }],
    ['without its last key', { after: cursor('jobs:createdTime:desc', '2026-01-01T00:00:00.000Z') }],
    ['with a key too many', { after: cursor('jobs:createdTime:desc', '2026-01-01T00:00:00.000Z', 'a-1', 'a-2') }],
    ['whose time is none', { after: cursor('jobs:createdTime:desc', 'yesterday', 'a-1') }],
    ['whose key is no text', { after: cursor('jobs:createdTime:desc', '2026-01-01T00:00:00.000Z', 1) }],
    ['that is garbage', { after: '%%%' }],
    ['that is empty', { after: '' }],
  ])('a cursor %s', async (_what, variables) => {
    const { errors } = await door.ask(list, { first: 1, ...variables })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }])
  })

  test('a cursor for the other direction', async () => {
    const { errors } = await door.ask(list, {
      first: 1,
      before: cursor('jobs:createdTime:desc', '2026-01-01T00:00:00.000Z', 'a-1'),
    })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'before' } }])
  })
})
