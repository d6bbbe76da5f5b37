import { describe, expect, it } from 'vitest'
import { describeEnd } from '../../../src/console/job-end.ts'
import { describeBlocker } from '../../../src/console/pages/job/blockers.ts'
import { describeCancelled } from '../../../src/console/pages/job/cancelled-devices.ts'
import { describeEvent, lacksOlder } from '../../../src/console/pages/job/history.ts'
import { describeCancelling } from '../../../src/console/pages/job/job-now.ts'
import { describeLimits, describeRule, describeRuleState, describeWindow } from '../../../src/console/rollout-words.ts'
import type { Statistics } from '../../../src/console/ui/statistics.ts'
import type { JobNowFragment, JobStatus } from '../../../src/generated/console/graphql.ts'
import { statisticsWith } from '../statistics.ts'

describe('what a job waits for', () => {
  const blocker = { message: 'As the hub has it.', until: null, position: null, job: null, deviceCount: null } as const
  const now = Date.parse('2026-03-01T06:00:00Z')

  it('is a plain sentence', () => {
    expect(
      describeBlocker(
        { ...blocker, reason: 'DEVICES_NOT_CONNECTED', deviceCount: { value: 12, precision: 'EXACT' } },
        now,
      ),
    ).toBe('Waiting for 12 offline devices')
    expect(describeBlocker({ ...blocker, reason: 'BUDGET', deviceCount: { value: 12, precision: 'EXACT' } }, now)).toBe(
      '12 devices waiting for others of their group',
    )
    expect(
      describeBlocker({ ...blocker, reason: 'CALLS_UNDER_WAY', deviceCount: { value: 1, precision: 'EXACT' } }, now),
    ).toBe('Waiting for 1 device to respond')
    expect(describeBlocker({ ...blocker, reason: 'SLOT', position: 1 }, now)).toContain('(next in the queue)')
    expect(describeBlocker({ ...blocker, reason: 'SLOT', position: 4 }, now)).toContain('number 4 in the queue')
    expect(describeBlocker({ ...blocker, reason: 'JOB', job: { jobId: 'a' } }, now)).toBe(
      'Waiting for job a, which has some of the same devices',
    )
    expect(describeBlocker({ ...blocker, reason: 'START_TIME', until: '2026-03-01T06:30:00Z' }, now)).toMatch(
      /^Scheduled for .*2026.* \(in 30 min\)$/,
    )
  })

  it('has its times in the time zone of the browser', () => {
    const until = '2026-03-01T06:30:00Z'
    expect(describeBlocker({ ...blocker, reason: 'NEW_DEVICES', until }, now)).toMatch(
      /^Waiting for devices that start to match, until .*2026.* \(in 30 min\)$/,
    )
    const deviceCount = { value: 2, precision: 'EXACT' } as const
    expect(describeBlocker({ ...blocker, reason: 'RETRY', until, deviceCount }, now)).toBe(
      '2 devices waiting for another attempt, the first in 30 min',
    )
    const message = 'It opens at 2026-03-01T06:30:00.000Z.'
    expect(describeBlocker({ ...blocker, reason: 'WINDOW', until, message }, now)).toMatch(
      /^It opens at 1 Mar 2026, .*\.$/,
    )
  })

  it('does not claim more than was counted', () => {
    expect(
      describeBlocker(
        { ...blocker, reason: 'DEVICES_NOT_CONNECTED', deviceCount: { value: 10_000, precision: 'AT_LEAST' } },
        now,
      ),
    ).toBe('Waiting for at least 10,000 offline devices')
  })

  it('uses the words of the hub where the numbers are missing', () => {
    for (const reason of [
      'PAUSED',
      'START_TIME',
      'SLOT',
      'JOB',
      'BUDGET',
      'DEVICES_NOT_CONNECTED',
      'CALLS_UNDER_WAY',
    ] as const) {
      expect(describeBlocker({ ...blocker, reason }, now)).toBe('As the hub has it.')
    }
  })
})

