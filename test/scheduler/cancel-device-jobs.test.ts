import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { deleteDevice } from '../../src/device/commands.ts'
import { InvalidInputError } from '../../src/errors.ts'
import { jobEventInterval } from '../../src/events/events.ts'
import { cancelJob, pauseJob, resumeJob, retryJob } from '../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../src/job/device-job-commands.ts'
import { findDeviceJobsByKey } from '../../src/job/store/device-jobs.ts'
import { findHistories } from '../../src/job/store/history.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, givenTwinJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let ids: string[]
let instance: TestInstance
let received: MethodRequest[]
let detach: (() => void)[]

const attach = (deviceId: string) => detach.push(deps.attached.attach(deviceId, (request) => received.push(request)))
const called = () => received.map(({ deviceId }) => deviceId)
const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const finish = () => finishJobs(deps).run(clock.now())
const among = (...deviceIds: readonly string[]) => `deviceId IN [${deviceIds.map((id) => `'${id}'`).join(', ')}]`
const cancel = (jobId: string, ...deviceIds: readonly string[]) =>
  cancelDeviceJobs(deps, tester, { jobId, queryCondition: among(...deviceIds) })

/** Lets the intervals pass in which changes of a job are held back. */
const calm = async () => {
  for (let turn = 0; turn < 3; turn++) {
    clock.advance(jobEventInterval)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  ids = await givenDevices(deps, 'pump', 5)
  await givenPresent(deps, ids)
  received = []
  detach = []
  instance = await createInstance(deps)
})
afterEach(async () => {
  for (const end of detach) end()
  await instance.stop()
})

describe('devices of a method job that wait', () => {
  test('are cancelled and never called, while calls in progress and the others go on', async () => {
    const [first = '', second = '', third = '', fourth = '', fifth = ''] = ids
    attach(first)
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await instance.dispatch()
    expect(await cancel(job, first, second, third)).toEqual({ cancelled: 2, underWay: 1 })
    expect(await counters(deps, job)).toBe('running: 2 pending, 1 running, 0 succeeded, 0 failed, 2 canceled')
    for (const id of [second, third, fourth, fifth]) attach(id)
    await instance.dispatch()
    expect(called()).toEqual([first, fourth, fifth])
    for (const request of received) instance.answer(request)
    await instance.settled()
    await finish()
    expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 3 succeeded, 0 failed, 2 canceled')
  })

  test('are not called by a hub that has found them before', async () => {
    for (const id of ids) attach(id)
    const job = await givenMethodJob(deps, 'pump')
    await start()
    // The batch has been taken when devices of it are cancelled.
    const { autocommit } = deps.db
    let isFirst = true
    Object.assign(deps.db, {
      autocommit: async (work: Parameters<typeof autocommit>[0]) => {
        if (isFirst) {
          isFirst = false
          await cancel(job, ...ids.slice(1))
        }
        return autocommit(work)
      },
    })
    await instance.dispatch()
    Object.assign(deps.db, { autocommit })
    await instance.dispatch()
    expect(called()).toEqual(ids.slice(0, 1))
  })

  test('are exactly those that several instances did not call at the same time', async () => {
    const job = await givenMethodJob(deps, 'pump')
    await start()
    const instances = await Promise.all(
      ids.map((id) => {
        const attached = createAttachedDevices()
        attached.attach(id, (request) => received.push(request))
        return createInstance({ ...deps, attached })
      }),
    )
    const [{ cancelled, underWay }] = await Promise.all([
      cancelDeviceJobs(deps, tester, { jobId: job, queryCondition: '*' }),
      ...instances.map((each) => each.dispatch()),
    ])
    await Promise.all(instances.map((each) => each.dispatch()))
    expect({ called: received.length, sum: cancelled + underWay }).toEqual({ called: underWay, sum: 5 })
    await Promise.all(instances.map((each) => each.stop()))
  })

  test('are cancelled while the job is paused, and are not called when it is resumed', async () => {
    for (const id of ids) attach(id)
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await pauseJob(deps, tester, job)
    expect(await cancel(job, ...ids.slice(2))).toEqual({ cancelled: 3, underWay: 0 })
    expect((await jobRow(deps, job)).status).toBe('paused')
    await resumeJob(deps, tester, job)
    await instance.dispatch()
    expect(called()).toEqual(ids.slice(0, 2))
  })

  test('leave their places to others in a job with a limit of calls', async () => {
    for (const id of ids) attach(id)
    const job = await givenMethodJob(deps, 'pump', {}, { rollout: { maxConcurrent: 1 } })
    await start()
    await instance.dispatch()
    await cancel(job, ...ids.slice(1, 4))
    for (const request of received) instance.answer(request)
    await instance.settled()
    await calm()
    await instance.dispatch()
    expect(called()).toEqual([ids[0], ids[4]])
  })
})

