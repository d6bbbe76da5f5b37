import { describe, expect, test } from 'vitest'
import { blockersOf, neededFindings, type WaitingJob, type WaveState } from '../../src/job/blockers.ts'
import { withoutBudget } from '../../src/job/budget.ts'

const now = new Date('2026-01-01T12:00:00Z')
const job: WaitingJob = {
  type: 'scheduleDeviceMethod',
  status: 'running',
  startTime: now,
  endTime: null,
  pendingCount: 5,
  runningCount: 0,
  maxConcurrent: null,
  deadline: new Date('2026-01-02T12:00:00Z'),
  ...withoutBudget,
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

  test('for another job with some of its devices, and not for a slot meanwhile', () => {
    const queued: WaitingJob = { ...job, status: 'queued', hasWaited: true }
    expect(neededFindings(queued)).toMatchObject({ awaited: true, position: true })
    expect(neededFindings({ ...queued, hasWaited: false }).awaited).toBe(false)
    expect(neededFindings({ ...queued, status: 'paused' }).awaited).toBe(false)
    expect(blockersOf(queued, { awaited: { jobId: 'a' } }, now)).toEqual([
      { reason: 'job', jobId: 'a', message: 'The job waits for job "a", which has some of the same devices.' },
    ])
    expect(blockersOf(queued, { awaited: { jobId: null } }, now)).toMatchObject([
      { jobId: null, message: 'The job waits for another job, which has some of the same devices.' },
    ])
    expect(blockersOf(queued, { position: 1 }, now)).toMatchObject([{ reason: 'slot' }])
  })

  describe('for its time windows:', () => {
    const times = (opens: string, closes: string) => ({
      deviceCount: 2,
      opens: new Date(opens),
      closes: new Date(closes),
    })
    const tonight = times('2026-01-02T02:00:00Z', '2026-01-02T04:00:00Z')
    const tomorrow = times('2026-01-02T14:00:00Z', '2026-01-02T15:00:00Z')
    const timed = { ...job, hasWindow: true, maxConcurrent: 1 }

    test('until the first of them opens, and not for what it would wait for in one', () => {
      const until = tonight.opens
      expect(blockersOf(timed, { windows: [tonight], notConnected: exact(3) }, now)).toEqual([
        {
          reason: 'window',
          until,
          message: 'The time window of the job is closed. It opens at 2026-01-02T02:00:00.000Z.',
        },
      ])
      expect(blockersOf({ ...timed, runningCount: 1 }, { windows: [tomorrow, tonight] }, now)).toMatchObject([
        {
          reason: 'window',
          until,
          message: '2 of the 2 time windows of the job are closed. The next opens at 2026-01-02T02:00:00.000Z.',
        },
        { reason: 'callsUnderWay' },
      ])
    })

    test('until the deadline, when none opens before', () => {
      expect(blockersOf(timed, { windows: [tomorrow] }, now)).toEqual([
        {
          reason: 'window',
          until: timed.deadline,
          message: 'The time window of the job is closed, and none opens before its deadline.',
        },
      ])
    })

    test('not while one is open, and not when no device waits', () => {
      const open = times('2026-01-01T11:00:00Z', '2026-01-01T13:00:00Z')
      expect(blockersOf({ ...timed, runningCount: 1 }, { windows: [open] }, now)).toMatchObject([
        { reason: 'maxConcurrent' },
      ])
      expect(blockersOf({ ...timed, runningCount: 1 }, { windows: [open, tonight] }, now)).toMatchObject([
        { message: '1 of the 2 time windows of the job are closed. The next opens at 2026-01-02T02:00:00.000Z.' },
        { reason: 'maxConcurrent' },
      ])
      const lost = { deviceCount: 3, opens: null, closes: null }
      expect(blockersOf(timed, { windows: [lost] }, now)).toEqual([
        {
          reason: 'timeZone',
          deviceCount: exact(3),
          message: '3 devices have no valid time zone. The job does not call them.',
        },
      ])
      expect(blockersOf({ ...timed, runningCount: 1, pendingCount: 0 }, { windows: [tonight] }, now)).toMatchObject([
        { reason: 'callsUnderWay' },
      ])
      expect(neededFindings(timed).windows).toBe(true)
      expect(neededFindings({ ...timed, pendingCount: 0 }).windows).toBe(false)
      expect(neededFindings(job).windows).toBe(false)
    })
  })

  describe('for the next wave:', () => {
    const waves = { ...job, hasLaterWaves: true }
    const wave: WaveState = {
      wave: 1,
      waitingCount: 5,
      gate: { succeededPercent: 95, soakSeconds: 60, onFailure: 'pause' },
      counts: {
        deviceCount: 10,
        runningCount: 0,
        succeededCount: 4,
        refusedCount: 1,
        failedCount: 0,
        cancelledCount: 0,
      },
      soakedTime: null,
      waitsForApproval: false,
      hasFailed: false,
    }

    test('for the share of its gate', () => {
      expect(blockersOf(waves, { wave }, now)).toEqual([
        {
          reason: 'gate',
          message: 'Wave 2 is not open yet. 3 of 10 devices of wave 1 succeeded, 1 did not. The gate needs 95 %.',
        },
      ])
    })

    test('for the end of the soak', () => {
      const until = new Date('2026-01-01T12:01:00Z')
      expect(blockersOf(waves, { wave: { ...wave, soakedTime: until } }, now)).toEqual([
        {
          reason: 'soak',
          until,
          message: 'The gate of wave 1 is reached. Its soak ends at 2026-01-01T12:01:00.000Z.',
        },
      ])
    })

    test('for an approval', () => {
      expect(blockersOf(waves, { wave: { ...wave, waitsForApproval: true } }, now)).toMatchObject([
        { reason: 'approval' },
      ])
    })

    test('for somebody who opens it after its gate has failed, and who resumes the job before', () => {
      const failed = { wave: { ...wave, hasFailed: true } }
      expect(blockersOf(waves, failed, now)).toEqual([
        { reason: 'gate', message: 'The gate of wave 1 failed. Wave 2 is opened when somebody opens it.' },
      ])
      expect(blockersOf({ ...waves, status: 'paused' }, failed, now)).toEqual([
        {
          reason: 'paused',
          message: 'The job is paused, and the gate of wave 1 has failed. It goes on when it is resumed.',
        },
      ])
    })

    test('not for calls to end, unless a device of an open wave waits for them', () => {
      const limited = { ...waves, runningCount: 3, maxConcurrent: 3 }
      expect(blockersOf(limited, { wave }, now)).toMatchObject([{ reason: 'gate' }, { reason: 'maxConcurrent' }])
      expect(blockersOf(limited, { wave: { ...wave, waitingCount: 0 } }, now)).toMatchObject([{ reason: 'gate' }])
    })

    test('as long as the job runs or is paused', () => {
      expect(neededFindings(waves).wave).toBe(true)
      expect(neededFindings({ ...waves, status: 'paused' }).wave).toBe(true)
      expect(neededFindings({ ...waves, endTime: now }).wave).toBe(false)
      expect(neededFindings(job).wave).toBe(false)
    })
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
    expect(blockersOf({ ...job, pendingCount: 20_000 }, { notConnected: many }, now)).toMatchObject([
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

  test('for calls in the groups of its budget to end, and for devices to connect', () => {
    const budgeted = { ...job, budgetGroupBy: 'tags.site', budgetMaxConcurrent: 1 }
    expect(blockersOf(budgeted, { inFullGroups: exact(2), notConnected: exact(1) }, now)).toMatchObject([
      {
        reason: 'budget',
        deviceCount: exact(2),
        message: '2 devices wait for others of their group: the budget allows one call in progress per tags.site.',
      },
      { reason: 'devicesNotConnected' },
    ])
    const wider = { ...budgeted, budgetMaxConcurrent: 3 }
    expect(blockersOf(wider, { inFullGroups: exact(1) }, now)).toMatchObject([
      { message: '1 device waits for others of their group: the budget allows 3 calls in progress per tags.site.' },
    ])
    expect(blockersOf(budgeted, { inFullGroups: exact(0), notConnected: exact(0) }, now)).toEqual([])
    expect(neededFindings(budgeted).inFullGroups).toBe(true)
    expect(neededFindings({ ...budgeted, pendingCount: 0 }).inFullGroups).toBe(false)
    expect(neededFindings(job).inFullGroups).toBe(false)
  })

  test('for no more devices than are pending now, although more were counted before', () => {
    const budgeted = { ...job, budgetGroupBy: 'tags.site', budgetMaxConcurrent: 1 }
    const attempts = { count: exact(6), next: now }
    const before = { inFullGroups: { value: 10_000, precision: 'atLeast' as const }, notConnected: exact(6), attempts }
    expect(blockersOf(budgeted, before, now)).toMatchObject([
      { reason: 'budget', deviceCount: exact(5) },
      { reason: 'devicesNotConnected', deviceCount: exact(5) },
      { reason: 'retry', deviceCount: exact(5) },
    ])
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

test('a job waits for the next attempts of devices', () => {
  const next = new Date('2026-01-01T12:01:00Z')
  const attempts = { count: exact(3), next }
  expect(blockersOf({ ...job, isRepeated: true }, { attempts }, now)).toEqual([
    {
      reason: 'retry',
      until: next,
      deviceCount: exact(3),
      message: '3 devices wait for another attempt. The next one is at 2026-01-01T12:01:00.000Z.',
    },
  ])
  expect(neededFindings({ ...job, isRepeated: true })).toMatchObject({ attempts: true })
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
  expect(neededFindings(job)).toEqual({
    position: false,
    awaited: false,
    wave: false,
    windows: false,
    notConnected: true,
    inFullGroups: false,
    attempts: false,
  })
  expect(neededFindings({ ...job, pendingCount: 0 })).toEqual({
    position: false,
    awaited: false,
    wave: false,
    windows: false,
    notConnected: false,
    inFullGroups: false,
    attempts: false,
  })
  expect(neededFindings({ ...job, type: 'scheduleUpdateTwin' })).toEqual({
    position: false,
    awaited: false,
    wave: false,
    windows: false,
    notConnected: false,
    inFullGroups: false,
    attempts: false,
  })
  expect(neededFindings({ ...job, status: 'queued' })).toEqual({
    position: true,
    awaited: false,
    wave: false,
    windows: false,
    notConnected: false,
    inFullGroups: false,
    attempts: false,
  })
  expect(neededFindings({ ...job, status: 'completed', endTime: now })).toEqual({
    position: false,
    awaited: false,
    wave: false,
    windows: false,
    notConnected: false,
    inFullGroups: false,
    attempts: false,
  })
})