it('says limits in words, each of its own', () => {
  expect(describeLimits({ maxPerMinute: 1_200, maxConcurrent: 1 })).toEqual([
    'At most 1,200 devices per minute',
    'At most 1 call in progress',
  ])
  expect(describeLimits({ maxPerMinute: null })).toEqual([])
  const ramp = { from: 10, factor: 2, afterSucceeded: 50 }
  expect(describeLimits({ ramp })).toEqual(['Starts at 10 per minute, times 2 after each 50 devices that succeed'])
  expect(describeLimits({ ramp: { ...ramp, afterSucceeded: 1, factor: null } })).toEqual([
    'Starts at 10 per minute, times 2 after each device that succeeds',
  ])
  const reached = (nextStep: { perMinute: number; afterSucceeded: number } | null) =>
    describeLimits({ ramp: { ...ramp, perMinute: 40, nextStep } })[1]
  expect(reached({ perMinute: 80, afterSucceeded: 1_200 })).toBe(
    'Now 40 per minute, 80 when 1,200 more devices succeed',
  )
  expect(reached({ perMinute: 80, afterSucceeded: 1 })).toBe('Now 40 per minute, 80 when 1 more device succeeds')
  expect(reached(null)).toBe('Now 40 per minute, the maximum')
  expect(describeLimits({ retry: { maxAttempts: 3, on: ['GatewayTimeout', '503'] } })).toEqual([
    'Up to 3 attempts when a call ends with GatewayTimeout or 503',
  ])
})

it('says how long a device waits for its next attempt', () => {
  const said = (maxAttempts: number, backoffSeconds: number, factor: number) =>
    describeLimits({ retry: { maxAttempts, on: ['503'], backoffSeconds, factor, maxBackoffSeconds: 3_600 } })[0]
  const begin = 'attempts when a call ends with 503'
  expect(said(3, 10, 2)).toBe(`Up to 3 ${begin}, 10 s apart at first, then 2 times as long each time, up to 1 h`)
  expect(said(3, 10, 1)).toBe(`Up to 3 ${begin}, 10 s apart`)
  expect(said(2, 90, 2)).toBe(`Up to 2 ${begin}, 1 min 30 s apart`)
  expect(said(3, 0, 2)).toBe(`Up to 3 ${begin}, without a wait`)
})

describe('an abort rule', () => {
  const rule = {
    on: ['FAILED', 'REFUSED'] as const,
    errorCode: null,
    responseStatus: null,
    percent: 2.5,
    afterDevices: 1_000,
    action: 'PAUSE' as const,
    matchedCount: 0,
    endedCount: 0,
    hasActed: false,
  }

  it('is a sentence', () => {
    const single = { ...rule, on: [], afterDevices: 1 }
    expect(describeRule({ ...single, errorCode: 'GatewayTimeout' })).toBe('Pause when 2.5 % failed with GatewayTimeout')
    expect(describeRule({ ...single, responseStatus: 503 })).toBe('Pause when 2.5 % responded with status 503')
    expect(describeRule({ ...single, on: ['TIMED_OUT'] })).toBe('Pause when 2.5 % timed out')
    expect(describeRule(rule)).toBe('Pause when 2.5 % failed or refused, after 1,000 devices')
    expect(describeRule({ ...rule, on: ['FAILED'], percent: 0, afterDevices: 1, action: 'CANCEL' })).toBe(
      'Cancel when a device failed',
    )
  })

  it('shows what it counted, and whether it has acted', () => {
    expect(describeRuleState(rule)).toBe('nothing counted yet')
    expect(describeRuleState({ ...rule, matchedCount: 4, endedCount: 1_200 })).toBe('4 of 1,200')
    const acted = { ...rule, matchedCount: 30, endedCount: 1_200, hasActed: true }
    expect(describeRuleState(acted)).toBe('30 of 1,200 – paused the job')
    expect(describeRuleState({ ...acted, action: 'CANCEL' })).toBe('30 of 1,200 – cancelled the job')
  })
})

const jobNow = (
  status: JobStatus,
  succeededCount: number,
  endTime: string | null = null,
): JobNowFragment & { readonly deviceJobStatistics: Statistics & { readonly skippedCount: number } } => ({
  status,
  version: 1,
  maxExecutionTimeInSeconds: 3_600,
  rollout: null,
  deadline: '2026-03-01T07:00:00Z',
  outcome: endTime === null ? null : 'PARTIALLY_FAILED',
  selectedTime: null,
  startedTime: null,
  endTime,
  statusMessage: null,
  failureReason: null,
  matchedCount: null,
  throughput: 0,
  eta: null,
  deviceJobStatistics: { ...statisticsWith(1_000, succeededCount), skippedCount: 0 },
  blockers: [],
  failureGroups: [],
})

