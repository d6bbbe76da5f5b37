import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { takeLeaseForGood } from '../../src/database/instance-lease.ts'
import { recordPresence } from '../../src/device/presence-commands.ts'
import { cancelJob } from '../../src/job/commands.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
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
let detach: (() => void)[]

const attach = (deviceId: string) => {
  const end = deps.attached.attach(deviceId, (request) => received.push(request))
  detach.push(end)
  return end
}
const startJobs = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  ids = await givenDevices(deps, 'pump', 5)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  await givenPresent(deps, ids)
  received = []
  detach = []
  instance = await createInstance(deps)
})
afterEach(async () => {
  for (const end of detach) end()
  await instance.stop()
})

test('devices that are here are called, the others wait', async () => {
  for (const id of ids.slice(0, 3)) attach(id)
  const job = await givenMethodJob(deps, 'pump', { payload: { a: 1 } })
  await startJobs()
  await instance.dispatch()
  expect(received.map((request) => request.deviceId)).toEqual(ids.slice(0, 3))
  expect(received[0]).toMatchObject({ methodName: 'reboot', payload: '{"a":1}' })
  expect(await counters(deps, job)).toBe('running: 2 pending, 3 running, 0 succeeded, 0 failed, 0 canceled')
})

test('a device that comes later is called then, once', async () => {
  await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  expect(received).toEqual([])
  const leave = attach('pump-0002')
  await instance.dispatch()
  leave()
  attach('pump-0002')
  await instance.dispatch()
  expect(received.map((request) => request.deviceId)).toEqual(['pump-0002'])
})

test('answers become outcomes and end the job', async () => {
  for (const id of ids) attach(id)
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  for (const request of received) {
    expect(instance.answer(request, request.deviceId === ids[0] ? 500 : 200)).toBe(true)
  }
  await instance.settled()
  await finishJobs(deps).run(clock.now())
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 5 succeeded, 0 failed, 0 canceled')
  const { rows } = await deps.database.pool.query('select * from device_job_outcome order by device_id')
  expect(rows[0]).toMatchObject({ response_status: 500, response_payload: '{"ok":true}', error_code: null })
})

test('a second answer changes nothing', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  const [request] = received
  if (request === undefined) throw new Error('not called')
  instance.answer(request, 200)
  instance.answer(request, 404)
  await instance.settled()
  expect(await counters(deps, job)).toBe('running: 4 pending, 0 running, 1 succeeded, 0 failed, 0 canceled')
})

test('an answer to a call of a process that is gone is still taken', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  const survivor = await createInstance(deps)
  const [request] = received
  expect(request && survivor.answer(request)).toBe(true)
  await survivor.stop()
  expect(await counters(deps, job)).toBe('running: 4 pending, 0 running, 1 succeeded, 0 failed, 0 canceled')
})

test('a device cannot answer for another, nor to a request id it made up', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  const requestId = received[0]?.requestId ?? ''
  const base = { methodName: 'reboot', payload: 'null' }
  expect(instance.answer({ ...base, deviceId: 'pump-0002', requestId })).toBe(false)
  expect(instance.answer({ ...base, deviceId: 'pump-0001', requestId: `${job}.AAAAAAAAAAAAAAAA` })).toBe(false)
})

test('a call is never sent again, also by a new process that goes through the job from the start', async () => {
  for (const id of ids) attach(id)
  await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  const next = await createInstance(deps)
  await next.dispatch()
  await next.stop()
  expect(received).toHaveLength(5)
})

test('of several instances that reach the same devices at once, one calls each, and any may take the answer', async () => {
  const jobs = [await givenMethodJob(deps, 'pump'), await givenMethodJob(deps, 'pump')]
  while ((await startJobs()).full);
  const instances = await Promise.all(
    Array.from({ length: 4 }, () => {
      const attached = createAttachedDevices()
      for (const id of ids) attached.attach(id, (request) => received.push(request))
      return createInstance({ ...deps, attached })
    }),
  )
  await Promise.all(instances.map(({ dispatch }) => dispatch()))
  expect(received).toHaveLength(10)
  expect(new Set(received.map(({ requestId }) => requestId)).size).toBe(10)
  for (const request of received) for (const { answer } of instances) answer(request)
  await Promise.all(instances.map(({ stop }) => stop()))
  for (const job of jobs) {
    expect(await counters(deps, job)).toBe('running: 0 pending, 0 running, 5 succeeded, 0 failed, 0 canceled')
  }
})

