import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { JobFilter, TestJobsQuery, TestJobsQueryVariables } from '../../../src/generated/graphql/graphql.ts'
import { scheduleJob } from '../../../src/job/commands.ts'
import type { NamingInput } from '../../../src/job/naming.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { openDoor, owner, type TestDoor } from '../door.ts'
import { Jobs } from '../operations.ts'

let clock: TestClock
let door: TestDoor
/** Seven jobs, the last three of them in one millisecond. */
const ids = ['a-1', 'b-1', 'a-2', 'b-2', 'a-5', 'a-4', 'a-3']
const newestFirst = ['a-5', 'a-4', 'a-3', 'b-2', 'a-2', 'b-1', 'a-1']

const naming: Readonly<Record<string, NamingInput>> = {
  'a-1': { name: 'Night of the pumps', labels: [{ name: 'team', value: 'north' }] },
  'b-1': {
    labels: [
      { name: 'team', value: 'south' },
      { name: 'urgent', value: '' },
    ],
  },
}

const schedule = (jobId: string) =>
  scheduleJob(door.deps, owner, {
    type: jobId.startsWith('a') ? 'scheduleDeviceMethod' : 'scheduleUpdateTwin',
    jobId,
    queryCondition: '*',
    ...naming[jobId],
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

type Page = NonNullable<TestJobsQuery['jobs']>

const jobIds = ({ nodes }: Page) => nodes.map(({ jobId }) => jobId)

async function page(variables: TestJobsQueryVariables): Promise<{ readonly jobs: Page }> {
  const { jobs } = await door.run(Jobs, variables)
  if (!jobs) throw new Error('The list is null.')
  return { jobs }
}

describe('pages', () => {
  test('walk the list forward, each job once, the latest first', async () => {
    const seen: string[] = []
    for (let after: string | null = null; ; ) {
      const { jobs }: { readonly jobs: Page } = await page({ first: 2, after })
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
      const { jobs }: { readonly jobs: Page } = await page({ last: 3, before })
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

  test('keep the order of ends, open jobs after all others, in both directions and back', async () => {
    const end = (id: string, time: string) =>
      door.deps.database.pool.query("update job set status = 'completed', end_time = $2 where id = $1", [id, time])
    await end('b-2', '2026-01-02T00:00:00Z')
    await end('a-1', '2026-01-02T00:00:00Z')
    await end('a-5', '2026-01-01T00:00:00Z')
    const byEnd = ['a-5', 'a-1', 'b-2', 'a-2', 'a-3', 'a-4', 'b-1']
    for (const [direction, expected] of [
      ['ASC', byEnd],
      ['DESC', byEnd.toReversed()],
    ] as const) {
      const orderBy = { field: 'END_TIME', direction } as const
      const seen: string[] = []
      for (let after: string | null = null; ; ) {
        const { jobs }: TestJobsQuery = await page({ orderBy, first: 2, after })
        seen.push(...jobIds(jobs))
        if (!jobs.pageInfo.hasNextPage) break
        after = jobs.pageInfo.endCursor ?? null
      }
      expect(seen).toEqual(expected)
      const { jobs: tail } = await page({ orderBy, last: 4 })
      const { jobs: head } = await page({ orderBy, last: 4, before: tail.pageInfo.startCursor ?? null })
      expect([...jobIds(head), ...jobIds(tail)]).toEqual(expected)
    }
    await door.deps.database.pool.query("update job set status = 'queued', end_time = null")
  })

  test('refuse a cursor of another order', async () => {
    const { jobs } = await page({ orderBy: { field: 'END_TIME', direction: 'ASC' }, first: 1 })
    for (const orderBy of ['{ field: END_TIME, direction: DESC }', '{ field: CREATED_TIME, direction: ASC }']) {
      const { errors } = await door.ask(
        `query ($after: String) { jobs(first: 1, orderBy: ${orderBy}, after: $after) { nodes { id } } }`,
        {
          after: jobs.pageInfo.endCursor,
        },
      )
      expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'after' } }])
    }
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

test('a list shows of each job what the job shows by itself', async () => {
  const fields = (
    level: number,
  ): string => `id jobId type status outcome queryCondition createdTime startTime startedTime
    endTime deadline maxExecutionTimeInSeconds maxDevices cloudToDeviceMethod { methodName payload } updateTwin
    failureReason statusMessage deviceJobStatistics { deviceCount pendingCount runningCount succeededCount failedCount
    cancelledCount } history { type } throughput eta blockers { reason } failureGroups { code }
    ${level === 0 ? '' : `retryOf { ${fields(level - 1)} } family { statistics { deviceCount } }`}`
  const { pool } = door.deps.database
  await pool.query(
    `update job set status = 'completed', started_time = created_time, end_time = created_time, device_count = 3,
       succeeded_count = 3, max_devices = 7, status_message = 'm', failure_reason = 'f' where id = 'a-1'`,
  )
  await pool.query(
    `update job set retry_of = source.key, family_key = source.key, retry_selection = '{}'
     from job source where job.id = 'a-2' and source.id = 'a-1'`,
  )
  const { data, errors } = await door.ask(`{ jobs(first: 7) { nodes { ${fields(1)} } } }`)
  expect(errors).toEqual([])
  const listed = Object(data.jobs).nodes
  expect(listed.map(({ jobId }: { jobId: string }) => jobId)).toEqual(newestFirst)
  for (const job of listed) {
    const { data: single } = await door.ask(`query ($id: String!) { job(jobId: $id) { ${fields(1)} } }`, {
      id: job.jobId,
    })
    expect(job).toEqual(single.job)
  }
  expect(listed.find(({ jobId }: { jobId: string }) => jobId === 'a-2').retryOf).toMatchObject({
    jobId: 'a-1',
    maxDevices: 7,
  })
  await pool.query("update job set retry_of = null, family_key = null, retry_selection = null where id = 'a-2'")
  await pool.query(
    `update job set status = 'queued', started_time = null, end_time = null, device_count = 0, succeeded_count = 0
     where id = 'a-1'`,
  )
})

describe('a filter', () => {
  test.each<[string, JobFilter, string[]]>([
    ['type', { type: ['SCHEDULE_UPDATE_TWIN'] }, ['b-2', 'b-1']],
    ['status', { status: ['RUNNING'] }, []],
    ['several statuses', { status: ['RUNNING', 'QUEUED'] }, newestFirst],
    ['no status at all', { status: [] }, []],
    ['a status given twice', { status: ['QUEUED', 'QUEUED'] }, newestFirst],
    ['a prefix', { jobIdPrefix: 'a-' }, ['a-5', 'a-4', 'a-3', 'a-2', 'a-1']],
    ['a method', { methodName: ['reboot', 'other'] }, ['a-5', 'a-4', 'a-3', 'a-2', 'a-1']],
    ['a method in another case', { methodName: ['Reboot'] }, []],
    ['who scheduled it', { createdBy: ['iothubowner'] }, newestFirst],
    ['somebody else', { createdBy: ['anna'] }, []],
    ['a text in the id', { search: 'B-' }, ['b-2', 'b-1']],
    ['a text in the method', { search: 'EBOO' }, ['a-5', 'a-4', 'a-3', 'a-2', 'a-1']],
    ['a text in the condition', { search: '*' }, newestFirst],
    ['a text in the name', { search: 'of the PUMP' }, ['a-1']],
    ['a label with a value', { labels: [{ name: 'team', value: ['north'] }] }, ['a-1']],
    ['a label with one of several values', { labels: [{ name: 'team', value: ['north', 'south'] }] }, ['b-1', 'a-1']],
    ['a label with any value', { labels: [{ name: 'team' }] }, ['b-1', 'a-1']],
    ['several labels', { labels: [{ name: 'team' }, { name: 'urgent', value: [''] }] }, ['b-1']],
    ['a value in another case', { labels: [{ name: 'team', value: ['North'] }] }, []],
    ['a label without values', { labels: [{ name: 'team', value: [] }] }, []],
    ['a value that no label can have', { labels: [{ name: 'team', value: ['a\0'] }] }, []],
    ['no labels', { labels: [] }, newestFirst],
    ['a text with a wildcard of SQL', { search: '%' }, []],
    ['an empty text', { search: '' }, newestFirst],
    ['an outcome', { outcome: ['SUCCEEDED', 'FAILED', 'NO_DEVICES'] }, []],
    ['failures', { hasFailures: true }, []],
    ['no failures', { hasFailures: false }, newestFirst],
    ['a prefix with a wildcard of SQL', { jobIdPrefix: '%' }, []],
    ['a span of time', { createdTime: { from: '2026-01-01T00:00:01Z', to: '2026-01-01T00:00:03Z' } }, ['a-2', 'b-1']],
    ['all at once', { type: ['SCHEDULE_DEVICE_METHOD'], createdTime: { to: '2026-01-01T00:00:02Z' } }, ['a-1']],
  ])('by %s', async (_what, filter, expected) => {
    const { jobs } = await page({ filter, first: 100 })
    expect(jobIds(jobs)).toEqual(expected)
    expect(jobs.totalCount).toBe(expected.length)
  })
})

test('a filter by a label that cannot exist is refused with its path', async () => {
  const { data, errors } = await door.ask(
    '{ jobs(first: 1, filter: { labels: [{ name: "a b" }] }) { nodes { jobId } } }',
  )
  expect(data).toEqual({ jobs: null })
  expect(errors).toMatchObject([{ extensions: { code: 'INVALID_INPUT', path: ['filter', 'labels', '0', 'name'] } }])
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

  test('a text to search for that is too long', async () => {
    const { errors } = await door.ask(
      'query ($text: String) { jobs(first: 1, filter: { search: $text }) { nodes { jobId } } }',
      {
        text: 'x'.repeat(201),
      },
    )
    expect(errors).toMatchObject([
      { message: 'The text may have at most 200 characters.', extensions: { path: ['filter', 'search'] } },
    ])
  })

  test('a cursor for the other direction', async () => {
    const { errors } = await door.ask(list, {
      first: 1,
      before: cursor('jobs:createdTime:desc', '2026-01-01T00:00:00.000Z', 'a-1'),
    })
    expect(errors).toMatchObject([{ extensions: { code: 'INVALID_CURSOR', argument: 'before' } }])
  })
})