describe('the end of a job', () => {
  it('is said in a sentence', () => {
    const now = jobNow('COMPLETED', 968, '2026-03-01T06:00:00Z')
    const statistics = { ...now.deviceJobStatistics, failedCount: 32, pendingCount: 0 }
    expect(describeEnd('reboot-1', { ...now, deviceJobStatistics: statistics }, String)).toBe(
      'Job reboot-1 partly failed: 968 of 1000 devices succeeded, 32 failed.',
    )
    expect(describeEnd('reboot-1', { ...now, deviceJobStatistics: { ...statistics, refusedCount: 8 } }, String)).toBe(
      'Job reboot-1 partly failed: 960 of 1000 devices succeeded, 8 refused, 32 failed.',
    )
  })

  it('is said without numbers when the hub does not show them', () => {
    const now = { ...jobNow('COMPLETED', 968, '2026-03-01T06:00:00Z'), outcome: null, deviceJobStatistics: null }
    expect(describeEnd('reboot-1', now, String)).toBe('Job reboot-1 ended.')
  })

  it('is not called a success when there was no device', () => {
    const now = { ...jobNow('COMPLETED', 0, '2026-03-01T06:00:00Z'), outcome: 'NO_DEVICES' } as const
    expect(describeEnd('reboot-1', now, String)).toBe('Job reboot-1 ended: no devices matched.')
  })
})

describe('what cancelling does', () => {
  const { deviceJobStatistics } = jobNow('RUNNING', 999)
  const startedTime = '2026-03-01T06:00:00Z'

  it('is said of those that wait and of those that have the call', () => {
    const statistics = { ...deviceJobStatistics, pendingCount: 1, runningCount: 20 }
    expect(describeCancelling({ startedTime, deviceJobStatistics: statistics }, String)).toBe(
      'No further devices will be contacted. 1 device that has not been contacted will be skipped. 20 devices with a pending call may still respond. Completed changes are not undone.',
    )
  })

  it('is nothing to devices before the start', () => {
    expect(describeCancelling({ startedTime: null, deviceJobStatistics }, String)).toContain(
      'No devices will be changed.',
    )
  })
})

describe('cancelling the job on devices', () => {
  it('says how many were not cancelled, and why', () => {
    expect(describeCancelled(1_200, { cancelledCount: 1_200, callsInProgress: 0 })).toBe('Cancelled on 1,200 devices.')
    expect(describeCancelled(5, { cancelledCount: 3, callsInProgress: 1 })).toBe(
      'Cancelled on 3 of 5 devices. 1 device with a pending call may still respond. 1 device had finished before.',
    )
    expect(describeCancelled(2, { cancelledCount: 0, callsInProgress: 2 })).toBe(
      'Cancelled on none of 2 devices. 2 devices with a pending call may still respond.',
    )
    expect(describeCancelled(1, { cancelledCount: 0, callsInProgress: 0 })).toBe(
      'Cancelled on none of 1 device. 1 device had finished before.',
    )
  })
})

describe('the newest events of a job', () => {
  const events = (first: 'SCHEDULED' | 'PAUSED', count: number) => [
    { type: first },
    ...Array.from({ length: count - 1 }, () => ({ type: 'RESUMED' as const })),
  ]

  it('lack older ones when there are more than the page reads', () => {
    expect(lacksOlder(events('PAUSED', 100))).toBe(true)
    expect(lacksOlder(events('SCHEDULED', 100))).toBe(false)
    // A job that began before the hub kept histories.
    expect(lacksOlder(events('PAUSED', 99))).toBe(false)
    expect(lacksOlder([])).toBe(false)
  })
})

