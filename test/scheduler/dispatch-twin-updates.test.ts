import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { deleteDevice } from '../../src/device/commands.ts'
import type { DesiredPatch } from '../../src/events/topics.ts'
import { cancelJob } from '../../src/job/commands.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin, readTwin } from '../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { counters, givenDevices, givenTwinJob, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
})

const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const dispatch = async () => {
  const step = dispatchTwinUpdates(deps)
  while ((await step.run(clock.now())).full);
}

test('every twin is patched, whether its device is here or not, and its device is told', async () => {
  await givenDevices(deps, 'valve', 3)
  const told: DesiredPatch[] = []
  const stopListening = deps.events.listen('desiredPatches')((patches) => told.push(...patches))
  const job = await givenTwinJob(deps, 'valve')
  await start()
  await dispatch()
  stopListening()
  await finishJobs(deps).run(clock.now())
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 3 succeeded, 0 failed, 0 canceled')
  expect(await readTwin(deps, everything, 'valve-0002')).toMatchObject({ desired: { interval: 60 }, desiredVersion: 2 })
  expect(told).toContainEqual({ deviceId: 'valve-0003', version: 2, patch: { interval: 60 } })
})

test('two instances at work on one job patch each twin once', async () => {
  await givenDevices(deps, 'many', 1_200)
  const job = await givenTwinJob(deps, 'many')
  await start()
  await Promise.all([dispatch(), dispatch(), dispatch()])
  expect(await counters(deps, job)).toContain('1200 succeeded')
  const { rows } = await deps.database.pool.query('select distinct desired_version from twin')
  expect(rows).toEqual([{ desired_version: 2 }])
})

const emptyMembers = (count: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, {}]))

test('a batch that ends early by its bytes leaves the rest to the next ones, and each twin is patched once', async () => {
  const ids = await givenDevices(deps, 'heavy', 75)
  const job = await givenTwinJob(deps, 'heavy', { updateTwin: { properties: { desired: emptyMembers(1_000) } } })
  await start()
  const step = dispatchTwinUpdates(deps)
  const first = await step.run(clock.now())
  expect(first.full).toBe(true)
  expect(first.done).toBeGreaterThan(0)
  expect(first.done).toBeLessThan(ids.length)
  expect(await counters(deps, job)).toContain(`${first.done} succeeded`)
  // The cursor stays before the twins that are left: the next batch has them all.
  const second = await step.run(clock.now())
  expect(first.done + second.done).toBe(ids.length)
  await finishJobs(deps).run(clock.now())
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 75 succeeded, 0 failed, 0 canceled')
  const { rows } = await deps.database.pool.query('select distinct desired_version from twin')
  expect(rows).toEqual([{ desired_version: 2 }])
})

test('a job with large twins pauses after each, as their budget says, and other jobs do not', async () => {
  await givenDevices(deps, 'large', 3)
  await givenDevices(deps, 'small', 3)
  const large = await givenTwinJob(deps, 'large', { updateTwin: { properties: { desired: emptyMembers(3_900) } } })
  await start()
  const step = dispatchTwinUpdates(deps)
  const begin = clock.now().getTime()
  const first = await step.run(clock.now())
  // One twin was patched, and the pause pays for its bytes.
  expect(first).toMatchObject({ done: 1, full: false, next: expect.any(Date) })
  const pause = Number(first.next) - begin
  expect(pause).toBeGreaterThan((128 * 1024 * 1000) / deps.limits.largeTwinUpdates)
  expect(pause).toBeLessThan((1024 * 1024 * 1000) / deps.limits.largeTwinUpdates)

  const small = await givenTwinJob(deps, 'small')
  await start()
  expect(await step.run(clock.now())).toMatchObject({ done: 3, full: true, next: first.next })
  expect(await counters(deps, small)).toContain('3 succeeded')
  expect(await counters(deps, large)).toContain('1 succeeded')
  expect(await step.run(clock.now())).toMatchObject({ done: 0, full: false, next: first.next })

  clock.advance(pause)
  const second = await step.run(clock.now())
  expect(second).toMatchObject({ done: 1, full: false })
  clock.advance(Number(second.next) - clock.now().getTime())
  await step.run(clock.now())
  expect(await counters(deps, large)).toContain('3 succeeded')
})

