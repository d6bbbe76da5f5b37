import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  await givenDevices(door.deps, 'pump', 4)
})
afterAll(() => door.close())
beforeEach(() => door.deps.database.pool.query('delete from job'))

const ask = async (query: string, variables = {}) => {
  const { data, errors } = await door.ask(query, variables)
  expect(errors).toEqual([])
  return Object(data)
}
const window = { days: ['MONDAY', 'SUNDAY'], from: '22:00', to: '06:00', timeZone: 'Europe/Berlin' }
const week = 7 * 24 * 60 * 60
const request = (rollout: object, more: object = {}) => ({
  queryCondition: '*',
  cloudToDeviceMethod: { methodName: 'reboot' },
  maxExecutionTimeInSeconds: week,
  rollout,
  ...more,
})
const schedule = (rollout: object, more: object = {}) =>
  ask(
    `mutation ($input: ScheduleDeviceMethodInput!) {
      scheduleDeviceMethod(input: $input) {
        ... on ScheduleJobPayload { jobId }
        ... on InvalidInputError { path message }
      }
    }`,
    { input: request(rollout, more) },
  ).then((data) => data.scheduleDeviceMethod)
const shown = (jobId: string, fields: string) => ask(`{ job(jobId: "${jobId}") { ${fields} } }`).then(({ job }) => job)
/** Moves the window of all jobs to so many seconds from the time of the clock. */
const move = (opens: number, closes: number) =>
  door.deps.database.pool.query('update job_window set opens_time = $1, closes_time = $2', [
    new Date(clock.now().getTime() + opens * 1_000),
    new Date(clock.now().getTime() + closes * 1_000),
  ])

test('a job shows its window as it was requested, and after its start when it opens and closes', async () => {
  const { jobId } = await schedule({ window })
  const fields =
    'rollout { window { days from to timeZone timeZoneFrom } } windows { timeZone deviceCount isOpen openTime closeTime }'
  expect(await shown(jobId, fields)).toEqual({ rollout: { window: { ...window, timeZoneFrom: null } }, windows: [] })
  await start(door.deps, jobId)
  await move(60, 120)
  const after = (seconds: number) => new Date(clock.now().getTime() + seconds * 1_000).toISOString()
  const closed = {
    timeZone: 'Europe/Berlin',
    deviceCount: 4,
    isOpen: false,
    openTime: after(60),
    closeTime: after(120),
  }
  expect((await shown(jobId, fields)).windows).toEqual([closed])
  await move(-60, 120)
  expect((await shown(jobId, fields)).windows).toEqual([{ ...closed, isOpen: true, openTime: after(-60) }])
})

test('a job says that it waits for its window, and its end is unknown until then', async () => {
  const { jobId } = await schedule({ window })
  await start(door.deps, jobId)
  await move(60, 120)
  const until = new Date(clock.now().getTime() + 60_000).toISOString()
  const fields = 'status eta blockers { reason until message deviceCount { value } }'
  expect(await shown(jobId, fields)).toEqual({
    status: 'RUNNING',
    eta: null,
    blockers: [
      {
        reason: 'WINDOW',
        until,
        message: `The time window of the job is closed. It opens at ${until}.`,
        deviceCount: null,
      },
    ],
  })
  // Open by the clocks of the test and of the database, which are far apart.
  await move(-60, 100 * week)
  const open = await shown(jobId, fields)
  expect(open.eta).not.toBeNull()
  expect(open.blockers).toMatchObject([{ reason: 'DEVICES_NOT_CONNECTED' }])
})

test.each([
  [{ window: { ...window, to: '22:00' } }, {}, ['rollout', 'window', 'to']],
  [{ window: { ...window, from: '2:00' } }, {}, ['rollout', 'window', 'from']],
  [{ window: { ...window, days: [] } }, {}, ['rollout', 'window', 'days']],
  [{ window: { ...window, timeZone: 'Mars/Olympus' } }, {}, ['rollout', 'window', 'timeZone']],
  [
    { window: { ...window, to: '22:02' } },
    { cloudToDeviceMethod: { methodName: 'reboot', responseTimeoutInSeconds: 120 } },
    ['rollout', 'window', 'to'],
  ],
  // 1 January 2026 is a Thursday.
  [{ window }, { maxExecutionTimeInSeconds: 3 * 24 * 60 * 60 }, ['maxExecutionTimeInSeconds']],
])('%j is refused, and nothing is scheduled', async (rollout, more, path) => {
  expect(await schedule(rollout, more)).toEqual({ path, message: expect.any(String) })
  expect((await door.deps.database.pool.query('select from job')).rowCount).toBe(0)
  const { previewJob } = await ask(
    'query ($input: PreviewJobInput!) { previewJob(input: $input) { ... on InvalidInputError { path } } }',
    { input: request(rollout, more) },
  )
  expect(previewJob).toEqual({ path })
})

test('a preview has the next windows, and the duration with the time until they open', async () => {
  const preview = (rollout: object) =>
    ask(
      `query ($input: PreviewJobInput!) {
        previewJob(input: $input) { ... on JobPreview { openTimes { openTime closeTime } expectedDurationInSeconds } }
      }`,
      {
        input: {
          queryCondition: '*',
          updateTwin: { tags: { a: 1 } },
          maxExecutionTimeInSeconds: week,
          rollout: { maxPerMinute: 60, ...rollout },
        },
      },
    ).then((data) => data.previewJob)
  expect(await preview({})).toEqual({ openTimes: [], expectedDurationInSeconds: 4 })
  const daily = { from: '02:00', to: '04:00', timeZone: 'UTC' }
  const day = (date: number) => ({
    openTime: `2026-01-0${date}T02:00:00.000Z`,
    closeTime: `2026-01-0${date}T04:00:00.000Z`,
  })
  expect(await preview({ window: daily })).toEqual({
    openTimes: [day(1), day(2), day(3)],
    expectedDurationInSeconds: 2 * 60 * 60 + 4,
  })
})

test('a template keeps the window, and its time may be too short until a job is scheduled of it', async () => {
  const { createJobTemplate } = await ask(
    `mutation ($input: CreateJobTemplateInput!) {
      createJobTemplate(input: $input) { ... on InvalidInputError { message } ... on CreateJobTemplatePayload { jobTemplate { templateId } } }
    }`,
    {
      input: {
        templateId: 'nightly',
        queryCondition: '*',
        cloudToDeviceMethod: { methodName: 'reboot' },
        maxExecutionTimeInSeconds: 3_600,
        rollout: { window },
      },
    },
  )
  expect(createJobTemplate).toEqual({ jobTemplate: { templateId: 'nightly' } })
  const of = (input: object) =>
    ask(
      `mutation ($input: ScheduleFromTemplateInput!) {
        scheduleFromTemplate(input: $input) {
          ... on ScheduleJobPayload { jobId } ... on InvalidInputError { path }
        }
      }`,
      { input: { templateId: 'nightly', ...input } },
    ).then((data) => data.scheduleFromTemplate)
  expect(await of({})).toEqual({ path: ['maxExecutionTimeInSeconds'] })
  const { jobId } = await of({ startTime: '2026-01-04T21:30:00Z' })
  expect(await shown(jobId, 'rollout { window { days from to timeZone } }')).toEqual({ rollout: { window } })
})
