import { describe, expect, test } from 'vitest'
import { blockersOf, neededFindings, type WaitingJob } from '../../src/job/blockers.ts'

const now = new Date('2026-01-01T12:00:00Z')
const job: WaitingJob = {
  type: 'scheduleDeviceMethod',
  status: 'running',
  startTime: now,
  endTime: null,
  pendingCount: 5,
  runningCount: 0,
  maxConcurrent: null,
}
const exact = (value: number) => ({ value, precision: 'exact' as const })

describe('a job waits', () => {
  test('for its time', () => {
    const until = new Date('2026-01-01T13:00:00Z')
    expect(blockersOf({ ...job, status: 'scheduled', startTime: until }, {}, now)).toEqual([
      { reason: 'startTime', until, message: 'The job starts at 2026-01-01T13:00:00.000Z.' },
    ])
  })

  test('for somebody who approves it', () => {
    expect(blockersOf({ ...job, status: 'waitingForApproval' }, {}, now)).toEqual([
      { reason: 'approval', message: 'Somebody else than who scheduled the job has to approve it.' },
    ])
  })

  test('for a slot', () => {
    expect(blockersOf({ ...job, status: 'queued' }, { position: 1 }, now)).toEqual([
      {
        reason: 'slot',
        position: 1,
        message: 'The job is next in the queue. It starts when a slot for running jobs becomes free.',
      },
    ])
    expect(blockersOf({ ...job, status: 'queued' }, { position: 3 }, now)).toMatchObject([
      { position: 3, message: 'The job is number 3 in the queue for a slot for running jobs.' },
    ])
  })

  test('for devices to connect', () => {
    expect(blockersOf(job, { notConnected: exact(1) }, now)).toEqual([
      {
        reason: 'devicesNotConnected',
        deviceCount: exact(1),
        message: '1 device has to connect before the call can be sent.',
      },
    ])
    const many = { value: 10_000, precision: 'atLeast' as const }
    expect(blockersOf(job, { notConnected: many }, now)).toMatchObject([
      { deviceCount: many, message: 'At least 10,000 devices have to connect before the call can be sent.' },
    ])
  })

  test('for calls to end, when it may have no more at a time', () => {
    const limited = { ...job, runningCount: 3, maxConcurrent: 3 }
    expect(blockersOf(limited, { notConnected: exact(5) }, now)).toEqual([
      { reason: 'maxConcurrent', message: 'The job has 3 calls in progress, as many as it may have at a time.' },
    ])
    expect(blockersOf({ ...limited, runningCount: 2 }, {}, now)).toEqual([])
  })

  test('for somebody who resumes it', () => {
    const paused = { reason: 'paused', message: 'The job is paused. It goes on when it is resumed.' }
    expect(blockersOf({ ...job, status: 'paused' }, {}, now)).toEqual([paused])
    expect(blockersOf({ ...job, status: 'paused', runningCount: 2 }, {}, now)).toMatchObject([
      paused,
      { reason: 'callsUnderWay', deviceCount: exact(2) },
    ])
  })

  test.each([
    ['when nothing else is left to do', { ...job, pendingCount: 0, runningCount: 2 }],
    ['when it was cancelled', { ...job, status: 'cancelled' as const, pendingCount: 0, runningCount: 2 }],
  ])('for the calls under way %s', (_when, waiting) => {
    expect(blockersOf(waiting, {}, now)).toEqual([
      { reason: 'callsUnderWay', deviceCount: exact(2), message: '2 devices may still answer the call.' },
    ])
  })
})

test.each<[string, Partial<WaitingJob>]>([
  ['has ended', { status: 'completed', endTime: now }],
  ['was cancelled and has ended', { status: 'cancelled', endTime: now }],
  ['is due and about to be queued', { status: 'scheduled' }],
  ['sends calls and has more to send, as fast as its throttle lets it', { runningCount: 3 }],
  ['patches twins', { type: 'scheduleUpdateTwin' }],
])('a job waits for nothing that %s', (_what, changes) => {
  expect(blockersOf({ ...job, ...changes }, { notConnected: exact(0) }, now)).toEqual([])
})

test('no more is found out than is needed', () => {
  expect(neededFindings(job)).toEqual({ position: false, notConnected: true })
  expect(neededFindings({ ...job, pendingCount: 0 })).toEqual({ position: false, notConnected: false })
  expect(neededFindings({ ...job, type: 'scheduleUpdateTwin' })).toEqual({ position: false, notConnected: false })
  expect(neededFindings({ ...job, status: 'queued' })).toEqual({ position: true, notConnected: false })
  expect(neededFindings({ ...job, status: 'completed', endTime: now })).toEqual({
    position: false,
    notConnected: false,
  })
})
