import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDevices } from '../../src/device/commands.ts'
import { ExpectationFailedError, NotFoundError, OutOfScopeError } from '../../src/errors.ts'
import { approveJob, rejectJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, previewJob, resumeJob, retryJob, scheduleJob, updateJob } from '../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../src/job/device-job-commands.ts'
import type { By } from '../../src/job/history.ts'
import { findJob } from '../../src/job/store/jobs.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything, type Scope } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenMethodJob, givenTwinJob, jobRow, tester } from '../support/rows.ts'

const north = "tags.site = 'north'"
const south = "tags.site = 'south'"

let deps: TestDeps
let clock: TestClock
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job', 'twin', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  await givenSites({ n1: 'north', n2: 'north', s1: 'south', e1: 'east' })
})

/** Devices of one fleet, each at a site. */
const givenSites = (sites: Readonly<Record<string, string>>) =>
  createDevices(
    deps,
    everything,
    Object.entries(sites).map(([deviceId, site]) => ({ deviceId, twin: { tags: { fleet: 'pump', site } } })),
  )

const moveTo = (deviceId: string, site: string) =>
  deps.database.pool.query('update twin set tags = tags || $2::jsonb where device_id = $1', [
    deviceId,
    JSON.stringify({ site }),
  ])

const within = (...conditions: string[]): By => ({ ...tester, scope: scopeOf(conditions) })
const scopeOfJobWith = async (id: string) => (await findJob(deps.db, id))?.scope
const startDue = () => startDueJobs(deps, { maxRunning: 100 }).run(clock.now())

const targetsOf = async (jobId: string): Promise<string[]> => {
  const rows = await deps.db.query<{ id: string }>(
    sql`select device_id as id from device_job join job on job.key = job_key where job.id = ${jobId} order by 1`,
  )
  return rows.map(({ id }) => id)
}

/** What an error is, or that there is none. */
const refusal = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'none',
    (error: unknown) => error,
  )

test('a job keeps the parts of the scope under which it was scheduled', async () => {
  const parts = [north, 'tags.floor = 1']
  const jobId = await givenMethodJob(deps, 'pump', {}, {}, within(...parts))
  expect(await scopeOfJobWith(jobId)).toEqual([...parts].sort())
})

test('a scope without any device is kept as well, and is not that of all devices', async () => {
  const jobId = await givenMethodJob(deps, 'pump', {}, {}, within())
  expect(await scopeOfJobWith(jobId)).toEqual([])
  expect(await scopeOfJobWith(await givenMethodJob(deps, 'pump'))).toBeNull()
  while ((await startDue()).full);
  expect(await jobRow(deps, jobId)).toMatchObject({ status: 'completed', deviceCount: 0 })
})

test('a job selects the devices that are in its scope when it starts, not those that were when it was scheduled', async () => {
  const startTime = new Date(clock.now().getTime() + 86_400_000)
  const jobId = await givenMethodJob(deps, 'pump', {}, { startTime }, within(north))
  const wide = await givenMethodJob(deps, 'pump', {}, { startTime })
  await moveTo('n1', 'south')
  await moveTo('e1', 'north')
  clock.advance(86_400_000)
  while ((await startDue()).full);
  expect(await targetsOf(jobId)).toEqual(['e1', 'n2'])
  expect(await targetsOf(wide)).toEqual(['e1', 'n1', 'n2', 's1'])
})

test('a job selects the union of the parts of its scope, each time ANDed with the whole condition', async () => {
  const queryCondition = "deviceId = 'e1' OR tags.fleet = 'pump'"
  const jobId = await givenMethodJob(deps, 'pump', {}, { queryCondition }, within(north, south))
  const none = await givenMethodJob(deps, 'pump', {}, { queryCondition: "tags.site = 'east'" }, within(north))
  while ((await startDue()).full);
  expect(await targetsOf(jobId)).toEqual(['n1', 'n2', 's1'])
  expect(await jobRow(deps, none)).toMatchObject({ status: 'completed', deviceCount: 0 })
})

test('a job whose scope no longer parses fails with the reason, and blocks no other job', async () => {
  const jobId = await givenMethodJob(deps, 'pump', {}, {}, within(north))
  await deps.database.pool.query(`update job set scope = array['tags.site =']`)
  clock.advance(1)
  const next = await givenMethodJob(deps, 'pump')
  while ((await startDue()).full);
  expect(await jobRow(deps, jobId)).toMatchObject({
    status: 'failed',
    failureReason: expect.stringMatching(/^The scope of the job is no longer valid: /),
  })
  expect((await jobRow(deps, next)).status).toBe('running')
})