describe('an event of the history', () => {
  const some = (deviceCount: number) => ({ deviceCount, targets: 'AT_START' }) as const
  const started = { type: 'STARTED', cause: 'SCHEDULE', actor: null } as const

  it('says how many devices a start selected', () => {
    expect(describeEvent(started, some(1_000))).toMatchObject({ what: 'Started', detail: '– 1,000 devices selected' })
    expect(describeEvent(started, some(1)).detail).toBe('– 1 device selected')
  })

  it('does not say so of a start that did not select the devices, or not all of them', () => {
    expect(describeEvent(started, { deviceCount: 3, targets: 'AT_CREATION' }).detail).toBe('by the schedule')
    expect(describeEvent(started, { deviceCount: 3, targets: 'CONTINUOUS' }).detail).toBe('by the schedule')
  })

  it('says how many devices were selected early or joined, where that is known', () => {
    const selected = { type: 'DEVICES_SELECTED', cause: 'HUB', actor: null } as const
    expect(describeEvent({ ...selected, deviceCount: 2 }, some(3))).toEqual({
      what: 'Devices selected',
      detail: '– 2 devices',
      tone: 'pending',
    })
    const joined = { type: 'DEVICES_JOINED', cause: 'DEVICES', actor: null } as const
    expect(describeEvent({ ...joined, deviceCount: 1 }, some(3))).toEqual({
      what: 'Joined',
      detail: '– 1 device that started to match',
      tone: 'running',
    })
    expect(describeEvent({ ...joined, deviceCount: null }, some(3)).detail).toBe('– some devices that started to match')
  })

  it('says what and who', () => {
    const members = ['labels', 'maxExecutionTimeInSeconds']
    expect(describeEvent({ type: 'UPDATED', cause: 'USER', actor: 'anna', changed: members }, some(3)).detail).toBe(
      'by anna – labels, time limit',
    )
    expect(describeEvent({ type: 'CANCELLED', cause: 'USER', actor: 'operator' }, some(3))).toMatchObject({
      what: 'Cancelled',
      detail: 'by operator',
    })
    expect(describeEvent({ type: 'SCHEDULED', cause: 'USER', actor: null }, some(3)).detail).toBe('by a client')
  })

  it('says which wave it is about', () => {
    const byAnna = { cause: 'USER', actor: 'anna', wave: 2 } as const
    expect(describeEvent({ ...byAnna, type: 'WAVE_OPENED' }, some(3)).what).toBe('Wave 2 opened')
    expect(describeEvent({ cause: 'GATE', actor: null, type: 'GATE_PASSED', wave: 2 }, some(3)).what).toBe(
      'Gate of wave 2 passed',
    )
    // The event has the wave of the gate. The decision is about the next one.
    expect(describeEvent({ ...byAnna, type: 'APPROVED' }, some(3)).what).toBe('Wave 3 approved')
    expect(describeEvent({ ...byAnna, type: 'REJECTED' }, some(3)).what).toBe('Wave 3 rejected')
    expect(describeEvent({ ...byAnna, type: 'APPROVED', wave: null }, some(3)).what).toBe('Approved')
    expect(describeEvent({ ...byAnna, type: 'REJECTED', wave: null }, some(3)).what).toBe('Rejected')
  })

  it('says on how many devices the job was cancelled, where that is known', () => {
    const event = { type: 'DEVICES_CANCELLED', cause: 'USER', actor: 'anna' } as const
    expect(describeEvent({ ...event, cancellation: { cancelledCount: 2 } }, some(3))).toEqual({
      what: 'Cancelled',
      detail: 'on 2 devices by anna',
      tone: 'cancelled',
    })
    expect(describeEvent({ ...event, cancellation: null }, some(3)).detail).toBe('on some devices by anna')
  })

  it('tells an end in time from one by the deadline', () => {
    const inTime = describeEvent({ type: 'COMPLETED', cause: 'DEVICES', actor: null }, some(3))
    const late = describeEvent({ type: 'COMPLETED', cause: 'DEADLINE', actor: null }, some(3))
    expect(inTime).toEqual({ what: 'Completed', detail: '– all devices finished', tone: 'succeeded' })
    expect(late).toEqual({ what: 'Ended', detail: '– time limit reached', tone: 'cancelled' })
  })

  it('tells an end of a job that met no device from one of a job whose devices are done', () => {
    expect(describeEvent({ type: 'COMPLETED', cause: 'DEVICES', actor: null }, some(0))).toEqual({
      what: 'Completed',
      detail: '– no devices matched',
      tone: 'pending',
    })
  })
})

it('says a time window in words', () => {
  const times = { from: '22:00', to: '06:00' }
  expect(describeWindow({ ...times, days: null, timeZone: 'Europe/Berlin' })).toBe(
    'Only from 22:00 to 06:00 (Europe/Berlin)',
  )
  expect(describeWindow({ ...times, days: ['SATURDAY', 'SUNDAY'], timeZoneFrom: 'tags.zone', timeZone: 'UTC' })).toBe(
    'Only from 22:00 to 06:00 on Sat, Sun (tags.zone, otherwise UTC)',
  )
  expect(describeLimits({ window: { ...times, timeZoneFrom: 'tags.zone' } })).toEqual([
    'Only from 22:00 to 06:00 (tags.zone)',
  ])
})
