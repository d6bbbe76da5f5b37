import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { findArrivals, idsToReadAgain, insertRows, updateRows } from '../../../src/console/pages/jobs/merge.ts'
import { comparePlaces, countMisplaced, newestFirst } from '../../../src/console/pages/jobs/order.ts'
import type { JobOutcome, JobStatus } from '../../../src/generated/console/graphql.ts'

const outcomes: Partial<Record<JobStatus, JobOutcome>> = {
  COMPLETED: 'SUCCEEDED',
  FAILED: 'FAILED',
  CANCELLED: 'CANCELLED',
}

const job = (minute: number, status: JobStatus = 'RUNNING') => ({
  version: status === 'RUNNING' ? 1 : 2,
  id: `id-${minute}`,
  jobId: `job-${minute}`,
  createdTime: `2026-03-01T06:${String(minute).padStart(2, '0')}:00.000Z`,
  status,
  endTime: status === 'RUNNING' ? null : '2026-03-01T07:00:00.000Z',
  outcome: status === 'RUNNING' ? null : (outcomes[status] ?? null),
  deviceJobStatistics: {
    deviceCount: 1,
    pendingCount: 0,
    runningCount: 1,
    succeededCount: 0,
    refusedCount: 0,
    failedCount: 0,
    cancelledCount: 0,
  },
})
const order = comparePlaces(newestFirst)
const everything = { status: [], outcome: [], order, hasMore: false }

describe('rows that are there', () => {
  test('change in place, to the latest of several updates', () => {
    const rows = [job(3), job(2), job(1)]
    expect(updateRows(rows, [job(2, 'COMPLETED'), job(3, 'FAILED'), job(2, 'CANCELLED')])).toEqual([
      job(3, 'FAILED'),
      job(2, 'CANCELLED'),
      job(1),
    ])
  })

  test('are the same array when none of them was reported', () => {
    const rows = [job(1)]
    expect(updateRows(rows, [job(2)])).toBe(rows)
    expect(updateRows(rows, [])).toBe(rows)
  })
})

test('a row does not go back to a state that it has left, whatever arrives late', () => {
  expect(updateRows([job(1, 'COMPLETED')], [job(1)])).toEqual([job(1, 'COMPLETED')])
  expect(insertRows([job(1, 'COMPLETED')], [job(1)], order)).toEqual([job(1, 'COMPLETED')])
})

test('open jobs are read again, at most 100 at once', () => {
  const jobs = Array.from({ length: 250 }, (_, index) => job(index, index % 2 === 0 ? 'RUNNING' : 'FAILED'))
  expect(idsToReadAgain(jobs).map((ids) => ids.length)).toEqual([100, 25])
  expect(idsToReadAgain(jobs).flat()).toEqual(jobs.filter(({ status }) => status === 'RUNNING').map(({ id }) => id))
  expect(idsToReadAgain([job(1, 'FAILED')])).toEqual([])
})

describe('new jobs', () => {
  test('are the reported jobs that are not in the list, each once, in its latest state', () => {
    const found = findArrivals([job(1)], [job(2), job(1, 'COMPLETED'), job(2, 'COMPLETED')], everything)
    expect(found).toEqual([job(2, 'COMPLETED')])
  })

  test('exclude reported jobs that the filter does not match', () => {
    const found = findArrivals([job(1)], [job(2, 'COMPLETED'), job(3)], { ...everything, status: ['RUNNING'] })
    expect(found).toEqual([job(3)])
    const failed = findArrivals([job(1)], [job(2, 'COMPLETED'), job(3), job(4, 'FAILED')], {
      ...everything,
      outcome: ['FAILED'],
    })
    expect(failed).toEqual([job(4, 'FAILED')])
  })

  test('that belong behind the last row come with their page, while there are more', () => {
    const reported = [job(1), job(4), job(9)]
    expect(findArrivals([job(8), job(5)], reported, { ...everything, hasMore: true })).toEqual([job(9)])
    expect(findArrivals([job(8), job(5)], reported, everything)).toEqual(reported)
  })

  test('into an empty list are all', () => {
    expect(findArrivals([], [job(1)], { ...everything, hasMore: true })).toEqual([job(1)])
  })
})

const places = fc.record({
  id: fc.integer({ min: 0, max: 20 }),
  ended: fc.option(fc.integer({ min: 0, max: 3 }), { nil: null }),
})
/** A job with this number, ended in one of a few minutes or not at all. */
const placed = ({ id, ended }: { id: number; ended: number | null }) => ({
  ...job(id, ended === null ? 'RUNNING' : 'COMPLETED'),
  endTime: ended === null ? null : `2026-03-01T07:0${ended}:00.000Z`,
})
const anyOrder = fc.record({
  key: fc.constantFrom('created' as const, 'end' as const, 'id' as const),
  direction: fc.constantFrom('ASC' as const, 'DESC' as const),
})

test('a list stays without doubles and in the order of the hub, whatever is inserted in whatever batches', () => {
  const jobs = fc.uniqueArray(places, { maxLength: 30, selector: ({ id }) => id })
  fc.assert(
    fc.property(anyOrder, jobs, fc.integer({ min: 0, max: 30 }), (sort, all, at) => {
      const order = comparePlaces(sort)
      const [first, ...batches] = [all.slice(0, at), all.slice(at, at + 5), all.slice(at + 5)].map((some) =>
        some.map(placed),
      )
      const start = [...(first ?? [])].sort(order)
      const rows = batches.reduce((known: typeof start, batch) => [...insertRows(known, batch, order)], start)
      expect(rows).toEqual(all.map(placed).sort(order))
      expect(insertRows(rows, rows, order)).toEqual(rows)
      expect(countMisplaced(rows, order)).toBe(0)
    }),
  )
})

test('open jobs are ordered as if they ended after all others', () => {
  const rows = [placed({ id: 1, ended: 2 }), placed({ id: 3, ended: null }), placed({ id: 2, ended: 1 })]
  const idsBy = (direction: 'ASC' | 'DESC') =>
    [...rows].sort(comparePlaces({ key: 'end', direction })).map(({ jobId }) => jobId)
  expect(idsBy('ASC')).toEqual(['job-2', 'job-1', 'job-3'])
  expect(idsBy('DESC')).toEqual(['job-3', 'job-1', 'job-2'])
})

test('a row that changes its place stays where it is, and counts once', () => {
  const order = comparePlaces({ key: 'end', direction: 'DESC' })
  const rows = [5, 4, 3].map((id) => placed({ id, ended: null }))
  const ended = placed({ id: 5, ended: 1 })
  expect(insertRows(rows, [ended], order)).toEqual([ended, ...rows.slice(1)])
  expect(countMisplaced([ended, ...rows.slice(1)], order)).toBe(1)
  expect(countMisplaced(updateRows(rows, [placed({ id: 3, ended: 1 })]), order)).toBe(0)
})