test('the maximum and the fingerprint that a client expects concern the devices in its scope', async () => {
  const { fingerprint } = await previewJob(deps, scopeOf([north]), { caller: 'x' }, { queryCondition: '*' })
  expect(fingerprint).not.toBeNull()
  const expecting = (expect: unknown, by: By) => refusal(givenMethodJob(deps, 'pump', {}, { expect }, by))
  expect(await expecting({ fingerprint, maxDevices: 2 }, within(north))).toBe('none')
  expect(await expecting({ fingerprint }, tester)).toMatchObject({ deviceCount: 4 })
  expect(await expecting({ maxDevices: 1 }, within(north))).toMatchObject({ deviceCount: 2 })
  expect(await expecting({ maxDevices: 1 }, within(north))).toBeInstanceOf(ExpectationFailedError)
})

const previewed = async (scope: Scope, queryCondition = '*') => {
  const preview = await previewJob(
    deps,
    scope,
    { caller: 'x' },
    { queryCondition, updateTwin: { tags: { owner: 'me' } } },
  )
  const overlaps = preview.overlaps.map(({ jobId, deviceCount, propertyPaths }) => [
    jobId,
    deviceCount.value,
    propertyPaths,
  ])
  return { devices: preview.deviceIds, count: preview.deviceCount.value, overlaps }
}

test('a preview counts and shows devices in the scope only', async () => {
  expect(await previewed(scopeOf([north]))).toEqual({ devices: ['n1', 'n2'], count: 2, overlaps: [] })
  expect(await previewed(scopeOf([north]), "deviceId = 's1' OR tags.fleet = 'pump'")).toMatchObject({ count: 2 })
  expect(await previewed(scopeOf([]))).toEqual({ devices: [], count: 0, overlaps: [] })
  expect(await previewed(everything)).toMatchObject({ count: 4 })
})

test('an overlap counts devices in the scope, and another job has only the devices in its own scope', async () => {
  const updateTwin = { tags: { owner: 'other' } }
  const scheduled = (jobId: string, by: By) => {
    clock.advance(1)
    return scheduleJob(deps, by, { type: 'scheduleUpdateTwin', jobId, queryCondition: '*', updateTwin })
  }
  await scheduled('wide', tester)
  await scheduled('southern', within(south))
  await scheduled('northern', within(north))
  expect(await previewed(everything)).toMatchObject({
    overlaps: [
      ['northern', 2, ['tags.owner']],
      ['southern', 1, ['tags.owner']],
      ['wide', 4, ['tags.owner']],
    ],
  })
  // The patch of a foreign job is hidden, and so are its paths. A job without a common device is left out.
  expect(await previewed(scopeOf([north]))).toMatchObject({
    overlaps: [
      ['northern', 2, ['tags.owner']],
      ['wide', 2, []],
    ],
  })
  while ((await startDue()).full);
  expect(await previewed(scopeOf([north]))).toMatchObject({
    overlaps: [
      ['northern', 2, ['tags.owner']],
      ['wide', 2, []],
    ],
  })
})

test('a retry keeps the scope of its source, whoever schedules it, and a retry of a retry too', async () => {
  const jobId = await givenMethodJob(deps, 'pump', {}, {}, within(north))
  await startDue()
  await cancelJob(deps, tester, jobId)
  const retryId = await retryJob(deps, tester, { jobId, status: ['canceled'] })
  expect(await scopeOfJobWith(retryId)).toEqual([north])
  await startDue()
  await cancelJob(deps, within(north, south), retryId)
  await moveTo('n1', 'south')
  const again = await retryJob(deps, within(north, south), { jobId: retryId, status: ['canceled'] })
  expect(await scopeOfJobWith(again)).toEqual([north])
  await startDue()
  // A device that has left the scope of the job does not take part again.
  expect(await targetsOf(again)).toEqual(['n2'])
})

