import { expect, test } from 'vitest'
import { withJobs } from '../../../src/console/job-schedule/last-run.ts'

const running = {
  id: 'j1',
  jobId: 'nightly-1',
  status: 'RUNNING',
  outcome: null,
  endTime: null,
  deviceJobStatistics: null,
} as const
const ended = { ...running, status: 'COMPLETED', outcome: 'SUCCEEDED', endTime: '2026-03-01T02:00:00Z' } as const
const run = {
  time: '2026-03-01T01:00:00Z',
  outcome: 'SCHEDULED',
  reason: null,
  jobId: 'nightly-1',
  job: running,
} as const
const missed = { ...run, outcome: 'MISSED', jobId: null, job: null } as const
const rows = [
  { id: 'a', runs: [run] },
  { id: 'b', runs: [missed] },
  { id: 'c', runs: [] },
  { id: 'd', runs: null },
]

test('a schedule shows the state of its last job as soon as it changes', () => {
  expect(withJobs(rows, [running, ended])).toEqual([{ id: 'a', runs: [{ ...run, job: ended }] }, ...rows.slice(1)])
})

test('the list is the same when nothing has changed, or other jobs have', () => {
  expect(withJobs(rows, [running])).toBe(rows)
  expect(withJobs(rows, [{ ...ended, jobId: 'nightly-2' }])).toBe(rows)
})
