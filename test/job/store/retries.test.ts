import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { deleteDevice } from '../../../src/device/commands.ts'
import { InvalidInputError } from '../../../src/errors.ts'
import { cancelJob, retryJob } from '../../../src/job/commands.ts'
import type { EndedStatus, RetryInput } from '../../../src/job/retry.ts'
import { type DeviceJobResult, deviceJobResult } from '../../../src/job/state.ts'
import { type DeviceJobView, findDeviceJobsByKey } from '../../../src/job/store/device-jobs.ts'
import { type Settlement, settle } from '../../../src/job/store/facts.ts'
import { findFamilyStatistics } from '../../../src/job/store/families.ts'
import { lockSource } from '../../../src/job/store/jobs.ts'
import { deleteOldJobs } from '../../../src/scheduler/delete-old-jobs.ts'
import { finishJobs } from '../../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../../src/scope.ts'
import { patchTwins } from '../../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { givenDevices, givenMethodJob, jobRow, markCalls, tester } from '../../support/rows.ts'
import { unhurried } from '../../support/unhurried.ts'

const day = 86_400_000
let deps: TestDeps
let clock: TestClock
let deviceIds: string[]

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  deviceIds = await givenDevices(deps, 'pump', 6)
})
afterAll(() => deps.close())
beforeEach(() => forgetJobs())

const forgetJobs = async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
}

/** There was nothing to retry: no job. Any other error is one. */
function nothingSelected(error: unknown): undefined {
  if (!(error instanceof InvalidInputError)) throw error
}

/** What becomes of one device in a job. */
const fates = ['untouched', 'unanswered', 'answers 200', 'answers 500', 'fails X', 'fails Y'] as const
type Fate = (typeof fates)[number]

const start = () => startDueJobs(deps, { maxRunning: 100 }).run(clock.now())

/** Runs the job that waits to its end: by the deadline, or by a cancellation before. */
async function run(jobId: string, fateOf: (deviceId: string) => Fate, cancelled = false): Promise<string> {
  await start()
  const targets = await deps.db.prisma.deviceJob.findMany({ where: { jobKey: (await jobRow(deps, jobId)).key } })
  await deps.db.transaction(async (tx) => {
    const called = targets.filter(({ deviceId }) => fateOf(deviceId) !== 'untouched')
    const deadline = new Date(clock.now().getTime() + 1_000)
    const keys = called.map(({ deviceId }) => ({ jobId, deviceId }))
    const dispatches = keys.map((key) => ({ ...key, deadline }))
    await markCalls(deps, tx, dispatches)
    const ends = keys.flatMap((key): Settlement[] => {
      const [verb, what = ''] = fateOf(key.deviceId).split(' ')
      if (verb === 'answers') return [{ ...key, response: { status: Number(what), payload: 'null' } }]
      return verb === 'fails' ? [{ ...key, error: { code: what, description: '' } }] : []
    })
    await settle(tx, ends, 'running', clock.now())
  })
  if (cancelled) await cancelJob(deps, tester, jobId)
  clock.advance(3_600_000)
  await finishJobs(deps).run(clock.now())
  return jobId
}

const viewsOf = (jobId: string) =>
  findDeviceJobsByKey(
    deps.db,
    everything,
    deviceIds.map((deviceId) => ({ jobId, deviceId })),
  )

const devicesOf = async (jobId: string) => {
  const { key } = await jobRow(deps, jobId)
  const targets = await deps.db.prisma.deviceJob.findMany({ where: { jobKey: key }, orderBy: { deviceId: 'asc' } })
  return targets.map(({ deviceId }) => deviceId)
}