test('a pause after a large twin is no longer when the clock of the machine is set back', async () => {
  await givenDevices(deps, 'back', 2)
  await givenTwinJob(deps, 'back', { updateTwin: { properties: { desired: emptyMembers(3_900) } } })
  await start()
  let offset = 0
  const now = () => new Date(clock.now().getTime() + offset)
  const step = dispatchTwinUpdates({ ...deps, clock: { ...clock, now } })
  const { next } = await step.run(now())
  const pause = Number(next) - now().getTime()
  offset = -3_600_000
  clock.advance(pause - 1)
  expect(await step.run(now())).toMatchObject({ done: 0, next: new Date(now().getTime() + 1) })
  clock.advance(1)
  expect((await step.run(now())).done).toBe(1)
})

test('jobs with large twins share the budget', async () => {
  for (const name of ['one', 'two']) {
    await givenDevices(deps, name, 2)
    await givenTwinJob(deps, name, { updateTwin: { properties: { desired: emptyMembers(3_900) } } })
  }
  await start()
  await start()
  const step = dispatchTwinUpdates(deps)
  const begin = clock.now().getTime()
  const { done, next } = await step.run(clock.now())
  expect(done).toBe(2)
  const pause = Number(next) - begin
  clock.advance(pause)
  // Only the first of them goes on: the second pays for its twin after that of the first.
  expect((await step.run(clock.now())).done).toBe(1)
  clock.advance(pause)
  expect((await step.run(clock.now())).done).toBe(1)
})

test('a twin that would grow over its limit fails alone, with the reason', async () => {
  await givenDevices(deps, 'full', 2)
  const filler = Object.fromEntries(Array.from({ length: 8 }, (_, index) => [`k${index}`, 'x'.repeat(4_090)]))
  await patchTwin(deps, everything, { deviceId: 'full-0001', patch: { desired: filler }, ifMatch: '*' })
  const job = await givenTwinJob(deps, 'full', { updateTwin: { properties: { desired: { more: 'y'.repeat(1_000) } } } })
  await start()
  await dispatch()
  expect(await counters(deps, job)).toContain('1 succeeded, 1 failed')
  const { rows } = await deps.database.pool.query(
    'select error_code, error_description from device_job_outcome where error_code is not null',
  )
  expect(rows).toEqual([{ error_code: 'ArgumentInvalid', error_description: expect.stringContaining('32 KB') }])
})

test('a patch without content succeeds on every device and changes none', async () => {
  await givenDevices(deps, 'still', 2)
  const job = await givenTwinJob(deps, 'still', {
    updateTwin: { tags: {}, properties: { desired: {} } },
    mayChangeNothing: true,
  })
  await start()
  await dispatch()
  await finishJobs(deps).run(clock.now())
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 2 succeeded, 0 failed, 0 canceled')
  expect(await readTwin(deps, everything, 'still-0001')).toMatchObject({
    version: 1,
    desiredVersion: 1,
    etagVersion: 1,
  })
})

test('a device that was deleted since the start has failed', async () => {
  await givenDevices(deps, 'gone', 2)
  const job = await givenTwinJob(deps, 'gone')
  await start()
  await deleteDevice(deps, everything, { deviceId: 'gone-0001', ifMatch: '*' })
  await dispatch()
  expect(await counters(deps, job)).toContain('1 succeeded, 1 failed')
})

test('a cancelled job patches no further twin', async () => {
  await givenDevices(deps, 'stop', 2)
  const job = await givenTwinJob(deps, 'stop')
  await start()
  await cancelJob(deps, tester, job)
  await dispatch()
  expect(await counters(deps, job)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 2 canceled')
  expect((await readTwin(deps, everything, 'stop-0001')).desired).toEqual({})
})
