import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { createDevices } from '../../src/device/commands.ts'
import { createEvents } from '../../src/events/events.ts'
import { cancelJob, pauseJob, resumeJob, retryJob, updateJob } from '../../src/job/commands.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import { counters, givenMethodJob, givenPresent, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let instance: TestInstance
let received: MethodRequest[]
let detach: Map<string, () => void>

const sites = ['north', 'south'] as const
const devicesOf = (site: string): string[] => [1, 2, 3, 4].map((number) => `${site}-${number}`)
const ids = sites.flatMap(devicesOf)
const budget = { groupBy: 'tags.site', maxConcurrent: 1 }

const attach = (deviceId: string) =>
  detach.set(
    deviceId,
    deps.attached.attach(deviceId, (request) => received.push(request)),
  )
const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const called = () => received.map(({ deviceId }) => deviceId)
const request = (deviceId: string): MethodRequest => {
  const found = received.find((call) => call.deviceId === deviceId)
  if (found === undefined) throw new Error(`${deviceId} was not called.`)
  return found
}
/** The device answers through an instance that did not call it. */
const answer = async (deviceId: string): Promise<void> => {
  const other = await createInstance(deps)
  other.answer(request(deviceId))
  await other.stop()
}

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await createDevices(
    deps,
    everything,
    sites.flatMap((site) => devicesOf(site).map((deviceId) => ({ deviceId, twin: { tags: { fleet: 'pump', site } } }))),
  )
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'budget_group', 'job']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  await givenPresent(deps, ids)
  received = []
  detach = new Map()
  instance = await createInstance(deps)
})
afterEach(async () => {
  for (const end of detach.values()) end()
  await instance.stop()
})

test('a group has one call in progress at a time, and the next leaves when one has ended, through whichever instance', async () => {
  for (const id of ids) attach(id)
  const job = await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  await instance.dispatch()
  await instance.dispatch()
  expect(called()).toEqual(['north-1', 'south-1'])
  for (const number of [1, 2, 3]) {
    await answer(`north-${number}`)
    await instance.dispatch()
    expect(called().at(-1)).toBe(`north-${number + 1}`)
    expect(received).toHaveLength(number + 2)
  }
  for (const number of [1, 2, 3, 4]) {
    if (number === 1) await answer('north-4')
    await answer(`south-${number}`)
    await instance.dispatch()
  }
  expect(called().sort()).toEqual([...ids].sort())
  await finishJobs(deps).run(clock.now())
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 8 succeeded, 0 failed, 0 canceled')
})

test('instances that each have a device of the same group call one of them', async () => {
  const job = await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  const instances = await Promise.all(
    ids.map((id) => {
      const attached = createAttachedDevices()
      attached.attach(id, (call) => received.push(call))
      return createInstance({ ...deps, attached })
    }),
  )
  await Promise.all(instances.map((each) => each.dispatch()))
  expect(received).toHaveLength(2)
  // The next of each group is called by whichever instance is asked first: no event is missed by the others.
  const [first] = called()
  await answer(first ?? '')
  await Promise.all(instances.map((each) => each.dispatch()))
  expect(received).toHaveLength(3)
  expect((await jobRow(deps, job)).runningCount).toBe(2)
  await Promise.all(instances.map((each) => each.stop()))
})

test('an offline device uses no room, and has its turn when it attaches', async () => {
  for (const id of ['north-2', 'north-3']) attach(id)
  await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  await instance.dispatch()
  attach('north-1')
  await instance.dispatch()
  expect(called()).toEqual(['north-2'])
  detach.get('north-3')?.()
  await answer('north-2')
  await instance.dispatch()
  expect(called()).toEqual(['north-2', 'north-1'])
  await answer('north-1')
  await instance.dispatch()
  attach('north-3')
  await instance.dispatch()
  expect(called()).toEqual(['north-2', 'north-1', 'north-3'])
})