/** Another living instance on the same database. */
const otherInstance = async () => ({
  ...deps,
  lease: await takeLeaseForGood(deps.db),
  attached: createAttachedDevices(),
})

test('a device is called where it is connected, and not where it was', async () => {
  attach('pump-0001') // its old connection, which does not know that it is over
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  const other = await otherInstance()
  await givenPresent(other, ['pump-0001'])
  await instance.dispatch()
  expect(received).toEqual([])
  expect(await counters(deps, job)).toContain('5 pending')
  const reached: string[] = []
  other.attached.attach('pump-0001', ({ deviceId }) => reached.push(deviceId))
  const there = await createInstance(other)
  await there.dispatch()
  await there.stop()
  // It is not the first of its devices that it hears of: the job was there before.
  expect(reached).toEqual(['pump-0001'])
  expect(await counters(deps, job)).toBe('running: 4 pending, 1 running, 0 succeeded, 0 failed, 0 canceled')
})

test('an instance whose lease is over calls nobody, by its own clock and by the row', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  const { instanceId } = deps.lease
  const late = await createInstance({ ...deps, lease: { ...deps.lease, holds: () => false } })
  await late.dispatch()
  await late.stop()
  await deps.database.pool.query('update instance set lease_until = now() where id = $1', [instanceId])
  await instance.dispatch()
  await deps.database.pool.query("update instance set lease_until = 'infinity' where id = $1", [instanceId])
  expect(received).toEqual([])
  expect(await counters(deps, job)).toContain('5 pending')
})

test('an instance whose clock becomes wrong during a turn takes its marks back and calls nobody', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  let looks = 0
  const wrong = await createInstance({ ...deps, lease: { ...deps.lease, isClockRight: () => looks++ === 0 } })
  await wrong.dispatch()
  await wrong.stop()
  expect(looks).toBeGreaterThan(1)
  expect(received).toEqual([])
  expect(await counters(deps, job)).toContain('5 pending')
})

test('an instance whose lease ends while its marks wait for the job calls nobody', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  const { pool } = deps.database
  const holder = await pool.connect()
  try {
    await holder.query('begin')
    await holder.query('select from job where id = $1 for update', [job])
    const dispatching = instance.dispatch()
    const waiting = `select from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock' and query like '%mark_calls%'`
    await expect.poll(async () => (await pool.query(waiting)).rowCount).toBe(1)
    await pool.query('update instance set lease_until = clock_timestamp() where id = $1', [deps.lease.instanceId])
    await holder.query('commit')
    await dispatching
  } finally {
    holder.release(true)
    await pool.query("update instance set lease_until = 'infinity' where id = $1", [deps.lease.instanceId])
  }
  expect(received).toEqual([])
  expect(await counters(deps, job)).toContain('5 pending')
})

test('what one instance takes back is found by the one that the device has come to', async () => {
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  const other = await otherInstance()
  const reached: string[] = []
  // The device moves after the mark and before the call leaves, and the other asks in between.
  const there = await createInstance(other)
  const deliver = (): boolean => false
  const autocommit: typeof deps.db.autocommit = async (work) => {
    const result = await deps.db.autocommit(work)
    if (!deps.attached.reaches('pump-0001') || reached.length > 0 || other.attached.size > 0) return result
    await givenPresent(other, ['pump-0001'])
    other.attached.attach('pump-0001', ({ deviceId }) => reached.push(deviceId))
    await there.dispatch()
    return result
  }
  attach('pump-0001')
  const here = await createInstance({
    ...deps,
    db: { ...deps.db, autocommit },
    attached: { ...deps.attached, deliver },
  })
  await here.dispatch()
  await here.stop()
  await there.dispatch()
  await there.stop()
  expect(reached).toEqual(['pump-0001'])
  expect(await counters(deps, job)).toBe('running: 4 pending, 1 running, 0 succeeded, 0 failed, 0 canceled')
})

