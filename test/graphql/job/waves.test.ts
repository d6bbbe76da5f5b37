import { afterAll, beforeAll, expect, test } from 'vitest'
import { approveJob, rejectJob } from '../../../src/job/approval-commands.ts'
import { resumeJob } from '../../../src/job/commands.ts'
import { judgeGates } from '../../../src/scheduler/judge-gates.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { byPolicy, givenDevices, givenMethodJob } from '../../support/rows.ts'
import { openDoor, type TestDoor } from '../door.ts'
import { answer, dispatch, finish, start } from '../facts.ts'

let clock: TestClock
let door: TestDoor
let ids: string[]
beforeAll(async () => {
  clock = createTestClock()
  door = await openDoor({ clock })
  ids = await givenDevices(door.deps, 'pump', 4)
})
afterAll(() => door.close())

const ask = async (query: string, variables = {}) => {
  const { data, errors } = await door.ask(query, variables)
  expect(errors).toEqual([])
  return Object(data)
}
const waves = [
  { devices: 1, gate: { succeededPercent: 100, soakSeconds: 30, approval: true, onFailure: 'CANCEL' } },
  { percent: 25 },
  { queryCondition: "deviceId = 'pump-0001'", gate: {} },
  {},
]
const schedule = (input: object) =>
  ask(
    `mutation ($input: ScheduleDeviceMethodInput!) {
      scheduleDeviceMethod(input: $input) {
        ... on ScheduleJobPayload { jobId }
        ... on InvalidInputError { path message }
      }
    }`,
    { input: { queryCondition: '*', cloudToDeviceMethod: { methodName: 'reboot' }, ...input } },
  ).then((data) => data.scheduleDeviceMethod)
const judge = async () => {
  const step = judgeGates(door.deps)
  while ((await step.run(clock.now())).full);
}

test('a job shows its waves as they were requested, before and after its start', async () => {
  const { jobId } = await schedule({ rollout: { waves } })
  const shown = () =>
    ask(
      `{ job(jobId: "${jobId}") { eta waves {
        number devices percent queryCondition gate { succeededPercent soakSeconds approval onFailure }
        status gateOutcome openedTime closedTime soakEndTime deviceJobStatistics { deviceCount pendingCount }
      } } }`,
    ).then(({ job }) => job)
  const none = {
    devices: null,
    percent: null,
    queryCondition: null,
    gate: null,
    openedTime: null,
    closedTime: null,
    gateOutcome: null,
    soakEndTime: null,
  }
  const before = { status: 'NOT_OPEN', deviceJobStatistics: null }
  expect((await shown()).waves).toEqual([
    { ...none, number: 1, devices: 1, gate: waves[0]?.gate, ...before },
    { ...none, number: 2, percent: 25, ...before },
    {
      ...none,
      number: 3,
      queryCondition: "deviceId = 'pump-0001'",
      gate: { succeededPercent: null, soakSeconds: 0, approval: false, onFailure: 'PAUSE' },
      ...before,
    },
    { ...none, number: 4, ...before },
  ])
  await start(door.deps, jobId)
  const started = await shown()
  expect(started.eta).toBeNull()
  expect(started.waves.map(({ status }: { status: string }) => status)).toEqual([
    'OPEN',
    'NOT_OPEN',
    'NOT_OPEN',
    'NOT_OPEN',
  ])
  expect(started.waves[0]).toMatchObject({
    openedTime: clock.now().toISOString(),
    deviceJobStatistics: { deviceCount: 1, pendingCount: 1 },
  })
})

test('a wave goes from OPEN by SOAKING and WAITING_FOR_APPROVAL to DONE, and history and blockers say so', async () => {
  const gate = { soakSeconds: 30, approval: true }
  const jobId = await givenMethodJob(door.deps, 'pump', {}, { rollout: { waves: [{ devices: 1, gate }, {}] } })
  await start(door.deps, jobId)
  const { rows } = await door.deps.database.pool.query(
    'select device_id from device_job join job on key = job_key where id = $1 and wave = 1',
    [jobId],
  )
  const deviceId = String(rows[0].device_id)
  const state = () =>
    ask(`{ job(jobId: "${jobId}") { version waves { status soakEndTime } blockers { reason until message } } }`).then(
      ({ job }) => ({ ...job.waves[0], version: job.version, blocker: job.blockers[0] }),
    )
  expect((await state()).blocker).toMatchObject({ reason: 'GATE' })
  await dispatch(door.deps, { jobId, deviceId })
  await answer(door.deps, { jobId, deviceId, response: { status: 200, payload: 'null' } })
  const { version } = await state()
  await judge()
  const soaking = await state()
  expect(soaking).toMatchObject({
    status: 'SOAKING',
    version: version + 1,
    blocker: { reason: 'SOAK', until: soaking.soakEndTime },
  })
  await door.deps.database.pool.query("update job_wave set reached_time = reached_time - interval '30 seconds'")
  await judge()
  expect(await state()).toMatchObject({
    status: 'WAITING_FOR_APPROVAL',
    blocker: { reason: 'APPROVAL', until: null },
  })
  const decide = async (field: 'approveJob' | 'rejectJob', wave: number) => {
    const data = await ask(
      `mutation { ${field}(input: { jobId: "${jobId}", wave: ${wave} }) {
        ... on ${field === 'approveJob' ? 'ApproveJobPayload' : 'RejectJobPayload'} { job { waves { status gateOutcome } } }
        ... on Error { code message }
      } }`,
    )
    return data[field]
  }
  for (const field of ['approveJob', 'rejectJob'] as const) {
    expect(await decide(field, 3)).toEqual({
      code: 'CONFLICT',
      message: `Wave 3 of job "${jobId}" does not wait for an approval: wave 2 does.`,
    })
  }
  expect(await decide('approveJob', 2)).toEqual({
    job: {
      waves: [
        { status: 'DONE', gateOutcome: 'PASSED' },
        { status: 'OPEN', gateOutcome: null },
      ],
    },
  })
  const { job } = await ask(`{ job(jobId: "${jobId}") { history { type cause wave reason } } }`)
  expect(job.history.slice(2)).toEqual([
    { type: 'GATE_PASSED', cause: 'GATE', wave: 1, reason: '1 of 1 device of wave 1 have ended.' },
    { type: 'APPROVED', cause: 'USER', wave: 1, reason: null },
    { type: 'WAVE_OPENED', cause: 'USER', wave: 2, reason: null },
  ])
})

