import { afterAll, beforeAll, expect, test } from 'vitest'
import { type JobOutcome, type JobStatus, jobOutcome } from '../../../src/job/state.ts'
import { findAllJobs, findJobs, type JobOrder, type JobSelection } from '../../../src/job/store/job-list.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { everything, type Scope } from '../../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { givenMethodJob, jobRow } from '../../support/rows.ts'
import { unhurried } from '../../support/unhurried.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  for (const [index, [status, ended, counts]] of jobs.entries()) {
    const jobId = await givenMethodJob(deps, 'any', {}, { jobId: `job-${index}` })
    const [pending, succeeded, refused, failed, cancelled] = counts
    await deps.database.pool.query(
      `update job set status = $2, end_time = case when $3 then created_time end,
         started_time = case when $4 > 0 then created_time end,
         device_count = $4, pending_count = $5, succeeded_count = $6, refused_count = $7, failed_count = $8,
         canceled_count = $9
       where id = $1`,
      [jobId, status, ended, pending + succeeded + failed + cancelled, pending, succeeded, refused, failed, cancelled],
    )
  }
})
afterAll(() => deps.close())

/** Pending, succeeded, of these refused, failed and cancelled device jobs. */
type Counts = readonly [number, number, number, number, number]

const ends: readonly Counts[] = [
  [0, 0, 0, 0, 0],
  [0, 3, 0, 0, 0],
  [0, 3, 1, 0, 0],
  [0, 3, 3, 0, 0],
  [0, 2, 0, 1, 0],
  [0, 2, 2, 1, 0],
  [0, 0, 0, 3, 0],
]
/** Every status with every kind of counters that it can have. */
const jobs: readonly (readonly [JobStatus, boolean, Counts])[] = [
  ['scheduled', false, [0, 0, 0, 0, 0]],
  ['queued', false, [0, 0, 0, 0, 0]],
  ['running', false, [3, 0, 0, 0, 0]],
  ['running', false, [1, 2, 1, 0, 0]],
  ['running', false, [1, 1, 0, 1, 0]],
  ['paused', false, [0, 0, 0, 0, 0]],
  ['paused', false, [1, 1, 0, 1, 0]],
  ...ends.map((counts) => ['completed', true, counts] as const),
  ...ends.map((counts) => ['failed', true, counts] as const),
  ['cancelled', false, [1, 1, 0, 0, 1]],
  ['cancelled', true, [0, 1, 1, 1, 1]],
  ['cancelled', true, [0, 0, 0, 0, 0]],
]

const outcomes: readonly JobOutcome[] = ['succeeded', 'partiallyFailed', 'failed', 'cancelled', 'noDevices']

async function idsOf(selection: JobSelection, scope: Scope = everything): Promise<string[]> {
  const found = await findJobs(
    unhurried(deps.db),
    scope,
    [],
    selection,
    { field: 'jobId', direction: 'asc' },
    { cursor: undefined, limit: 100 },
  )
  return found.map(({ id }) => id)
}

test('a filter by outcome finds the jobs that have it, and each ended job has one', async () => {
  const rows = await Promise.all(jobs.map((_, index) => jobRow(deps, `job-${index}`)))
  const found = new Map<string, JobOutcome>()
  for (const outcome of outcomes) {
    for (const id of await idsOf({ outcomes: [outcome] })) {
      expect(found.get(id)).toBeUndefined()
      found.set(id, outcome)
    }
  }
  expect(rows.map(({ id }) => [id, found.get(id) ?? null])).toEqual(
    rows.map((row, index) => [row.id, jobOutcome(jobs[index]?.[0] ?? 'failed', row.endTime !== null, row)]),
  )
  expect((await idsOf({ outcomes })).length).toBe(found.size)
})

test('a filter by failures finds jobs that failed, and those with devices that failed or refused', async () => {
  const withFailures = jobs.flatMap(([status, , [, , refused, failed]], index) =>
    status === 'failed' || failed + refused > 0 ? [`job-${index}`] : [],
  )
  const all = jobs.map((_, index) => `job-${index}`)
  expect(await idsOf({ hasFailures: true })).toEqual(withFailures.toSorted())
  expect(await idsOf({ hasFailures: false })).toEqual(all.filter((id) => !withFailures.includes(id)).toSorted())
})

test.each<[string, JobSelection]>([
  ...outcomes.map((outcome): [string, JobSelection] => [`the outcome ${outcome}`, { outcomes: [outcome] }]),
  ['failures', { hasFailures: true }],
  ['no failures', { hasFailures: false }],
])(
  'of the jobs of others, a filter by %s shows nothing about the number of their devices',
  async (_what, selection) => {
    const found = await idsOf(selection, scopeOf(["tags.site = 'north'"]))
    const answers = new Map<string, Set<boolean>>()
    for (const [index, [status, ended]] of jobs.entries()) {
      const state = `${status}, ${ended ? 'ended' : 'open'}`
      answers.set(state, (answers.get(state) ?? new Set()).add(found.includes(`job-${index}`)))
    }
    const mixed = [...answers].filter(([, both]) => both.size > 1).map(([state]) => state)
    expect(mixed).toEqual([])
  },
)

test('of the jobs of others, those that failed or were cancelled are found by that', async () => {
  const found = (selection: JobSelection) => idsOf(selection, scopeOf(["tags.site = 'north'"]))
  const withStatus = (wanted: JobStatus) =>
    jobs.flatMap(([status, ended], index) => (status === wanted && ended ? [`job-${index}`] : [])).toSorted()
  expect(await found({ outcomes: ['failed'] })).toEqual(withStatus('failed'))
  expect(await found({ outcomes: ['cancelled'] })).toEqual(withStatus('cancelled'))
  expect(await found({ hasFailures: true })).toEqual(withStatus('failed'))
})

test('a row has no more columns than the selected ones and its place in the order', async () => {
  const columnsIn = async (field: JobOrder['field']) => {
    const page = { cursor: undefined, limit: 1 }
    const [row] = await findAllJobs(deps.db, everything, ['type'], { field, direction: 'asc' }, page)
    return Object.keys(row ?? {}).toSorted()
  }
  expect(await columnsIn('createdTime')).toEqual(['createdTime', 'id', 'type'])
  expect(await columnsIn('endTime')).toEqual(['createdTime', 'endTime', 'id', 'type'])
})
