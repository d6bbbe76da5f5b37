import { expect, test } from 'vitest'
import { stepsOf } from '../../../src/console/pages/job/time-line.ts'

const selectedTime = '2026-03-01T06:00:00.000Z'
const sent = '2026-03-01T06:00:01.500Z'
const ended = '2026-03-01T06:00:04.000Z'
const call = { selectedTime, isMethod: true }

test('a call that was answered has all its steps, with the time between them', () => {
  const answered = {
    startTime: sent,
    endTime: ended,
    result: 'REFUSED',
    skipped: false,
    outcome: { status: 409, payload: null },
  } as const
  expect(stepsOf(answered, call)).toEqual([
    { word: 'Selected', time: selectedTime, seconds: null },
    { word: 'Sent', time: sent, seconds: 1.5 },
    { word: 'Answered', time: ended, seconds: 2.5 },
  ])
})

test('a call that was never sent failed without a time of sending', () => {
  const unsent = { startTime: null, endTime: ended, result: 'FAILED', skipped: false, outcome: null } as const
  expect(stepsOf(unsent, call).slice(1)).toEqual([
    { word: 'Sent', time: null, seconds: null },
    { word: 'Failed', time: ended, seconds: 4 },
  ])
})

test('a device job that is open has no end yet, and a twin update is not sent', () => {
  const open = { startTime: null, endTime: null, result: 'PENDING', skipped: false, outcome: null } as const
  expect(stepsOf(open, { selectedTime, isMethod: false })).toEqual([
    { word: 'Selected', time: selectedTime, seconds: null },
    { word: 'Updated', time: null, seconds: null },
  ])
})

test('a device job that was skipped says so', () => {
  const skipped = { startTime: null, endTime: ended, result: 'SUCCEEDED', skipped: true, outcome: null } as const
  expect(stepsOf(skipped, { selectedTime, isMethod: false }).at(-1)).toEqual({
    word: 'Skipped',
    time: ended,
    seconds: 4,
  })
})