test('a call that could not be delivered makes room for the next of the group', async () => {
  attach('north-1')
  attach('north-2')
  await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  // The first disconnects after its call was marked.
  const deliver = (call: MethodRequest): boolean => {
    if (call.deviceId === 'north-1') detach.get('north-1')?.()
    return deps.attached.deliver(call)
  }
  const unlucky = await createInstance({ ...deps, attached: { ...deps.attached, deliver } })
  await unlucky.dispatch()
  expect(called()).toEqual(['north-2'])
  await unlucky.stop()
})

test('a call without an answer counts until its deadline', async () => {
  for (const id of ids) attach(id)
  await givenMethodJob(deps, 'pump', { responseTimeoutInSeconds: 30 }, { rollout: { budget } })
  await start()
  await instance.dispatch()
  clock.advance(29_000)
  await instance.expire()
  await instance.dispatch()
  expect(received).toHaveLength(2)
  clock.advance(2_000)
  await instance.expire()
  await instance.dispatch()
  expect(called().sort()).toEqual(['north-1', 'north-2', 'south-1', 'south-2'])
})

test('a restarted instance knows which groups are full, and settles the calls of its predecessor', async () => {
  for (const id of ids) attach(id)
  await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  await instance.dispatch()
  await instance.stop()
  instance = await createInstance(deps)
  await instance.dispatch()
  expect(received).toHaveLength(2)
  await answer('south-1')
  await instance.dispatch()
  expect(called()).toEqual(['north-1', 'south-1', 'south-2'])
})

test('a lost event costs the time until the calls of the group must have ended', async () => {
  for (const id of devicesOf('north')) attach(id)
  await givenMethodJob(deps, 'pump', { responseTimeoutInSeconds: 10 }, { rollout: { budget } })
  await start()
  await instance.dispatch()
  const silent = await createInstance({ ...deps, events: createEvents(clock) })
  silent.answer(request('north-1'))
  await silent.stop()
  await instance.dispatch()
  expect(called()).toEqual(['north-1'])
  clock.advance(15_001)
  await instance.dispatch()
  expect(called()).toEqual(['north-1', 'north-2'])
})

test('a paused job sends nothing to groups with room, and goes on where it was', async () => {
  for (const id of ids) attach(id)
  const jobId = await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  await instance.dispatch()
  await pauseJob(deps, tester, jobId)
  await answer('north-1')
  await instance.dispatch()
  expect(received).toHaveLength(2)
  await resumeJob(deps, tester, jobId)
  await instance.dispatch()
  expect(called()).toEqual(['north-1', 'south-1', 'north-2'])
  await cancelJob(deps, tester, jobId)
  await answer('north-2')
  await instance.dispatch()
  expect(received).toHaveLength(3)
})

test('a higher budget takes effect at once, and no budget calls all', async () => {
  for (const id of ids) attach(id)
  const jobId = await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  await instance.dispatch()
  await updateJob(deps, tester, { jobId, rollout: { budget: { maxConcurrent: 3 } } })
  await instance.dispatch()
  expect(called().sort()).toEqual(['north-1', 'north-2', 'north-3', 'south-1', 'south-2', 'south-3'])
  await updateJob(deps, tester, { jobId, rollout: { budget: null } })
  await instance.dispatch()
  expect(called().sort()).toEqual([...ids].sort())
})

test('a retry has the budget of its source, and groups its own devices', async () => {
  for (const id of ids) attach(id)
  const source = await givenMethodJob(deps, 'pump', {}, { rollout: { budget } })
  await start()
  clock.advance(3_600_001)
  await finishJobs(deps).run(clock.now())
  const retry = await retryJob(deps, tester, { jobId: source })
  await start()
  await instance.dispatch()
  expect(await jobRow(deps, retry)).toMatchObject({
    budgetGroupBy: 'tags.site',
    budgetMaxConcurrent: 1,
    runningCount: 2,
  })
})
