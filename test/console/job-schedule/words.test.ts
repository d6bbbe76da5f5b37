import { expect, test } from 'vitest'
import { describeCron } from '../../../src/console/job-schedule/cron-words.ts'
import { describeRecurrence, describeRun, showRun, showSchedule } from '../../../src/console/job-schedule/words.ts'

test('a simple cron is said in words', () => {
  expect(describeCron('30 2 * * *')).toBe('Every day at 02:30')
  expect(describeCron(' 0  2,14 * * * ')).toBe('Every day at 02:00 and 14:00')
  expect(describeCron('30 2 * * mon-fri')).toBe('Monday to Friday at 02:30')
  expect(describeCron('5 4 * * 1-5')).toBe('Monday to Friday at 04:05')
  expect(describeCron('0 22 * * 0')).toBe('Every Sunday at 22:00')
  expect(describeCron('0 22 * * SAT,7')).toBe('Saturday and Sunday at 22:00')
  expect(describeCron('0 3 1 * *')).toBe('Day 1 of each month at 03:00')
  expect(describeCron('* * * * *')).toBe('Every minute')
  expect(describeCron('*/15 * * * *')).toBe('Every 15 min')
  expect(describeCron('5 * * * *')).toBe('Every hour, 5 min past')
  expect(describeCron('*/15 * * * MON-FRI')).toBe('Every 15 min, Monday to Friday')
  expect(describeCron('0 * 1 * *')).toBe('Every hour, 0 min past, day 1 of each month')
})

test('a cron that is not simple, or wrong, has no words', () => {
  for (const cron of [
    '',
    '30 2 * *',
    '30 2 * * * *',
    '60 2 * * *',
    '0 24 * * *',
    '0 2 32 * *',
    '0 2 0 * *',
    '0 2 1 * MON',
    '0 2 * 6 *',
    '0 2 * * MON-WED-FRI',
    '0 2 * * MON#1',
    '0 2 * * 8',
    '*/7 * * * *',
    '*/0 * * * *',
    '0 */2 * * *',
    '0 2 L * *',
  ]) {
    expect(describeCron(cron), cron).toBeUndefined()
  }
})

test('a schedule says when it has jobs, by its cron where words would not do', () => {
  expect(describeRecurrence({ cron: '30 2 * * *', timeZone: 'Europe/Berlin' })).toBe(
    'Every day at 02:30, Europe/Berlin',
  )
  expect(describeRecurrence({ cron: '0 2 L * *', timeZone: 'UTC' })).toBe('0 2 L * *, UTC')
})

test('a schedule and its runs have a badge, and a run without a job its reason', () => {
  expect((['ACTIVE', 'PAUSED', 'ENDED'] as const).map((status) => showSchedule(status).word)).toEqual([
    'Active',
    'Paused',
    'Ended',
  ])
  const outcomes = ['SCHEDULED', 'MISSED', 'OVERLAPPED', 'REFUSED'] as const
  expect(outcomes.map((outcome) => showRun(outcome).word)).toEqual(['Scheduled', 'Missed', 'Skipped', 'Refused'])
  expect(describeRun('REFUSED', 'The template names the unknown group "x".')).toContain('unknown group')
  expect(describeRun('MISSED', null)).toBe('No hub could schedule the job in time.')
  expect(describeRun('OVERLAPPED', null)).toBe('An earlier job had not ended.')
  expect(describeRun('SCHEDULED', null)).toBe('')
})