test.each([
  { status: 500, before: 'FAILED', after: 'SKIPPED' },
  { status: 200, before: 'REJECTED', after: 'PASSED' },
])(
  'a gate that was $before is $after when the next wave is approved nonetheless',
  async ({ status, before, after }) => {
    const gate = { succeededPercent: 100, approval: true }
    const jobId = await givenMethodJob(door.deps, 'pump', {}, { rollout: { waves: [{ devices: 1, gate }, {}] } })
    await start(door.deps, jobId)
    const { rows } = await door.deps.database.pool.query(
      'select device_id from device_job join job on key = job_key where id = $1 and wave = 1',
      [jobId],
    )
    const deviceId = String(rows[0].device_id)
    const outcome = async () =>
      (await ask(`{ job(jobId: "${jobId}") { waves { gateOutcome } } }`)).job.waves[0].gateOutcome
    await dispatch(door.deps, { jobId, deviceId })
    await answer(door.deps, { jobId, deviceId, response: { status, payload: 'null' } })
    await judge()
    if (before === 'REJECTED') await rejectJob(door.deps, byPolicy('approver'), { jobId, wave: 2 })
    expect(await outcome()).toBe(before)
    await resumeJob(door.deps, byPolicy('approver'), jobId)
    await approveJob(door.deps, byPolicy('approver'), { jobId, wave: 2 })
    expect(await outcome()).toBe(after)
  },
)

test('openWave opens the next wave and no other, and says which is next', async () => {
  const jobId = await givenMethodJob(
    door.deps,
    'pump',
    {},
    { rollout: { waves: [{ devices: 1 }, { devices: 1 }, {}] } },
  )
  await start(door.deps, jobId)
  const open = (wave: number) =>
    ask(
      `mutation { openWave(input: { jobId: "${jobId}", wave: ${wave}, reason: "urgent" }) {
        ... on OpenWavePayload { jobId job { waves { status gateOutcome } } }
        ... on Error { code message }
      } }`,
    ).then(({ openWave }) => openWave)
  expect(await open(3)).toEqual({
    code: 'CONFLICT',
    message: `Wave 3 of job "${jobId}" cannot be opened now. The next one to open is wave 2.`,
  })
  expect(await open(2)).toEqual({
    jobId,
    job: {
      waves: [
        { status: 'DONE', gateOutcome: 'SKIPPED' },
        { status: 'OPEN', gateOutcome: null },
        { status: 'NOT_OPEN', gateOutcome: null },
      ],
    },
  })
  expect(await open(2)).toMatchObject({ code: 'CONFLICT' })
})

test('a wave of a job that has ended counts its open devices as failed, and unopened waves stay closed', async () => {
  const jobId = await givenMethodJob(
    door.deps,
    'pump',
    {},
    {
      maxExecutionTimeInSeconds: 60,
      rollout: { waves: [{ devices: 1 }, {}] },
    },
  )
  await start(door.deps, jobId)
  clock.advance(60_000)
  await finish(door.deps)
  const { job } = await ask(
    `{ job(jobId: "${jobId}") { status waves { status deviceJobStatistics { deviceCount pendingCount failedCount } } } }`,
  )
  expect(job).toEqual({
    status: 'COMPLETED',
    waves: [
      { status: 'DONE', deviceJobStatistics: { deviceCount: 1, pendingCount: 0, failedCount: 1 } },
      {
        status: 'NOT_OPEN',
        deviceJobStatistics: { deviceCount: ids.length - 1, pendingCount: 0, failedCount: ids.length - 1 },
      },
    ],
  })
})

test('a preview has the sizes that the waves will have', async () => {
  const preview = (rollout: object) =>
    ask(
      `query ($input: PreviewJobInput!) {
        previewJob(input: $input) { ... on JobPreview { waveSizes } ... on InvalidInputError { path } }
      }`,
      { input: { queryCondition: '*', rollout } },
    ).then(({ previewJob }) => previewJob)
  expect(await preview({ waves })).toEqual({ waveSizes: [1, 1, 1, 1] })
  expect(await preview({})).toEqual({ waveSizes: [] })
  expect(await preview({ waves: [{ percent: 101 }, {}] })).toEqual({ path: ['rollout', 'waves', '0', 'percent'] })
  const { jobId } = await schedule({ rollout: { waves } })
  await start(door.deps, jobId)
  const { job } = await ask(`{ job(jobId: "${jobId}") { waves { deviceJobStatistics { deviceCount } } } }`)
  expect(job.waves).toEqual([1, 1, 1, 1].map((deviceCount) => ({ deviceJobStatistics: { deviceCount } })))
})

test('waves that are not valid are refused with the path of the member', async () => {
  expect(await schedule({ rollout: { waves: [{ devices: 0 }, {}] } })).toEqual({
    path: ['rollout', 'waves', '0', 'devices'],
    message: 'devices must be a whole number from 1 to 2147483647.',
  })
})
