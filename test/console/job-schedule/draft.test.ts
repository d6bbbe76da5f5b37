import { expect, test } from 'vitest'
import { draftIn, problemIn, readSchedule } from '../../../src/console/job-schedule/draft.ts'

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
  expect(problemIn({ __typename: 'InvalidInputError', message, path: ['cron'] })).toEqual({ cron: message })
  expect(problemIn({ __typename: 'AlreadyExistsError', message })).toEqual({ scheduleId: message })
  expect(problemIn({ __typename: 'NotFoundError', message })).toEqual({ templateId: message })
  expect(problemIn({ __typename: 'InvalidInputError', message, path: ['rollout', 'waves'] })).toBeUndefined()
  expect(problemIn({ __typename: 'ConflictError', message })).toBeUndefined()
})
