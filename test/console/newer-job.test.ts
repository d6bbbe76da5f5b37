import { describe, expect, it } from 'vitest'
import { type JobState, newerOf } from '../../src/console/newer-job.ts'
import type { JobStatus } from '../../src/generated/console/graphql.ts'
import { statisticsWith } from './statistics.ts'

const job = (status: JobStatus, succeededCount: number, endTime: string | null = null): JobState => ({
  status,
  endTime,
  deviceJobStatistics: statisticsWith(1_000, succeededCount),
})

describe('two states of a job', () => {
  it('the later one holds when the job went on', () => {
    const [one, other] = [job('RUNNING', 5), job('RUNNING', 6)]
    expect(newerOf(undefined, one)).toBe(one)
    expect(newerOf(one, other)).toBe(other)
    expect(newerOf(job('QUEUED', 0), one)).toBe(one)
  })

  it('one that was overtaken does not bring back what is past', () => {
    const ended = job('COMPLETED', 10, '2026-03-01T06:00:00Z')
    expect(newerOf(ended, job('RUNNING', 10))).toBe(ended)
    expect(newerOf(job('RUNNING', 6), job('RUNNING', 5)).deviceJobStatistics?.succeededCount).toBe(6)
    expect(newerOf(job('RUNNING', 0), job('QUEUED', 0)).status).toBe('RUNNING')
    const cancelled = job('CANCELLED', 6)
    expect(newerOf(cancelled, job('RUNNING', 6))).toBe(cancelled)
  })

  it('the reported one holds when one of them has no counters', () => {
    const [counted, uncounted] = [job('RUNNING', 5), { ...job('RUNNING', 0), deviceJobStatistics: null }]
    expect(newerOf(counted, uncounted)).toBe(uncounted)
    expect(newerOf(uncounted, counted)).toBe(counted)
  })
})
