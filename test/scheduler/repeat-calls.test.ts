import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { deleteDevice } from '../../src/device/commands.ts'
import { createEvents } from '../../src/events/events.ts'
import { cancelJob, pauseJob, resumeJob, retryJob } from '../../src/job/commands.ts'
import { closeDeletedDevices } from '../../src/scheduler/close-deleted-devices.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { judgeGates } from '../../src/scheduler/judge-gates.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { countedDb } from '../support/counted-db.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let ids: string[]
let instance: TestInstance
let received: MethodRequest[]
let detach: Map<string, () => void>

const retry = { maxAttempts: 3, on: ['GatewayTimeout', '503'], backoffSeconds: 0 }
const long = { ...retry, backoffSeconds: 600 }

const attach = (deviceId: string, { attached } = deps): void => {
  detach.set(
    deviceId,
    attached.attach(deviceId, (request) => received.push(request)),
  )
}
const start = async (policy: object = retry, rollout: object = {}, call: object = {}): Promise<string> => {
  const jobId = await givenMethodJob(deps, 'pump', { ...call }, { rollout: { retry: policy, ...rollout } })
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  return jobId
}
/** The last call that the device has received. */
const callOf = (deviceId: string): MethodRequest => {
  const call = received.findLast((request) => request.deviceId === deviceId)
  if (call === undefined) throw new Error(`${deviceId} was not called.`)
  return call
}
/** The device answers through an instance that did not call it. */
const answer = async (deviceId: string, status: number, call = callOf(deviceId)): Promise<void> => {
  const other = await createInstance(deps)
  other.answer(call, status)
  await other.stop()
}
/** The waits of all attempts are over. */
const backOff = async (): Promise<void> => {
  await deps.database.pool.query("update device_job_attempt set not_before = now() - interval '1 second'")
  clock.advance(600_000)
}
const called = () => received.map(({ deviceId }) => deviceId)

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  ids = await givenDevices(deps, 'pump', 3)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_attempt', 'device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
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

test('a device that fails twice and then succeeds has been called three times, each with another request id', async () => {
  attach('pump-0001')
  const job = await start()
  await instance.dispatch()
  for (const status of [503, 503, 200]) {
    await answer('pump-0001', status)
    await instance.dispatch()
  }
  expect(called()).toEqual(['pump-0001', 'pump-0001', 'pump-0001'])
  expect(new Set(received.map(({ requestId }) => requestId)).size).toBe(3)
  expect(await counters(deps, job)).toBe('running: 2 pending, 0 running, 1 succeeded, 0 failed, 0 canceled')
})

test('a call without an answer is repeated, and a late answer to it changes nothing', async () => {
  attach('pump-0001')
  const job = await start(retry, {}, { responseTimeoutInSeconds: 30 })
  await instance.dispatch()
  const first = callOf('pump-0001')
  clock.advance(30_001)
  await instance.expire()
  await instance.dispatch()
  expect(received).toHaveLength(2)
  await answer('pump-0001', 200, first)
  expect(await counters(deps, job)).toBe('running: 2 pending, 1 running, 0 succeeded, 0 failed, 0 canceled')
  await answer('pump-0001', 200)
  expect(await counters(deps, job)).toBe('running: 2 pending, 0 running, 1 succeeded, 0 failed, 0 canceled')
})

test('the next attempt waits for its back-off, and for nothing else', async () => {
  attach('pump-0001')
  await start(long)
  await instance.dispatch()
  await answer('pump-0001', 503)
  await instance.dispatch()
  expect(received).toHaveLength(1)
  await backOff()
  await instance.dispatch()
  expect(received).toHaveLength(2)
})

test('a restart forgets no attempt', async () => {
  attach('pump-0001')
  attach('pump-0002')
  await start(long)
  await instance.dispatch()
  await answer('pump-0001', 503)
  await answer('pump-0002', 503)
  await instance.stop()
  instance = await createInstance(deps)
  await instance.dispatch()
  expect(received).toHaveLength(2)
  await backOff()
  await instance.dispatch()
  expect(called().sort()).toEqual(['pump-0001', 'pump-0001', 'pump-0002', 'pump-0002'])
})

