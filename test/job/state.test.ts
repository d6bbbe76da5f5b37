import { describe, expect, test } from 'vitest'
import { ConflictError } from '../../src/errors.ts'
import {
  type DeviceJobStatus,
  deriveDeviceJobStatus,
  deviceJobTransitions,
  initialStatus,
  type JobEvent,
  type JobOutcome,
  type JobStatus,
  jobOutcome,
  transition,
} from '../../src/job/state.ts'

const statuses: readonly JobStatus[] = [
  'waitingForApproval',
  'scheduled',
  'queued',
  'running',
  'completed',
  'failed',
  'cancelled',
]
const events: readonly JobEvent[] = ['approve', 'reject', 'becomeDue', 'start', 'complete', 'fail', 'cancel']

describe('a job', () => {
  const now = new Date('2024-05-01T10:00:00Z')

  test('that is to start later is scheduled, any other queued', () => {
    expect(initialStatus(new Date(now.getTime() + 1), now)).toBe('scheduled')
    expect(initialStatus(now, now)).toBe('queued')
  })

  test('that needs an approval waits for it, whenever it is to start', () => {
    expect(initialStatus(new Date(now.getTime() + 1), now, true)).toBe('waitingForApproval')
    expect(initialStatus(now, now, true)).toBe('waitingForApproval')
  })

  const arrows: readonly (readonly [JobStatus, JobEvent, JobStatus])[] = [
    ['waitingForApproval', 'approve', 'scheduled'],
    ['waitingForApproval', 'reject', 'cancelled'],
    ['waitingForApproval', 'fail', 'failed'],
    ['waitingForApproval', 'cancel', 'cancelled'],
    ['scheduled', 'becomeDue', 'queued'],
    ['scheduled', 'fail', 'failed'],
    ['scheduled', 'cancel', 'cancelled'],
    ['queued', 'start', 'running'],
    ['queued', 'complete', 'completed'],
    ['queued', 'fail', 'failed'],
    ['queued', 'cancel', 'cancelled'],
    ['running', 'complete', 'completed'],
    ['running', 'fail', 'failed'],
    ['running', 'cancel', 'cancelled'],
  ]
  test.each(arrows)('%s: %s → %s', (status, event, next) => {
    expect(transition(status, event)).toBe(next)
  })

  const others = statuses
    .flatMap((status) => events.map((event) => [status, event] as const))
    .filter(([status, event]) => !arrows.some(([from, by]) => from === status && by === event))
  test.each(others)('%s: %s is refused', (status, event) => {
    expect(() => transition(status, event)).toThrow(ConflictError)
  })

  test('says which status refuses what, in the words of IoT Hub', () => {
    expect(() => transition('completed', 'cancel')).toThrow("Job cannot be cancelled in 'Completed' status.")
    expect(() => transition('running', 'start')).toThrow("Job cannot be started in 'Running' status.")
  })
})

describe('the status of a device job', () => {
  type Facts = Parameters<typeof deriveDeviceJobStatus>[0]
  const facts: Facts = { outcome: undefined, dispatched: false, jobStatus: 'running', jobEnded: false }

  test.each<readonly [sentence: string, Partial<Facts>, DeviceJobStatus]>([
    ['a target that had no turn yet is pending', {}, 'pending'],
    ['a call that may have been sent is running', { dispatched: true }, 'running'],
    ['an end is an end', { outcome: 'completed' }, 'completed'],
    ['a failure too', { outcome: 'failed', dispatched: true }, 'failed'],
    ['one that was cancelled by itself is canceled', { outcome: 'canceled' }, 'canceled'],
    ['cancelling takes those that had no turn', { jobStatus: 'cancelled' }, 'canceled'],
    ['cancelling leaves calls under way alone', { jobStatus: 'cancelled', dispatched: true }, 'running'],
    ['a cancelled job that has ended keeps its canceled', { jobStatus: 'cancelled', jobEnded: true }, 'canceled'],
    [
      'a call that was still under way when the time of a cancelled job was up has failed',
      { jobStatus: 'cancelled', jobEnded: true, dispatched: true },
      'failed',
    ],
    ['time is up for those that had no turn', { jobStatus: 'completed', jobEnded: true }, 'failed'],
    ['and for calls without an answer', { jobStatus: 'completed', jobEnded: true, dispatched: true }, 'failed'],
    ['a failed job takes the rest with it', { jobStatus: 'failed', jobEnded: true }, 'failed'],
  ])('%s', (_sentence, given, status) => {
    expect(deriveDeviceJobStatus({ ...facts, ...given })).toBe(status)
  })

  test('nothing about the job overwrites an end', () => {
    for (const outcome of ['completed', 'failed', 'canceled'] as const) {
      for (const jobStatus of statuses) {
        for (const jobEnded of [true, false]) {
          expect(deriveDeviceJobStatus({ outcome, dispatched: true, jobStatus, jobEnded })).toBe(outcome)
        }
      }
    }
  })

  test('what has ended stays as it is', () => {
    expect([deviceJobTransitions.completed, deviceJobTransitions.failed, deviceJobTransitions.canceled]).toEqual([
      {},
      {},
      {},
    ])
  })
})

describe('the outcome of a job', () => {
  const counts = (succeededCount: number, failedCount: number, cancelledCount = 0, refusedCount = 0) => ({
    pendingCount: 0,
    runningCount: 0,
    deviceCount: succeededCount + failedCount + cancelledCount,
    succeededCount,
    refusedCount,
    skippedCount: 0,
    failedCount,
    cancelledCount,
  })

  test.each<readonly [sentence: string, JobStatus, ReturnType<typeof counts>, JobOutcome]>([
    ['all succeeded', 'completed', counts(3, 0), 'succeeded'],
    ['there were no devices', 'completed', counts(0, 0), 'noDevices'],
    ['all refused', 'completed', counts(3, 0, 0, 3), 'failed'],
    ['some refused', 'completed', counts(3, 0, 0, 1), 'partiallyFailed'],
    ['some refused and the others failed', 'completed', counts(1, 2, 0, 1), 'failed'],
    ['some failed', 'completed', counts(2, 1), 'partiallyFailed'],
    ['all failed', 'completed', counts(0, 3), 'failed'],
    ['the job failed', 'failed', counts(3, 0), 'failed'],
    ['the job failed before it had devices', 'failed', counts(0, 0), 'failed'],
    ['all succeeded that were not cancelled one by one', 'completed', counts(2, 0, 1), 'succeeded'],
    ['some failed, and the others were cancelled one by one', 'completed', counts(0, 1, 2), 'failed'],
    ['all devices were cancelled one by one', 'completed', counts(0, 0, 3), 'cancelled'],
    ['it was cancelled, whatever its devices did', 'cancelled', counts(1, 1, 1), 'cancelled'],
  ])('when %s', (_sentence, status, statistics, outcome) => {
    expect(jobOutcome(status, true, statistics)).toBe(outcome)
  })

  test.each(statuses)('is not there before the end (%s)', (status) => {
    expect(jobOutcome(status, false, counts(1, 1))).toBeNull()
  })
})
