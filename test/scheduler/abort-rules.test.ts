import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import type { Deps } from '../../src/deps.ts'
import { resumeJob } from '../../src/job/commands.ts'
import { findHistories } from '../../src/job/store/history.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { countedDb } from '../support/counted-db.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, givenTwinJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let ids: string[]
let instances: TestInstance[]
let received: MethodRequest[]

const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const finish = () => finishJobs(deps).run(clock.now())
/** An instance to which these devices are connected. */
async function given(deviceIds: readonly string[], windowSize?: number, own: Deps = deps): Promise<TestInstance> {
  const attached = createAttachedDevices()
  for (const id of deviceIds) attached.attach(id, (request) => received.push(request))
  const instance = await createInstance({ ...own, attached }, windowSize)
  instances.push(instance)
  return instance
}
const rollout = (rule: object) => ({ rollout: { abort: [{ on: ['failed', 'refused'], ...rule }] } })
const eventOf = async (jobId: string) =>
  (await findHistories(deps.db, [String((await jobRow(deps, jobId)).key)])).find(({ cause }) => cause === 'rule')

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  ids = await givenDevices(deps, 'pump', 12)
  await givenPresent(deps, ids)
  received = []
  instances = []
})
afterEach(() => Promise.all(instances.map((instance) => instance.stop())))

test('whatever several instances are about to send, no more is sent than the event of the rule says', async () => {
  const job = await givenMethodJob(deps, 'pump', {}, rollout({ percent: 50, action: 'pause' }))
  await start()
  const each = await Promise.all(ids.map((id) => given([id])))
  const [first] = each
  await first?.dispatch()
  for (const request of received) first?.answer(request, 500)
  await Promise.all([first?.settled(), ...each.map((instance) => instance.dispatch())])
  const event = await eventOf(job)
  expect(event?.crossing).toMatchObject({ matched: 1, ended: 1 })
  const sent = received.length
  expect(sent).toBe(1 + (event?.crossing?.underWay ?? Number.NaN))
  await Promise.all(each.map((instance) => instance.dispatch()))
  expect(received).toHaveLength(sent)

  await resumeJob(deps, tester, job)
  await Promise.all(each.map((instance) => instance.dispatch()))
  expect(received.map(({ deviceId }) => deviceId).sort()).toEqual(ids)
})

test('calls that are not answered in time are failures', async () => {
  const job = await givenMethodJob(deps, 'pump', {}, rollout({ percent: 100, afterDevices: 5, action: 'cancel' }))
  await start()
  const instance = await given(ids, 5)
  await instance.dispatch()
  clock.advance(31_000)
  await instance.expire()
  expect(await counters(deps, job)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 5 failed, 7 canceled')
  await finish()
  expect((await jobRow(deps, job)).endTime).toEqual(clock.now())
})

test('a twin job is stopped after the batch that crosses the threshold', async () => {
  await givenDevices(deps, 'valve', 501)
  const job = await givenTwinJob(deps, 'valve', rollout({ percent: 0, action: 'pause' }))
  await start()
  await deps.database.pool.query("delete from device where id like 'valve%'")
  const step = dispatchTwinUpdates(deps)
  while ((await step.run(clock.now())).done > 0) clock.advance(60_000)
  expect(await counters(deps, job)).toBe('paused: 1 pending, 0 running, 0 succeeded, 500 failed, 0 canceled')
  expect((await eventOf(job))?.crossing).toMatchObject({ matched: 500, ended: 500, underWay: 0 })
})

test('rules take no statement, neither of jobs that have some nor of those that have not', async () => {
  const statementsOf = async (request: object): Promise<number> => {
    const db = countedDb(deps.db)
    received = []
    const job = await givenMethodJob(deps, 'pump', {}, request)
    await start()
    const instance = await given(ids, undefined, { ...deps, db })
    await instance.dispatch()
    for (const call of received) instance.answer(call, 500)
    await instance.settled()
    await finish()
    expect(await counters(deps, job)).toContain('12 succeeded')
    return db.asked.statements
  }
  const without = await statementsOf({})
  expect(without).toBeGreaterThan(0)
  expect(await statementsOf(rollout({ percent: 50, action: 'pause' }))).toBe(without)
})
