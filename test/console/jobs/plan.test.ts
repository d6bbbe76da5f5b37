import { expect, test } from 'vitest'
import { type Job, parts, planCancel, planRetry } from '../../../src/console/pages/jobs/bulk/plan.ts'

const job = (jobId: string, changes: Partial<Job> & { readonly counts?: Partial<NonNullable<Counters>> }): Job => {
  const { counts, ...rest } = changes
  return {
    jobId,
    status: 'COMPLETED',
    endTime: '2026-03-01T07:00:00.000Z',
    deviceJobStatistics: counted(counts),
    ...rest,
  }
}
type Counters = Job['deviceJobStatistics']
const counted = (counts: Partial<NonNullable<Counters>> = {}) => ({
  deviceCount: 3,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 3,
  refusedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
  ...counts,
})
const able = (planned: ReturnType<typeof planCancel>) =>
  planned.flatMap(({ jobId, denied }) => (denied === undefined ? [jobId] : []))

test('jobs can be cancelled that have not ended, and are not being cancelled', () => {
  const jobs = [
    job('ended', {}),
    job('running', { status: 'RUNNING', endTime: null }),
    job('to-come', { status: 'SCHEDULED', endTime: null }),
    job('ending', { status: 'CANCELLED', endTime: null }),
  ]
  expect(able(planCancel(jobs))).toEqual(['running', 'to-come'])
  expect(planCancel(jobs)[0]).toEqual({ jobId: 'ended', denied: 'It has ended.' })
})

test('jobs can be retried that have ended, with devices of the part', () => {
  const jobs = [
    job('succeeded', {}),
    job('refused', { counts: { refusedCount: 1 } }),
    job('failed', { counts: { failedCount: 1 } }),
    job('cancelled', { counts: { cancelledCount: 1 } }),
    job('running', { status: 'RUNNING', endTime: null, counts: { failedCount: 1 } }),
    job('empty', { counts: { deviceCount: 0, succeededCount: 0 } }),
    job('foreign', { deviceJobStatistics: null }),
  ]
  expect(parts.map((part) => [part.part, able(planRetry(jobs, part))])).toEqual([
    ['unsuccessful', ['refused', 'failed']],
    ['unfinished', ['refused', 'failed', 'cancelled']],
    ['all', ['succeeded', 'refused', 'failed', 'cancelled']],
  ])
})