describe('of a job with many targets', () => {
  let crowd: string[]
  beforeAll(async () => {
    crowd = await givenDevices(deps, 'crowd', 300)
  })

  /** What an instance asks of the database that goes through the job for the first time. */
  const goThrough = async (attached = deps.attached) => {
    const db = countedDb(deps.db)
    const fresh = await createInstance({ ...deps, db, attached })
    const { statements, rows } = db.asked
    await fresh.dispatch()
    await fresh.stop()
    return { statements: db.asked.statements - statements, rows: db.asked.rows - rows }
  }

  test('an instance reads only those that are here, and calls them', async () => {
    const here = crowd.slice(100, 110)
    await givenPresent(deps, here)
    for (const id of here) attach(id)
    const job = await givenMethodJob(deps, 'crowd')
    await startJobs()
    const { rows } = await goThrough()
    expect(received.map(({ deviceId }) => deviceId).sort()).toEqual(here)
    expect(await counters(deps, job)).toBe('running: 290 pending, 10 running, 0 succeeded, 0 failed, 0 canceled')
    // The job, twice, the targets here, the job's lock, the marks.
    expect(rows).toBeLessThan(30)
  })

  test('an instance without devices reads none of them', async () => {
    await givenMethodJob(deps, 'crowd')
    await startJobs()
    expect(await goThrough()).toEqual({ statements: 2, rows: 2 }) // that there is this job, and what it does
  })

  test('an instance with many other devices does not look each of them up', async () => {
    const attached = createAttachedDevices()
    for (let index = 0; index < 5_000; index++) attached.attach(`other-${index}`, () => {})
    await givenMethodJob(deps, 'crowd')
    await startJobs()
    expect(await goThrough(attached)).toEqual({ statements: 3, rows: 302 })
  })

  test('a device that comes while the job is being gone through is called', async () => {
    for (const id of crowd.slice(0, 10)) attach(id)
    await givenPresent(deps, crowd.slice(0, 20))
    await givenMethodJob(deps, 'crowd')
    await startJobs()
    const query: typeof deps.db.query = async (sql, name) => {
      if (name === 'find-targets-among') attach(crowd[15] ?? '')
      return deps.db.query(sql, name)
    }
    const fresh = await createInstance({ ...deps, db: { ...deps.db, query } })
    await fresh.dispatch()
    await fresh.stop()
    expect(received.map(({ deviceId }) => deviceId).sort()).toEqual([...crowd.slice(0, 10), crowd[15]])
  })

  test('while a batch is marked, the next one is found', async () => {
    // Where there is no other instance, the devices of calls are not looked up.
    await deps.database.pool.query('delete from instance where id <> $1', [deps.lease.instanceId])
    const job = await givenMethodJob(deps, 'crowd')
    await startJobs()
    await deps.database.pool.query(
      `with changed as (update job set device_count = 1500, pending_count = 1500 where id = $1 returning key)
       insert into device_job (job_key, device_id) select key, 'more-' || n from changed, generate_series(1, 1200) n`,
      [job],
    )
    for (const id of crowd) attach(id)
    for (let n = 1; n <= 1200; n++) attach(`more-${n}`)
    let pages = 0
    const query: typeof deps.db.query = (sql, name) => {
      if (name === 'find-targets') pages++
      return deps.db.query(sql, name)
    }
    const autocommit: typeof deps.db.autocommit = async (work) => {
      await expect.poll(() => pages).toBe(2)
      return deps.db.autocommit(work)
    }
    const eager = await createInstance({ ...deps, db: { ...deps.db, query, autocommit } })
    await eager.dispatch()
    await eager.stop()
    expect(new Set(received.map(({ deviceId }) => deviceId)).size).toBe(1_500)
    expect(await counters(deps, job)).toBe('running: 0 pending, 1500 running, 0 succeeded, 0 failed, 0 canceled')
  })

  test('what could not be looked up is looked up again', async () => {
    const here = crowd.slice(0, 10)
    await givenPresent(deps, here)
    for (const id of here) attach(id)
    await givenMethodJob(deps, 'crowd')
    await startJobs()
    let failures = 1
    const query: typeof deps.db.query = (sql, name) =>
      name === 'find-targets-among' && failures-- > 0 ? Promise.reject(new Error('not now')) : deps.db.query(sql, name)
    const fresh = await createInstance({ ...deps, db: { ...deps.db, query } })
    await fresh.dispatch()
    expect(received).toEqual([])
    clock.advance(200) // the longest first rest of a job
    await fresh.dispatch()
    await fresh.stop()
    expect(received.map(({ deviceId }) => deviceId).sort()).toEqual(here)
  })
})

