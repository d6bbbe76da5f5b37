import { afterAll, beforeAll, expect, test } from 'vitest'
import { dispatchTwinUpdates } from '../../../src/scheduler/dispatch-twin-updates.ts'
import { everything } from '../../../src/scope.ts'
import { patchTwin } from '../../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  const [one = ''] = await givenDevices(door.deps, 'pump', 3)
  await patchTwin(door.deps, everything, { deviceId: one, patch: { desired: { interval: 60 } }, ifMatch: '*' })
})
afterAll(() => door.close())

const ask = async (query: string, variables = {}) => {
  const { data, errors } = await door.ask(query, variables)
  expect(errors).toEqual([])
  return Object(data)
}
const updateTwin = { properties: { desired: { interval: 60 } } }
const job = { queryCondition: "tags.fleet = 'pump'", updateTwin, skipCompliant: true }

test('a preview says how many devices would be skipped, and refuses to skip without a patch', async () => {
  const preview = (input: object) =>
    ask(
      `query ($input: PreviewJobInput!) {
        previewJob(input: $input) {
          ... on JobPreview { deviceCount { value } compliantCount { value precision } }
          ... on InvalidInputError { path message }
        }
      }`,
      { input },
    ).then(({ previewJob }) => previewJob)
  expect(await preview(job)).toEqual({ deviceCount: { value: 3 }, compliantCount: { value: 1, precision: 'EXACT' } })
  const refused = {
    path: ['skipCompliant'],
    message: 'Only a twin update can skip devices: a method call has no result to compare.',
  }
  expect(await preview({ queryCondition: '*', skipCompliant: true })).toEqual(refused)
  const cloudToDeviceMethod = { methodName: 'reboot' }
  expect(await preview({ queryCondition: '*', skipCompliant: true, cloudToDeviceMethod })).toEqual(refused)
})

test('a preview counts the time of the devices that are changed only', async () => {
  const seconds = (input: object) =>
    ask(
      `query ($input: PreviewJobInput!) {
        previewJob(input: $input) { ... on JobPreview { shortestDurationInSeconds expectedDurationInSeconds } }
      }`,
      { input: { ...job, rollout: { maxPerMinute: 1 }, ...input } },
    ).then(({ previewJob }) => previewJob)
  expect(await seconds({})).toEqual({ shortestDurationInSeconds: 60, expectedDurationInSeconds: 120 })
  expect(await seconds({ skipCompliant: false })).toEqual({
    shortestDurationInSeconds: 120,
    expectedDurationInSeconds: 180,
  })
})

test('a job shows whether it skips devices, which and how many', async () => {
  const { scheduleTwinUpdate } = await ask(
    `mutation ($input: ScheduleTwinUpdateInput!) {
      scheduleTwinUpdate(input: $input) { ... on ScheduleJobPayload { jobId } }
    }`,
    { input: job },
  )
  const { jobId } = scheduleTwinUpdate
  await start(door.deps, jobId)
  await dispatchTwinUpdates(door.deps).run(clock.now())
  const shown = await ask(
    `query ($jobId: String!) {
      job(jobId: $jobId) {
        skipCompliant
        deviceJobStatistics { succeededCount refusedCount skippedCount }
        family { statistics { succeededCount skippedCount } }
        samples { deviceJobStatistics { skippedCount } }
        all: deviceJobs(first: 10) { nodes { deviceId status result skipped error { code } } }
        skipped: deviceJobs(first: 10, filter: { skipped: true }) { totalCount nodes { deviceId } }
        changed: deviceJobs(first: 10, filter: { skipped: false, result: [SUCCEEDED] }) { totalCount }
      }
    }`,
    { jobId },
  )
  const done = { status: 'COMPLETED', result: 'SUCCEEDED', error: null }
  expect(shown.job).toMatchObject({
    skipCompliant: true,
    deviceJobStatistics: { succeededCount: 3, refusedCount: 0, skippedCount: 1 },
    family: { statistics: { succeededCount: 3, skippedCount: 1 } },
    all: {
      nodes: [
        { deviceId: 'pump-0001', ...done, skipped: true },
        { deviceId: 'pump-0002', ...done, skipped: false },
        { deviceId: 'pump-0003', ...done, skipped: false },
      ],
    },
    skipped: { totalCount: 1, nodes: [{ deviceId: 'pump-0001' }] },
    changed: { totalCount: 2 },
  })
  expect(shown.job.samples.at(-1)).toEqual({ deviceJobStatistics: { skippedCount: 1 } })
})

test('a template skips devices for its jobs, until it calls a method', async () => {
  const template = (change: 'create' | 'update', input: object) => {
    const type = change === 'create' ? 'CreateJobTemplate' : 'UpdateJobTemplate'
    return ask(
      `mutation ($input: ${type}Input!) {
        changed: ${change}JobTemplate(input: $input) {
          ... on ${type}Payload { jobTemplate { skipCompliant } }
          ... on InvalidInputError { path }
        }
      }`,
      { input: { templateId: 'interval', ...input } },
    ).then(({ changed }) => changed)
  }
  expect(await template('create', job)).toEqual({ jobTemplate: { skipCompliant: true } })
  const { scheduleFromTemplate } = await ask(
    `mutation {
      scheduleFromTemplate(input: { templateId: "interval" }) { ... on ScheduleJobPayload { job { skipCompliant } } }
    }`,
  )
  expect(scheduleFromTemplate).toEqual({ job: { skipCompliant: true } })
  const method = { cloudToDeviceMethod: { methodName: 'reboot' } }
  expect(await template('update', { ...method, skipCompliant: true })).toEqual({ path: ['skipCompliant'] })
  expect(await template('update', { name: 'n' })).toEqual({ jobTemplate: { skipCompliant: true } })
  expect(await template('update', method)).toEqual({ jobTemplate: { skipCompliant: false } })
})