test('twins of devices that are cancelled are not patched', async () => {
  const job = await givenTwinJob(deps, 'pump')
  await start()
  expect(await cancel(job, ...ids.slice(3))).toEqual({ cancelled: 2, underWay: 0 })
  const step = dispatchTwinUpdates(deps)
  while ((await step.run(clock.now())).full);
  await finish()
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 3 succeeded, 0 failed, 2 canceled')
  const { rows } = await deps.database.pool.query('select device_id from twin where desired_version > 1 order by 1')
  expect(rows.map(({ device_id }) => device_id)).toEqual(ids.slice(0, 3))
})

test('a job of which every device is cancelled completes, and can be repeated on them', async () => {
  const job = await givenMethodJob(deps, 'pump')
  await start()
  let settled = 0
  const stop = deps.events.listen('work', 'settled')(() => settled++)
  await cancelDeviceJobs(deps, tester, { jobId: job, queryCondition: '*' })
  stop()
  expect(settled).toBe(1)
  await finish()
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 0 succeeded, 0 failed, 5 canceled')
  const retry = await retryJob(deps, tester, { jobId: job, status: ['canceled'] })
  await start()
  expect(await counters(deps, retry)).toBe('running: 5 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
})

test('a device that was deleted is cancelled by its id and by *, and meets no other condition', async () => {
  const job = await givenMethodJob(deps, 'pump')
  await start()
  await deleteDevice(deps, everything, { deviceId: 'pump-0004', ifMatch: '*' })
  expect(await cancel(job, 'pump-0004')).toMatchObject({ cancelled: 0 })
  expect(await cancelDeviceJobs(deps, tester, { jobId: job, deviceId: 'pump-0004' })).toMatchObject({ cancelled: 1 })
  expect(await cancelDeviceJobs(deps, tester, { jobId: job, queryCondition: '*' })).toMatchObject({ cancelled: 4 })
})

test('the history says who cancelled how many devices and why; a request that cancels none changes nothing', async () => {
  const job = await givenMethodJob(deps, 'pump')
  await start()
  const by = { ...tester, name: 'Anna', id: 'anna' }
  const queryCondition = among('pump-0001', 'pump-0002')
  await cancelDeviceJobs(deps, by, { jobId: job, queryCondition, reason: 'on loan' })
  await cancelDeviceJobs(deps, by, { jobId: job, deviceId: 'pump-0003' })
  const { key, version } = await jobRow(deps, job)
  expect(await cancelDeviceJobs(deps, by, { jobId: job, queryCondition })).toEqual({ cancelled: 0, underWay: 0 })
  expect((await jobRow(deps, job)).version).toBe(version)
  const event = { type: 'devicesCancelled', status: 'running', cause: 'user', actor: 'Anna' }
  expect((await findHistories(deps.db, [String(key)])).slice(2)).toMatchObject([
    { ...event, reason: 'on loan', version: version - 1, cancellation: { queryCondition, cancelled: 2, underWay: 0 } },
    { ...event, reason: null, version, cancellation: { deviceId: 'pump-0003', cancelled: 1, underWay: 0 } },
  ])
})

test('at most 1,000 of many that are cancelled share a version, and the job has the last', async () => {
  const deviceIds = await givenDevices(deps, 'many', 2_001)
  const job = await givenMethodJob(deps, 'many')
  await start()
  const before = await jobRow(deps, job)
  expect(await cancelDeviceJobs(deps, tester, { jobId: job, queryCondition: '*' })).toMatchObject({ cancelled: 2_001 })
  const { version } = await jobRow(deps, job)
  expect(version).toBe(before.version + 3)
  const views = await findDeviceJobsByKey(
    deps.db,
    everything,
    [deviceIds[999], deviceIds[1_000], deviceIds[2_000]].map((deviceId = '') => ({ jobId: job, deviceId })),
  )
  expect(views.map((view) => view.version).sort()).toEqual([version - 2, version - 1, version])
})

describe('refused, without a change, is', () => {
  test('a condition that more devices meet than one request may cancel', async () => {
    const job = await givenMethodJob(deps, 'pump')
    await start()
    const few = { ...deps, limits: { ...deps.limits, cancelledDeviceJobs: 4 } }
    const refused = cancelDeviceJobs(few, tester, { jobId: job, queryCondition: '*' })
    await expect(refused).rejects.toThrow(InvalidInputError)
    await expect(refused).rejects.toMatchObject({
      path: ['queryCondition'],
      message: expect.stringContaining('than 4'),
    })
    expect(await cancel(job, ...ids.slice(1))).toMatchObject({ cancelled: 4 })
  })

  test('a device that the job does not have, or whose part has ended', async () => {
    const job = await givenMethodJob(deps, 'pump')
    await start()
    for (const deviceId of ['other', 'a\0']) {
      const unknown = cancelDeviceJobs(deps, tester, { jobId: job, deviceId })
      await expect(unknown).rejects.toMatchObject({ code: 'NOT_FOUND', kind: 'device' })
    }
    await cancelDeviceJobs(deps, tester, { jobId: job, deviceId: 'pump-0001' })
    const again = cancelDeviceJobs(deps, tester, { jobId: job, deviceId: 'pump-0001' })
    await expect(again).rejects.toThrow('Device "pump-0001" has ended')
  })

  test('a job that is unknown, has not started, is cancelled or has ended, also since it was read', async () => {
    const all = (jobId: string) => cancelDeviceJobs(deps, tester, { jobId, queryCondition: '*' })
    await expect(all('unknown')).rejects.toMatchObject({ code: 'NOT_FOUND', kind: 'job' })
    const job = await givenMethodJob(deps, 'pump')
    await expect(all(job)).rejects.toThrow('has not started')
    await start()
    const { boundedRead } = deps.db
    Object.assign(deps.db, {
      boundedRead: async (...request: Parameters<typeof boundedRead>) => {
        const found = await boundedRead(...request)
        await cancelJob(deps, tester, job)
        return found
      },
    })
    await expect(all(job)).rejects.toThrow('is cancelled')
    Object.assign(deps.db, { boundedRead })
    await finish()
    await expect(all(job)).rejects.toThrow('cancelled')
    expect(await counters(deps, job)).toBe('cancelled: 0 pending, 0 running, 0 succeeded, 0 failed, 5 canceled')
  })

  test('a job whose history is full', async () => {
    const job = await givenMethodJob(deps, 'pump')
    await start()
    await deps.database.pool.query(
      `insert into job_event (job_key, version, time, type, status, cause)
       select key, 1000 + place, now(), 'paused', 'paused', 'user' from job, generate_series(1, 998) place`,
    )
    await expect(cancel(job, ...ids)).rejects.toThrow('full')
    expect(await counters(deps, job)).toContain('5 pending')
  })
})