test('a device that went in the moment of its turn waits again and is called when it is back', async () => {
  const leave = deps.attached.attach('pump-0001', () => {})
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  const deliver = (request: MethodRequest) => {
    leave()
    return deps.attached.deliver(request)
  }
  const unlucky = await createInstance({ ...deps, attached: { ...deps.attached, deliver } })
  await unlucky.dispatch()
  await unlucky.stop()
  expect(await counters(deps, job)).toBe('running: 5 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
  attach('pump-0001')
  await instance.dispatch()
  expect(received.map((request) => request.deviceId)).toEqual(['pump-0001'])
  expect(await counters(deps, job)).toBe('running: 4 pending, 1 running, 0 succeeded, 0 failed, 0 canceled')
})

test('no more calls are under way than the window has room for', async () => {
  await instance.stop()
  instance = await createInstance(deps, 2)
  for (const id of ids) attach(id)
  await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  expect(received).toHaveLength(2)
  for (const request of received.slice()) instance.answer(request)
  await instance.settled()
  await instance.dispatch()
  expect(received).toHaveLength(4)
})

test('a call whose time was up before it could leave is not sent', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump', { responseTimeoutInSeconds: 10 })
  await startJobs()
  const survivor = await createInstance(deps)
  // The process stands still between the mark and the sending: it was suspended, or its database was away.
  const autocommit: typeof deps.db.autocommit = async (work) => {
    const result = await deps.db.autocommit(work)
    clock.advance(12_000)
    await survivor.expire()
    return result
  }
  const frozen = await createInstance({ ...deps, db: { ...deps.db, autocommit } })
  await frozen.dispatch()
  await frozen.stop()
  await survivor.stop()
  expect(received).toEqual([])
  expect(await counters(deps, job)).toContain('1 failed')
})

test('a call that an instance has marked when its lease ends is not sent, and can be sent from elsewhere', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  let holds = true
  const autocommit: typeof deps.db.autocommit = async (work) => {
    const result = await deps.db.autocommit(work)
    holds = false
    return result
  }
  const frozen = await createInstance({
    ...deps,
    db: { ...deps.db, autocommit },
    lease: { ...deps.lease, holds: () => holds },
  })
  await frozen.dispatch()
  await frozen.stop()
  expect(received).toEqual([])
  expect(await counters(deps, job)).toContain('5 pending, 0 running')
  await instance.dispatch()
  expect(received.map(({ deviceId }) => deviceId)).toEqual(['pump-0001'])
})

test('a turn that begins while the last calls of a job are being marked does not keep them from leaving', async () => {
  for (const id of ids) attach(id)
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  let marks = 0
  const autocommit: typeof deps.db.autocommit = async (work) => {
    const result = await deps.db.autocommit(work)
    if (++marks === 1) await pipelined.dispatch()
    return result
  }
  const pipelined: TestInstance = await createInstance({ ...deps, db: { ...deps.db, autocommit } })
  await pipelined.dispatch()
  await pipelined.stop()
  expect(received.map(({ deviceId }) => deviceId)).toEqual(ids)
  expect(marks).toBe(1)
  expect(await counters(deps, job)).toContain('0 pending, 5 running')
})

test('calls that are being marked count in the window', async () => {
  for (const id of ids) attach(id)
  await givenMethodJob(deps, 'pump')
  await startJobs()
  let marksUnderWay = 0
  let most = 0
  const autocommit: typeof deps.db.autocommit = async (work) => {
    most = Math.max(most, ++marksUnderWay)
    await small.dispatch()
    marksUnderWay--
    return deps.db.autocommit(work)
  }
  const small: TestInstance = await createInstance({ ...deps, db: { ...deps.db, autocommit } }, 2)
  await small.dispatch()
  await small.stop()
  expect(most).toBe(1)
  expect(received).toHaveLength(2)
})