test('a call that a dead instance left behind is repeated when its outcome stays unknown', async () => {
  attach('pump-0001')
  const job = await start({ ...retry, on: ['OutcomeUnknown'] })
  await instance.dispatch()
  await instance.stop()
  instance = await createInstance(deps)
  await instance.expire() // finds the mark
  clock.advance(60_000)
  await instance.expire()
  await instance.dispatch()
  expect(received).toHaveLength(2)
  await answer('pump-0001', 200)
  expect(await counters(deps, job)).toBe('running: 2 pending, 0 running, 1 succeeded, 0 failed, 0 canceled')
})

test('the next attempt leaves through the instance that the device is connected to by then', async () => {
  attach('pump-0001')
  await start()
  await instance.dispatch()
  const call = callOf('pump-0001')
  detach.get('pump-0001')?.()
  const attached = createAttachedDevices()
  const other = await createInstance({ ...deps, attached })
  attached.attach('pump-0001', (request) => received.push(request))
  await other.dispatch()
  expect(received).toHaveLength(1)
  await answer('pump-0001', 503, call)
  await Promise.all([instance.dispatch(), other.dispatch()])
  expect(received).toHaveLength(2)
  await other.stop()
})

test('a device that is offline after its back-off is called when it attaches, and one that attaches earlier is not', async () => {
  attach('pump-0001')
  await start(long)
  await instance.dispatch()
  detach.get('pump-0001')?.()
  await answer('pump-0001', 503)
  attach('pump-0001')
  await instance.dispatch()
  expect(received).toHaveLength(1)
  detach.get('pump-0001')?.()
  await backOff()
  await instance.dispatch()
  expect(received).toHaveLength(1)
  attach('pump-0001')
  await instance.dispatch()
  expect(received).toHaveLength(2)
})

test('a lost event costs a minute', async () => {
  attach('pump-0001')
  await start()
  await instance.dispatch()
  const silent = await createInstance({ ...deps, events: createEvents(clock) })
  silent.answer(callOf('pump-0001'), 503)
  await silent.stop()
  await instance.dispatch()
  expect(received).toHaveLength(1)
  clock.advance(60_000)
  await instance.dispatch()
  expect(received).toHaveLength(2)
})

test('a connect timeout does not concern a device that was called', async () => {
  attach('pump-0001')
  const job = await start(long, {}, { connectTimeoutInSeconds: 30 })
  await instance.dispatch()
  await answer('pump-0001', 503)
  detach.get('pump-0001')?.()
  clock.advance(31_000)
  await instance.expire()
  expect(await counters(deps, job)).toBe('running: 1 pending, 0 running, 0 succeeded, 2 failed, 0 canceled')
})

test('a paused job repeats nothing until it is resumed', async () => {
  attach('pump-0001')
  const job = await start(long)
  await instance.dispatch()
  await answer('pump-0001', 503)
  await instance.dispatch()
  await pauseJob(deps, tester, job)
  await instance.dispatch()
  await backOff()
  await instance.dispatch()
  expect(received).toHaveLength(1)
  await resumeJob(deps, tester, job)
  await instance.dispatch()
  expect(received).toHaveLength(2)
})

test('a cancelled job repeats nothing', async () => {
  attach('pump-0001')
  const job = await start(long)
  await instance.dispatch()
  await answer('pump-0001', 503)
  await cancelJob(deps, tester, job)
  await finishJobs(deps).run(clock.now())
  await backOff()
  await instance.dispatch()
  expect(received).toHaveLength(1)
  expect(await jobRow(deps, job)).toMatchObject({ refusedCount: 1, cancelledCount: 2 })
})

