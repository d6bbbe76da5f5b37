import { expect, test } from 'vitest'
import {
  draftFromSchedule,
  draftIn,
  problemIn,
  readSchedule,
  scheduleChange,
} from '../../../src/console/job-schedule/draft.ts'

const draft = { ...draftIn('Europe/Berlin', 'reboot-pumps'), scheduleId: ' nightly ' }

test('a schedule is read as the hub takes it, without what was left empty', () => {
  const input = {
    scheduleId: 'nightly',
    templateId: 'reboot-pumps',
    cron: '30 2 * * *',
    timeZone: 'Europe/Berlin',
    onMissed: 'SKIP',
    onOverlap: 'SKIP',
  }
  expect(readSchedule(draft)).toEqual({ input })
  expect(
    readSchedule({ ...draft, description: ' pumps ', endTime: '2027-01-01T00:00', onOverlap: 'PARALLEL' }),
  ).toEqual({
    input: {
      ...input,
      description: 'pumps',
      endTime: new Date(2027, 0, 1).toISOString(),
      onOverlap: 'PARALLEL',
    },
  })
})

test('what is missing is said at its field', () => {
  expect(readSchedule({ ...draft, scheduleId: ' ', templateId: '', cron: '', timeZone: '', endTime: 'soon' })).toEqual({
    problems: {
      scheduleId: expect.any(String),
      templateId: expect.any(String),
      cron: expect.any(String),
      timeZone: expect.any(String),
      endTime: expect.any(String),
    },
  })
})

test('what the hub refuses is said at its field, where there is one', () => {
  const message = 'cron must have five fields.'
  expect(problemIn({ __typename: 'InvalidInputError', message, path: ['cron'] })).toEqual({
    cron: 'This must have five fields.',
  })
  expect(problemIn({ __typename: 'AlreadyExistsError', message })).toEqual({ scheduleId: message })
  const missing = { __typename: 'NotFoundError', message }
  expect(problemIn({ ...missing, kind: 'JOB_TEMPLATE' })).toEqual({ templateId: message })
  expect(problemIn({ ...missing, kind: 'JOB_SCHEDULE' })).toBeUndefined()
  expect(problemIn({ __typename: 'InvalidInputError', message, path: ['rollout', 'waves'] })).toBeUndefined()
  expect(problemIn({ __typename: 'ConflictError', message })).toBeUndefined()
})

test('a change has only the members that differ, and takes those away that are gone', () => {
  const schedule = {
    id: 'i',
    etag: 'e',
    scheduleId: 'nightly',
    description: 'pumps',
    templateId: 'reboot-pumps',
    cron: '30 2 * * *',
    timeZone: 'Europe/Berlin',
    endTime: '2027-01-01T00:00:30.500Z',
    onMissed: 'RUN_ONCE',
    onOverlap: 'SKIP',
    status: 'ACTIVE',
    statusReason: null,
    author: 'anna',
    scope: null,
    createdTime: '2026-12-01T00:00:00Z',
  } as const
  const before = draftFromSchedule(schedule)
  const change = (part: Partial<typeof before>) => {
    const read = readSchedule({ ...before, ...part })
    return 'input' in read ? scheduleChange(before, read.input) : read
  }
  // The form has an end to the minute. What is not changed stays as exact as it was.
  expect(change({})).toEqual({})
  expect(change({ cron: '0 3 * * *', onOverlap: 'PARALLEL' })).toEqual({ cron: '0 3 * * *', onOverlap: 'PARALLEL' })
  expect(change({ endTime: '', description: ' ' })).toEqual({ endTime: null, description: null })
  expect(change({ templateId: 'x', timeZone: 'UTC', onMissed: 'SKIP', endTime: '2027-02-01T00:00' })).toEqual({
    templateId: 'x',
    timeZone: 'UTC',
    onMissed: 'SKIP',
    endTime: new Date(2027, 1, 1).toISOString(),
  })
  expect(draftFromSchedule({ ...schedule, endTime: null, description: null })).toMatchObject({
    endTime: '',
    description: '',
  })
})