test('no answer by the deadline is a failure, and a late answer does not undo it', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump', { responseTimeoutInSeconds: 10 })
  await startJobs()
  await instance.dispatch()
  clock.advance(9_999)
  await instance.expire()
  expect(await counters(deps, job)).toContain('1 running')
  clock.advance(1)
  await instance.expire()
  const [request] = received
  if (request !== undefined) instance.answer(request)
  await instance.settled()
  expect(await counters(deps, job)).toBe('running: 4 pending, 0 running, 0 succeeded, 1 failed, 0 canceled')
  const { rows } = await deps.database.pool.query('select error_code from device_job_outcome')
  expect(rows).toEqual([{ error_code: 'GatewayTimeout' }])
})

test('with a connect timeout, those that did not come have failed and those that are here have not', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump', { connectTimeoutInSeconds: 30 })
  await startJobs()
  clock.advance(29_999)
  await instance.expire()
  expect(await counters(deps, job)).toContain('5 pending')
  clock.advance(1)
  await instance.expire()
  expect(await counters(deps, job)).toBe('running: 1 pending, 0 running, 0 succeeded, 4 failed, 0 canceled')
})

test('with a connect timeout, one that did not come because it is disabled is said to be', async () => {
  await deps.database.pool.query("update device set status = 'disabled' where id = 'pump-0002'")
  await givenMethodJob(deps, 'pump', { connectTimeoutInSeconds: 30 })
  await startJobs()
  clock.advance(30_000)
  await instance.expire()
  const { rows } = await deps.database.pool.query(
    'select error_code, count(*)::integer as count from device_job_outcome group by error_code order by error_code',
  )
  await deps.database.pool.query("update device set status = 'enabled' where id = 'pump-0002'")
  expect(rows).toEqual([
    { error_code: 'DeviceDisabled', count: 1 },
    { error_code: 'DeviceNotOnline', count: 4 },
  ])
})

test('those that are connected to another instance are its to call: the connect timeout does not fail them here', async () => {
  const other = { ...deps, lease: await takeLeaseForGood(deps.db) }
  const connect = (connected: boolean) =>
    recordPresence(other, [{ deviceId: 'pump-0002', connectionId: 'x', connected, time: clock.now() }])
  await connect(true)
  const job = await givenMethodJob(deps, 'pump', { connectTimeoutInSeconds: 30 })
  await startJobs()
  clock.advance(30_000)
  await instance.expire()
  expect(await counters(deps, job)).toBe('running: 1 pending, 0 running, 0 succeeded, 4 failed, 0 canceled')
  // The other has died, and nobody has cleared up after it yet.
  await deps.database.pool.query('update instance set lease_until = now() where id = $1', [other.lease.instanceId])
  await instance.expire()
  expect(await counters(deps, job)).toContain('5 failed')
  await connect(false)
})

test('cancelling sends nothing new, lets calls under way answer, and ends the job with the last of them', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump')
  await startJobs()
  await instance.dispatch()
  await cancelJob(deps, tester, job, 'wrong building')
  attach('pump-0002')
  await instance.dispatch()
  await finishJobs(deps).run(clock.now())
  expect(received).toHaveLength(1)
  expect(await counters(deps, job)).toBe('cancelled: 0 pending, 1 running, 0 succeeded, 0 failed, 4 canceled')
  expect((await jobRow(deps, job)).endTime).toBeNull()
  const [request] = received
  if (request !== undefined) instance.answer(request)
  await instance.settled()
  await finishJobs(deps).run(clock.now())
  expect(await counters(deps, job)).toBe('cancelled: 0 pending, 0 running, 1 succeeded, 0 failed, 4 canceled')
  expect((await jobRow(deps, job)).endTime).toEqual(clock.now())
})

test('when the time of a job is up, everything open has failed and late answers are void', async () => {
  attach('pump-0001')
  const job = await givenMethodJob(deps, 'pump', { responseTimeoutInSeconds: 300 }, { maxExecutionTimeInSeconds: 60 })
  await startJobs()
  await instance.dispatch()
  clock.advance(60_000)
  await finishJobs(deps).run(clock.now())
  const [request] = received
  if (request !== undefined) instance.answer(request)
  await instance.settled()
  expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 0 succeeded, 5 failed, 0 canceled')
})