test('of an own job, only device jobs of devices in the scope are cancelled, by whatever condition', async () => {
  const jobId = await givenMethodJob(deps, 'pump', {}, {}, within(north))
  await startDue()
  await moveTo('n1', 'south')
  const unknown = { code: 'NOT_FOUND', message: `Job "${jobId}" has no device "n1".` }
  expect(await refusal(cancelDeviceJobs(deps, within(north), { jobId, deviceId: 'n1' }))).toMatchObject(unknown)
  for (const queryCondition of ["tags.site = 'south'", "deviceId = 'n1'"]) {
    expect(await cancelDeviceJobs(deps, within(north), { jobId, queryCondition })).toMatchObject({ cancelled: 0 })
  }
  expect(await cancelDeviceJobs(deps, within(north), { jobId, queryCondition: '*' })).toMatchObject({ cancelled: 1 })
  expect(await cancelDeviceJobs(deps, tester, { jobId, queryCondition: '*' })).toMatchObject({ cancelled: 1 })
})

test('a foreign job can be neither paused, resumed, cancelled nor retried, and nothing changes', async () => {
  const foreign = [
    await givenMethodJob(deps, 'pump'),
    await givenTwinJob(deps, 'pump'),
    await givenMethodJob(deps, 'pump', {}, {}, within(south)),
    await givenMethodJob(deps, 'pump', {}, {}, within(north, south)),
  ]
  await cancelJob(deps, tester, foreign[0] ?? '')
  const events = () => deps.database.pool.query('select * from job_event order by job_key, version')
  const rows = () => deps.database.pool.query('select * from job order by key')
  const before = [(await events()).rows, (await rows()).rows]
  let published = 0
  for (const jobId of foreign) {
    const stop = deps.events.listen('job', jobId)(() => published++)
    const expected = {
      code: 'FORBIDDEN',
      message: `Job "${jobId}" was not scheduled under your scope. You can neither change nor retry it.`,
      scope: north,
    }
    const refused = await refusal(cancelJob(deps, within(north), jobId))
    expect(refused).toBeInstanceOf(OutOfScopeError)
    expect(refused).toMatchObject(expected)
    expect(await refusal(approveJob(deps, within(north), { jobId }))).toMatchObject(expected)
    expect(await refusal(rejectJob(deps, within(north), { jobId }))).toMatchObject(expected)
    expect(await refusal(pauseJob(deps, within(north), jobId))).toMatchObject(expected)
    expect(await refusal(resumeJob(deps, within(north), jobId))).toMatchObject(expected)
    expect(await refusal(updateJob(deps, within(north), { jobId, name: 'mine' }))).toMatchObject(expected)
    expect(await refusal(retryJob(deps, within(north), { jobId, status: ['canceled'] }))).toMatchObject(expected)
    const ofDevices = cancelDeviceJobs(deps, within(north), { jobId, queryCondition: '*' })
    expect(await refusal(ofDevices)).toMatchObject(expected)
    stop()
  }
  expect([(await events()).rows, (await rows()).rows]).toEqual(before)
  expect(published).toBe(0)
  expect(await refusal(cancelJob(deps, within(north), 'unknown'))).toBeInstanceOf(NotFoundError)
  expect(await refusal(retryJob(deps, within(north), { jobId: 'unknown' }))).toBeInstanceOf(NotFoundError)
})

test('a viewer with several parts may cancel a job of each part, and one without a scope all jobs', async () => {
  const one = await givenMethodJob(deps, 'pump', {}, {}, within(north))
  const other = await givenMethodJob(deps, 'pump', {}, {}, within(south))
  const both = await givenMethodJob(deps, 'pump', {}, {}, within(south, north))
  for (const jobId of [one, other]) await cancelJob(deps, within(north, south), jobId)
  await cancelJob(deps, tester, both)
  expect(await deps.db.prisma.job.count({ where: { status: 'cancelled' } })).toBe(3)
})

test('the expected duration is that of own jobs: the rate of others says how many devices they have', async () => {
  const duration = async (scope: Scope) => {
    const preview = await previewJob(
      deps,
      scope,
      { caller: 'x' },
      { queryCondition: '*', updateTwin: { tags: { x: 1 } } },
    )
    return preview.expectedDurationInSeconds
  }
  const ended = (jobId: string, seconds: number) =>
    deps.database.pool.query(
      `update job set status = 'completed', started_time = $2, end_time = $2::timestamptz + $3 * interval '1 s',
                      device_count = 2, succeeded_count = 2
       where id = $1`,
      [jobId, clock.now(), seconds],
    )
  const given = (by: By) =>
    scheduleJob(deps, by, { type: 'scheduleUpdateTwin', queryCondition: '*', updateTwin: { tags: { owner: 'me' } } })
  await ended(await given(tester), 1)
  expect(await duration(scopeOf([north]))).toBeNull()
  await ended(await given(within(north)), 8)
  expect(await duration(scopeOf([north]))).toBe(8)
})
