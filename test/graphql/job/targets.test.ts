import { afterAll, beforeAll, expect, test } from 'vitest'
import { rights } from '../../../src/access/rights.ts'
import type { Viewer } from '../../../src/access/viewer.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { joinDevices } from '../../../src/scheduler/join-devices.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../../src/scope.ts'
import { patchTwin } from '../../../src/twin/commands.ts'
import { runStatement } from '../../statement/run.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { givenDevices } from '../../support/rows.ts'
import { openDoor, owner, personWith, type TestDoor } from '../door.ts'

let clock: TestClock
let door: TestDoor
const viewers: Readonly<Record<string, Viewer>> = {
  scoped: personWith({ rights, scope: scopeOf(["deviceId = 'pump-0001'"]) }),
}
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock, authenticate: async (name = 'owner') => viewers[name] ?? owner })
  await givenDevices(door.deps, 'pump', 3)
})
afterAll(() => door.close())

const ask = async (query: string, variables = {}, authorization = 'owner') => {
  const { data, errors } = await door.ask(query, variables, { authorization })
  expect(errors).toEqual([])
  return Object(data)
}
const schedule = (input: object) =>
  ask(
    `mutation ($input: ScheduleTwinUpdateInput!) {
      scheduleTwinUpdate(input: $input) { ... on ScheduleJobPayload { jobId job { targets selectedTime } } }
    }`,
    {
      input: {
        queryCondition: "tags.fleet = 'pump'",
        startTime: new Date(clock.now().getTime() + 3_600_000),
        updateTwin: { tags: { checked: true } },
        ...input,
      },
    },
  ).then((data) => data.scheduleTwinUpdate)
const select = async () => {
  while ((await startDueJobs(door.deps, { maxRunning: 10 }).run(clock.now())).full);
}

test('a job selects its devices at its start unless it is told otherwise', async () => {
  const { jobId, job } = await schedule({})
  expect(job).toEqual({ targets: 'AT_START', selectedTime: null })
  await select()
  expect((await ask(`{ job(jobId: "${jobId}") { selectedTime deviceJobStatistics { deviceCount } } }`)).job).toEqual({
    selectedTime: null,
    deviceJobStatistics: { deviceCount: 0 },
  })
})

test('a job that selects its devices at its creation shows them before its start', async () => {
  const { jobId, job } = await schedule({ targets: 'AT_CREATION' })
  expect(job).toEqual({ targets: 'AT_CREATION', selectedTime: null })
  await select()
  const shown = `{ job(jobId: "${jobId}") {
    targets status selectedTime startedTime deviceJobStatistics { deviceCount pendingCount }
    deviceJobs(first: 10) { nodes { deviceId status startTime } }
    history { type status cause deviceCount }
  } }`
  const now = clock.now().toISOString()
  const waiting = { status: 'PENDING', startTime: null }
  expect((await ask(shown)).job).toEqual({
    targets: 'AT_CREATION',
    status: 'SCHEDULED',
    selectedTime: now,
    startedTime: null,
    deviceJobStatistics: { deviceCount: 3, pendingCount: 3 },
    deviceJobs: {
      nodes: ['pump-0001', 'pump-0002', 'pump-0003'].map((deviceId) => ({ deviceId, ...waiting })),
    },
    history: [
      { type: 'SCHEDULED', status: 'SCHEDULED', cause: 'USER', deviceCount: null },
      { type: 'DEVICES_SELECTED', status: 'SCHEDULED', cause: 'HUB', deviceCount: 3 },
    ],
  })
  const foreign = (await ask(shown, {}, 'scoped')).job
  expect(foreign.deviceJobStatistics).toEqual({ deviceCount: 1, pendingCount: 1 })
  expect(foreign.history[1]).toMatchObject({ type: 'DEVICES_SELECTED', deviceCount: null })
})

test('statements on devices.jobs have the device jobs of a job that has not started', async () => {
  const { jobId } = await schedule({ targets: 'AT_CREATION' })
  await select()
  const text = `SELECT deviceId, status, createdDateTimeUtc FROM devices.jobs WHERE jobId = '${jobId}'`
  const { items } = await runStatement(door.deps, { caller: 'tester' }, text, { size: 10 })
  const createdDateTimeUtc = clock.now().toISOString()
  expect(items).toEqual(
    ['pump-0001', 'pump-0002', 'pump-0003'].map((deviceId) => ({ deviceId, status: 'pending', createdDateTimeUtc })),
  )
})

test('a continuous job says until when devices join, how many did, and how many have left', async () => {
  const { jobId } = await schedule({ targets: 'CONTINUOUS', startTime: null, updateTwin: { tags: { checked: 2 } } })
  await select()
  const joining = joinDevices(door.deps)
  await joining.run(clock.now())
  const [added = ''] = await givenDevices(door.deps, 'added', 1)
  const moveTo = (fleet: string, deviceId: string) =>
    patchTwin(door.deps, everything, { deviceId, patch: { tags: { fleet } }, ifMatch: '*' })
  await moveTo('pump', added)
  await moveTo('elsewhere', 'pump-0001')
  clock.advance(1_000)
  await joining.run(clock.now())
  joining.close()
  const shown = `{ job(jobId: "${jobId}") {
    targets status eta deadline blockers { reason until } deviceJobStatistics { deviceCount pendingCount }
    drift { left { value precision } } samples { deviceJobStatistics { deviceCount pendingCount } }
    history { type deviceCount }
  } }`
  const { job } = await ask(shown)
  expect(job).toMatchObject({
    targets: 'CONTINUOUS',
    status: 'RUNNING',
    eta: null,
    blockers: [{ reason: 'NEW_DEVICES', until: job.deadline }],
    deviceJobStatistics: { deviceCount: 4, pendingCount: 4 },
    drift: { left: { value: 1, precision: 'EXACT' } },
    // The device that joined was not there at the start.
    samples: [
      { deviceJobStatistics: { deviceCount: 3, pendingCount: 3 } },
      { deviceJobStatistics: { deviceCount: 4, pendingCount: 4 } },
    ],
    history: [
      { type: 'SCHEDULED', deviceCount: null },
      { type: 'STARTED', deviceCount: null },
      { type: 'DEVICES_JOINED', deviceCount: 1 },
    ],
  })
  expect((await ask(shown, {}, 'scoped')).job).toMatchObject({ drift: null, blockers: [{ reason: 'NEW_DEVICES' }] })
  await moveTo('pump', 'pump-0001')
})

test('a preview of a continuous job expects it to last until its deadline', async () => {
  const { previewJob } = await ask(
    `{ previewJob(input: { queryCondition: "*", targets: CONTINUOUS, maxExecutionTimeInSeconds: 500 }) {
      ... on JobPreview { expectedDurationInSeconds }
    } }`,
  )
  expect(previewJob).toEqual({ expectedDurationInSeconds: 500 })
})

test('an unknown time of selection is refused by the schema', async () => {
  const { errors } = await door.ask('{ previewJob(input: { queryCondition: "*", targets: LATER }) { __typename } }')
  expect(errors[0]?.message).toContain('LATER')
})