test('a gate that fails cancels the job while a device of its wave waits for another attempt', async () => {
  for (const id of ids) attach(id)
  const gate = { succeededPercent: 100, onFailure: 'cancel' }
  const job = await start(long, { waves: [{ devices: 2, gate }, {}] })
  await instance.dispatch()
  const [first = '', second = ''] = called()
  await answer(first, 503)
  await answer(second, 404)
  await judgeGates(deps).run(clock.now())
  expect(await counters(deps, job)).toBe('cancelled: 0 pending, 0 running, 2 succeeded, 0 failed, 1 canceled')
  const { rows } = await deps.database.pool.query(
    'select wave, refused_count as refused, failed_time is not null as failed from job_wave order by wave',
  )
  expect(rows).toEqual([
    { wave: 1, refused: 2, failed: true },
    { wave: 2, refused: 0, failed: false },
  ])
})

test('a device that is deleted while it waits for another attempt fails', async () => {
  const [, , id = ''] = ids
  attach(id)
  const closing = closeDeletedDevices(deps)
  const job = await start(long)
  await instance.dispatch()
  await answer(id, 503)
  await deleteDevice(deps, everything, { deviceId: id, ifMatch: '*' })
  await closing.run(clock.now())
  closing.close()
  expect(await counters(deps, job)).toBe('running: 2 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
  ids = [...ids.slice(0, 2), ...(await givenDevices(deps, 'pump-again', 1))]
})

test('with one call at a time, the devices have their turn in between', async () => {
  attach('pump-0001')
  attach('pump-0002')
  await start({ ...retry, backoffSeconds: 0 }, { maxConcurrent: 1 })
  await instance.dispatch()
  for (const status of [503, 503, 200, 503, 200]) {
    await answer(called().at(-1) ?? '', status)
    clock.advance(5_001) // the event of the job is held back
    await instance.dispatch()
  }
  expect(received).toHaveLength(5)
  expect(new Set(called().slice(0, 2))).toEqual(new Set(['pump-0001', 'pump-0002']))
})

test('a retry of a job has its policy', async () => {
  attach('pump-0001')
  const source = await start({ ...retry, maxAttempts: 2 })
  await instance.dispatch()
  for (const status of [503, 503]) {
    await answer('pump-0001', status)
    await instance.dispatch()
  }
  await cancelJob(deps, tester, source)
  await finishJobs(deps).run(clock.now())
  await retryJob(deps, tester, { jobId: source, result: ['refused'] })
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  await instance.dispatch()
  await answer('pump-0001', 503)
  await instance.dispatch()
  expect(received).toHaveLength(4)
})

test('when calls of jobs without waiting devices are repeated, their devices are not read again', async () => {
  for (const id of ids) attach(id)
  const names: (string | undefined)[] = []
  await instance.stop()
  const db: typeof deps.db = {
    ...deps.db,
    query: (sql, name) => {
      names.push(name)
      return deps.db.query(sql, name)
    },
  }
  instance = await createInstance({ ...deps, db })
  await start()
  await start()
  await instance.dispatch()
  await instance.dispatch() // no device waits
  const before = received.length
  expect(names).toContain('find-targets')
  names.length = 0
  for (const call of received.filter(({ deviceId }) => deviceId === 'pump-0001')) await answer('pump-0001', 503, call)
  await instance.dispatch()
  expect(received).toHaveLength(before + 2)
  expect(names).not.toContain('find-targets')
  // One statement for all jobs.
  expect(names.filter((name) => name === 'find-repeated')).toHaveLength(1)
})

test('a job without a policy asks nothing about attempts', async () => {
  for (const id of ids) attach(id)
  await givenMethodJob(deps, 'pump')
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  const db = countedDb(deps.db)
  const counting = await createInstance({ ...deps, db })
  const before = db.asked.statements
  await counting.dispatch()
  // The jobs that wait, the job, a page of its devices, and the marks.
  expect(db.asked.statements - before).toBe(4)
  await counting.stop()
})