const ended: readonly EndedStatus[] = ['completed', 'failed', 'canceled']
const selection = fc.oneof(
  fc.record({ status: fc.subarray([...ended], { minLength: 1 }) }),
  fc.record({ errorCode: fc.subarray(['X', 'Y', 'JobRunPreconditionFailed', 'other'], { minLength: 1 }) }),
  fc.record({ responseStatus: fc.subarray([200, 500, 404], { minLength: 1 }) }),
  fc.record({
    result: fc.subarray<DeviceJobResult>(['succeeded', 'refused', 'failed', 'cancelled'], { minLength: 1 }),
  }),
  fc.constant({}),
)

test('a retry has the devices whose device jobs are as selected, and no others', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.constantFrom(...fates), { minLength: 6, maxLength: 6 }),
      fc.boolean(),
      selection,
      async (given, cancelled, selected: Omit<RetryInput, 'jobId'>) => {
        const fateOf = (deviceId: string) => given[deviceIds.indexOf(deviceId)] ?? 'untouched'
        const jobId = await run(await givenMethodJob(deps, 'pump'), fateOf, cancelled)
        const { errorCode, responseStatus, result } = selected
        const status: readonly string[] = selected.status ?? [responseStatus ? 'completed' : 'failed']
        const isSelected = (view: DeviceJobView): boolean =>
          result == null
            ? status.includes(view.status)
            : result.includes(deviceJobResult(view.status, view.responseStatus))
        const expected = (await viewsOf(jobId))
          .filter(
            (view) =>
              isSelected(view) &&
              (errorCode == null || errorCode.includes(view.errorCode ?? '')) &&
              (responseStatus == null || responseStatus.includes(view.responseStatus ?? 0)),
          )
          .map(({ deviceId }) => deviceId)
          .sort()
        const retried = retryJob(deps, tester, { jobId, ...selected })
        if (expected.length === 0) {
          await expect(retried).rejects.toThrow('nothing to retry')
          return
        }
        const retry = await retried
        await start()
        expect(await devicesOf(retry)).toEqual(expected)
      },
    ),
    { numRuns: 40 },
  )
})

test('a family counts every device once: done when it ever was, else as in the newest job that has it', async () => {
  const fatesOfAll = fc.array(fc.constantFrom(...fates), { minLength: 6, maxLength: 6 })
  const status = fc.subarray([...ended], { minLength: 1 })
  const round = fc.record({ given: fatesOfAll, cancelled: fc.boolean(), ofFirst: fc.boolean(), status })
  await fc.assert(
    fc.asyncProperty(fc.array(round, { minLength: 1, maxLength: 4 }), async (rounds) => {
      await forgetJobs()
      const jobs: string[] = []
      for (const { given, cancelled, ofFirst, status } of rounds) {
        const fateOf = (deviceId: string) => given[deviceIds.indexOf(deviceId)] ?? 'untouched'
        const source = ofFirst ? jobs[0] : jobs.at(-1)
        const jobId =
          source === undefined
            ? await givenMethodJob(deps, 'pump')
            : await retryJob(deps, tester, { jobId: source, status }).catch(nothingSelected)
        if (jobId === undefined) continue
        jobs.push(await run(jobId, fateOf, cancelled))
      }
      const results = new Map<string, string>()
      for (const jobId of jobs) {
        for (const { deviceId, status, responseStatus } of await viewsOf(jobId)) {
          if (results.get(deviceId) !== 'succeeded') results.set(deviceId, deviceJobResult(status, responseStatus))
        }
      }
      const count = (result: string) => [...results.values()].filter((other) => other === result).length
      const { key } = await jobRow(deps, jobs[0] ?? '')
      expect(await findFamilyStatistics(unhurried(deps.db), [String(key)])).toEqual([
        {
          familyKey: String(key),
          deviceCount: 6,
          pendingCount: 0,
          runningCount: 0,
          succeededCount: count('succeeded') + count('refused'),
          refusedCount: count('refused'),
          skippedCount: 0,
          failedCount: count('failed'),
          cancelledCount: count('cancelled'),
        },
      ])
    }),
    { numRuns: 20 },
  )
})

test('devices that were deleted, or no longer meet the condition, are left out when the retry starts', async () => {
  await givenDevices(deps, 'lamp', 3)
  const jobId = await run(await givenMethodJob(deps, 'lamp'), () => 'fails X')
  const retry = await retryJob(deps, tester, { jobId })
  await deleteDevice(deps, everything, { deviceId: 'lamp-0001', ifMatch: '*' })
  await deps.db.transaction((tx) => patchTwins(deps, tx, ['lamp-0002'], { tags: { fleet: 'scrap' } }, clock.now()))
  await start()
  expect(await devicesOf(retry)).toEqual(['lamp-0003'])
})

test('a retry of a retry takes its devices from that', async () => {
  const first = await run(await givenMethodJob(deps, 'pump'), () => 'fails X')
  const one = deviceIds[0]
  const second = await run(await retryJob(deps, tester, { jobId: first }), (id) =>
    id === one ? 'fails X' : 'answers 200',
  )
  const third = await retryJob(deps, tester, { jobId: second })
  await start()
  expect(await devicesOf(third)).toEqual([one])
  const { key } = await jobRow(deps, first)
  expect(await jobRow(deps, third)).toMatchObject({ familyKey: key, retryOfKey: (await jobRow(deps, second)).key })
})

test('a job is kept while a retry that has not started needs its facts, and then no longer', async () => {
  const deleteAllOld = async () => {
    while ((await deleteOldJobs(deps, { historyDays: 10 }).run(clock.now())).full);
  }
  const jobId = await run(await givenMethodJob(deps, 'pump'), () => 'fails X')
  const startTime = new Date(clock.now().getTime() + 20 * day)
  const retry = await retryJob(deps, tester, { jobId, startTime })
  clock.advance(20 * day - 1)
  await deleteAllOld()
  expect(await deps.db.prisma.job.count({ where: { id: jobId } })).toBe(1)
  clock.advance(1)
  await start()
  expect(await devicesOf(retry)).toEqual(deviceIds)
  await deleteAllOld()
  expect(await deps.db.prisma.job.findMany({ select: { id: true } })).toEqual([{ id: retry }])
})

test('a retry that was cancelled before its start needs nothing', async () => {
  const jobId = await run(await givenMethodJob(deps, 'pump'), () => 'fails X')
  const retry = await retryJob(deps, tester, { jobId, startTime: new Date(clock.now().getTime() + 20 * day) })
  clock.advance(5 * day)
  await cancelJob(deps, tester, retry)
  clock.advance(6 * day)
  await deleteOldJobs(deps, { historyDays: 10 }).run(clock.now())
  expect(await deps.db.prisma.job.findMany({ select: { id: true } })).toEqual([{ id: retry }])
})

test('a job is not deleted from under a retry that is being made of it', async () => {
  const jobId = await run(await givenMethodJob(deps, 'pump'), () => 'fails X')
  clock.advance(11 * day)
  await deps.db.transaction(async (tx) => {
    await lockSource(tx, jobId)
    await deleteOldJobs(deps, { historyDays: 10 }).run(clock.now())
    expect(await deps.db.prisma.job.count()).toBe(1)
  })
  await deleteOldJobs(deps, { historyDays: 10 }).run(clock.now())
  expect(await deps.db.prisma.job.count()).toBe(0)
})

test('jobs that are kept for their retries do not keep others', async () => {
  const startTime = new Date(clock.now().getTime() + 20 * day)
  const kept: string[] = []
  for (let count = 0; count < 6; count++) {
    const jobId = await run(await givenMethodJob(deps, 'pump'), () => 'fails X')
    kept.push(jobId, await retryJob(deps, tester, { jobId, startTime }))
  }
  await run(await givenMethodJob(deps, 'pump'), () => 'fails X')
  clock.advance(11 * day)
  await deleteOldJobs(deps, { historyDays: 10 }).run(clock.now())
  expect((await deps.db.prisma.job.findMany()).map(({ id }) => id).sort()).toEqual(kept.sort())
})
