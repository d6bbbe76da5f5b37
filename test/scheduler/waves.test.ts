import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { deleteDevice } from '../../src/device/commands.ts'
import { approveJob, openWave, rejectJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, resumeJob, retryJob } from '../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../src/job/device-job-commands.ts'
import { findWaves } from '../../src/job/store/waves.ts'
import { closeDeletedDevices } from '../../src/scheduler/close-deleted-devices.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { judgeGates } from '../../src/scheduler/judge-gates.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import {
  byPolicy,
  counters,
  givenDevices,
  givenMethodJob,
  givenPresent,
  givenTwinJob,
  jobRow,
  tester,
} from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let ids: string[]
let instance: TestInstance
let received: MethodRequest[]
let detach: (() => void)[]
const approver = byPolicy('approver')

const attach = (deviceId: string) => detach.push(deps.attached.attach(deviceId, (request) => received.push(request)))
const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const finish = () => finishJobs(deps).run(clock.now())
const second = 1_000

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  ids = await givenDevices(deps, 'pump', 10)
  await givenPresent(deps, ids)
  received = []
  detach = []
  instance = await createInstance(deps)
})
afterEach(async () => {
  for (const end of detach) end()
  await instance.stop()
})

/** A job with these waves; its devices are connected unless told otherwise. */
async function givenWaves(
  waves: unknown,
  { connected = ids, request = {} }: { connected?: readonly string[]; request?: object } = {},
) {
  for (const id of connected) attach(id)
  const jobId = await givenMethodJob(deps, 'pump', {}, { rollout: { waves }, ...request })
  await start()
  return jobId
}

const wavesOf = async (jobId: string) => {
  const { key } = await jobRow(deps, jobId)
  return findWaves(deps.db, [String(key)])
}
/** The devices of each wave, in order. */
const devicesOf = async (jobId: string): Promise<string[][]> => {
  const { rows } = await deps.database.pool.query(
    'select wave, device_id from device_job join job on key = job_key where id = $1 order by wave, device_id',
    [jobId],
  )
  const waves: string[][] = []
  for (const { wave, device_id } of rows) waves[wave - 1] = [...(waves[wave - 1] ?? []), device_id]
  return waves
}
const eventsOf = async (jobId: string) => {
  const { rows } = await deps.database.pool.query(
    `select event.type, event.status, event.cause, event.actor, event.reason, event.wave
     from job_event event join job on key = job_key where id = $1 order by event.version`,
    [jobId],
  )
  return rows
}
const called = () => received.map(({ deviceId }) => deviceId).sort()
const judge = async () => {
  const step = judgeGates(deps)
  while ((await step.run(clock.now())).full);
}
/** Answers all calls that have not been answered: by default, all devices succeed. */
let answered = 0
const answerAll = async (statusOf: (index: number) => number = () => 200) => {
  for (const [index, request] of received.slice(answered).entries()) instance.answer(request, statusOf(index))
  answered = received.length
  await instance.settled()
  await instance.stop()
  instance = await createInstance(deps)
}
beforeEach(() => {
  answered = 0
})
/** The soak goes by the clock of the database, which no test can move: its beginning is moved instead. */
const letSoak = (seconds: number) =>
  deps.database.pool.query('update job_wave set reached_time = reached_time - make_interval(secs => $1)', [seconds])

describe('the devices of a job with waves', () => {
  test('are in the first wave whose condition they meet, then by numbers and shares, and the rest in the last', async () => {
    const jobId = await givenWaves([
      { devices: 2 },
      { queryCondition: "deviceId = 'pump-0003' or deviceId = 'pump-0004'" },
      { percent: 25 },
      { queryCondition: "deviceId = 'pump-0004' or deviceId = 'pump-0005'" },
      {},
    ])
    const [byNumber = [], byCondition, byShare = [], byLater, rest = []] = await devicesOf(jobId)
    expect([byCondition, byLater]).toEqual([['pump-0003', 'pump-0004'], ['pump-0005']])
    // A quarter of ten devices is rounded up.
    expect([byNumber.length, byShare.length, rest.length]).toEqual([2, 3, 2])
    expect([...byNumber, 'pump-0003', 'pump-0004', ...byShare, 'pump-0005', ...rest].sort()).toEqual(ids)
    expect((await wavesOf(jobId)).map(({ deviceCount }) => deviceCount)).toEqual([2, 2, 3, 1, 2])
  })

  test('are another sample in each job', async () => {
    const samples = new Set<string>()
    for (let index = 0; index < 8; index++) {
      const [first] = await devicesOf(await givenWaves([{ devices: 5 }, {}], { connected: [] }))
      samples.add(String(first))
    }
    expect(samples.size).toBeGreaterThan(1)
  })

  test('fill fewer waves when there are not enough of them, and empty waves are skipped', async () => {
    const jobId = await givenWaves([
      { queryCondition: "deviceId = 'nothing'" },
      { devices: 8 },
      { queryCondition: "deviceId = 'nothing'" },
      { devices: 8 },
      { devices: 8 },
      {},
    ])
    expect((await wavesOf(jobId)).map(({ deviceCount }) => deviceCount)).toEqual([0, 8, 0, 2, 0, 0])
    await instance.dispatch()
    expect(received).toHaveLength(8)
    await answerAll()
    await judge()
    await instance.dispatch()
    expect(called()).toEqual(ids)
    expect((await jobRow(deps, jobId)).openWave).toBe(6)
    await answerAll()
    await finish()
    expect((await jobRow(deps, jobId)).status).toBe('completed')
    expect((await eventsOf(jobId)).filter(({ type }) => type === 'waveOpened')).toMatchObject([{ wave: 6 }])
  })
})

describe('no device of a wave is called before the wave is opened:', () => {
  test('neither by a scan, nor when it connects, nor when a client marks it', async () => {
    const jobId = await givenWaves([{ devices: 3 }, {}], { connected: [] })
    const [first = [], rest = []] = await devicesOf(jobId)
    for (const id of ids) attach(id)
    await instance.dispatch()
    expect(called()).toEqual(first)
    for (const end of detach.splice(0)) end()
    for (const id of rest) attach(id)
    await instance.dispatch()
    expect(called()).toEqual(first)
    const { instanceId } = deps.lease
    const { rows } = await deps.database.pool.query(
      'select marked_devices from mark_calls($1, $2, $3, $4, $5, now())',
      [[jobId], rest.map(() => 1), rest, rest.map(() => Date.now() + 60_000), instanceId],
    )
    expect(rows).toEqual([{ marked_devices: null }])
    expect(await counters(deps, jobId)).toContain('7 pending, 3 running')
  })

  test('the next is opened when all devices of the wave have ended, and each device is called once', async () => {
    const jobId = await givenWaves([{ devices: 3 }, { devices: 3 }, {}])
    const waves = await devicesOf(jobId)
    for (const count of [1, 2, 3]) {
      await instance.dispatch()
      await judge()
      await instance.dispatch()
      expect(called()).toEqual(waves.slice(0, count).flat().sort())
      await answerAll((index) => (index === 0 ? 500 : 200))
      await judge()
    }
    await finish()
    expect(await counters(deps, jobId)).toBe('completed: 0 pending, 0 running, 10 succeeded, 0 failed, 0 canceled')
    expect((await eventsOf(jobId)).slice(2)).toMatchObject([
      { type: 'waveOpened', status: 'running', cause: 'gate', wave: 2, reason: '3 of 3 devices of wave 1 have ended.' },
      { type: 'waveOpened', cause: 'gate', wave: 3 },
      { type: 'completed', wave: null },
    ])
  })

  test('several instances send exactly the calls of open waves', async () => {
    const jobId = await givenWaves([{ devices: 4 }, {}], { connected: [] })
    const [first = []] = await devicesOf(jobId)
    const instances = await Promise.all(
      ids.map((id) => {
        const attached = createAttachedDevices()
        attached.attach(id, (request) => received.push(request))
        return createInstance({ ...deps, attached })
      }),
    )
    await Promise.all(instances.map((each) => each.dispatch()))
    expect(called()).toEqual(first)
    await answerAll()
    await Promise.all([judge(), judge(), ...instances.map((each) => each.dispatch())])
    await Promise.all(instances.map((each) => each.dispatch()))
    expect(called()).toEqual(ids)
    expect((await eventsOf(jobId)).filter(({ type }) => type === 'waveOpened')).toHaveLength(1)
    await Promise.all(instances.map((each) => each.stop()))
  })

  test('a connect timeout of devices in later waves begins when their wave is opened', async () => {
    const jobId = await givenMethodJob(
      deps,
      'pump',
      { connectTimeoutInSeconds: 10 },
      { rollout: { waves: [{ devices: 4 }, {}] } },
    )
    await start()
    clock.advance(11 * second)
    await instance.expire()
    expect(await counters(deps, jobId)).toContain('6 pending, 0 running, 0 succeeded, 4 failed')
    await judge()
    clock.advance(9 * second)
    await instance.expire()
    expect(await counters(deps, jobId)).toContain('6 pending')
    clock.advance(2 * second)
    await instance.expire()
    expect(await counters(deps, jobId)).toContain('10 failed')
  })
})

test('a connect timeout that is over concerns no device of a wave that is opened meanwhile', async () => {
  const jobId = await givenMethodJob(
    deps,
    'pump',
    { connectTimeoutInSeconds: 10 },
    { rollout: { waves: [{ devices: 4 }, {}] } },
  )
  await start()
  clock.advance(11 * second)
  /** Another instance is faster: between two reads of this one, it fails the devices of the wave and opens the next. */
  let opened = 0
  const query: typeof deps.db.query = async (statement, name) => {
    if (name === 'find-pending' && opened++ === 0) {
      await instance.expire()
      await judge()
    }
    return deps.db.query(statement, name)
  }
  const slow = await createInstance({ ...deps, db: { ...deps.db, query } })
  await slow.expire()
  await slow.stop()
  expect(opened).toBe(1)
  expect((await jobRow(deps, jobId)).openWave).toBe(2)
  expect(await counters(deps, jobId)).toContain('6 pending, 0 running, 0 succeeded, 4 failed')
})

test('a device that was still to be looked for is called after the next wave was opened and others have connected', async () => {
  const fillers = await givenDevices(deps, 'filler', 1)
  await givenPresent(deps, fillers)
  for (const id of fillers) attach(id)
  await givenMethodJob(deps, 'filler')
  await start()
  // The window is full of other calls, so nobody is looked for yet.
  const busy = await createInstance(deps, 1)
  await busy.dispatch()
  // More devices than are looked up in order for the few that are connected here.
  const jobId = await givenMethodJob(deps, 'pump', {}, { rollout: { waves: [{ devices: 9 }, {}] } })
  await start()
  const [[early = ''] = []] = await devicesOf(jobId)
  attach(early)
  await busy.dispatch()
  for (const id of ids.filter((id) => id !== early)) attach(id)
  await openWave(deps, tester, jobId, 2)
  await busy.dispatch()
  for (const request of received.splice(0)) busy.answer(request)
  await busy.settled()
  await busy.dispatch()
  await busy.stop()
  expect(called()).toEqual([early])
})

describe('a twin job with waves', () => {
  test('updates the twins of one wave after the other, each once', async () => {
    const jobId = await givenTwinJob(deps, 'pump', { rollout: { waves: [{ devices: 3 }, { percent: 30 }, {}] } })
    await start()
    const [first = [], second = []] = await devicesOf(jobId)
    const step = dispatchTwinUpdates(deps)
    const dispatch = async () => {
      while ((await step.run(clock.now())).full);
    }
    const updated = async () => {
      const { rows } = await deps.database.pool.query('select device_id from twin where desired_version > 1 order by 1')
      return rows.map(({ device_id }) => device_id)
    }
    await dispatch()
    expect(await updated()).toEqual(first)
    await judge()
    await dispatch()
    expect(await updated()).toEqual([...first, ...second].sort())
    await judge()
    await dispatch()
    await finish()
    expect(await counters(deps, jobId)).toBe('completed: 0 pending, 0 running, 10 succeeded, 0 failed, 0 canceled')
    expect(await updated()).toEqual(ids)
    const { rows } = await deps.database.pool.query('select distinct desired_version from twin')
    expect(rows).toEqual([{ desired_version: 2 }])
  })

  test('reads none of the earlier waves again when the next one is opened', async () => {
    await givenTwinJob(deps, 'pump', { rollout: { waves: [{ devices: 3 }, {}] } })
    await start()
    const step = dispatchTwinUpdates(deps)
    const dispatch = async () => {
      while ((await step.run(clock.now())).full);
    }
    await dispatch()
    // A device of the first wave that is read again would be found, and its twin patched again.
    await deps.database.pool.query('delete from device_job_outcome')
    await judge()
    await dispatch()
    const { rows } = await deps.database.pool.query('select distinct desired_version from twin')
    expect(rows).toEqual([{ desired_version: 2 }])
  })

  test('reads nothing while it waits for a gate', async () => {
    await givenTwinJob(deps, 'pump', { rollout: { waves: [{ devices: 3, gate: { soakSeconds: 60 } }, {}] } })
    await start()
    const step = dispatchTwinUpdates(deps)
    while ((await step.run(clock.now())).full);
    let transactions = 0
    const { transaction } = deps.db
    Object.assign(deps.db, {
      transaction: (...asked: Parameters<typeof transaction>) => {
        transactions++
        return transaction(...asked)
      },
    })
    await step.run(clock.now())
    Object.assign(deps.db, { transaction })
    expect(transactions).toBe(0)
  })
})

describe('a gate', () => {
  const strict = { succeededPercent: 75 }

  test('passes as soon as the share of its devices has succeeded, although others have not ended', async () => {
    const jobId = await givenWaves([{ devices: 4, gate: strict }, {}])
    await instance.dispatch()
    const late = received.pop()
    await answerAll()
    await judge()
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({
      type: 'waveOpened',
      reason: '3 of 4 devices of wave 1 succeeded, 0 did not. The gate needs 75 %.',
    })
    await instance.dispatch()
    expect(received).toHaveLength(3 + 6)
    if (late !== undefined) received.push(late)
    await answerAll()
    await finish()
    expect(await counters(deps, jobId)).toBe('completed: 0 pending, 0 running, 10 succeeded, 0 failed, 0 canceled')
    expect((await wavesOf(jobId)).map(({ succeededCount }) => succeededCount)).toEqual([4, 6])
  })

  test('that fails pauses the job, and after a resumption only a client opens the next wave', async () => {
    const jobId = await givenWaves([{ devices: 4, gate: strict }, {}])
    await instance.dispatch()
    await answerAll((index) => (index < 2 ? 500 : 200))
    await judge()
    expect((await jobRow(deps, jobId)).status).toBe('paused')
    const reason = '2 of 4 devices of wave 1 succeeded, 2 did not. The gate needs 75 %.'
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({
      type: 'paused',
      status: 'paused',
      cause: 'gate',
      wave: 1,
      reason,
    })
    await expect(openWave(deps, tester, jobId, 2)).rejects.toMatchObject({ code: 'CONFLICT' })
    await resumeJob(deps, tester, jobId)
    await judge()
    await instance.dispatch()
    expect(received).toHaveLength(4)
    await expect(openWave(deps, tester, jobId, 3)).rejects.toThrow('The next one to open is wave 2.')
    await openWave(deps, tester, jobId, 2, 'fixed by hand')
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({
      type: 'waveOpened',
      cause: 'user',
      actor: 'tester',
      wave: 2,
      reason: 'fixed by hand',
    })
    await expect(openWave(deps, tester, jobId, 2)).rejects.toThrow('All waves are open.')
    const refused = { code: 'INVALID_INPUT', path: ['wave'] }
    await expect(openWave(deps, tester, jobId, 1)).rejects.toMatchObject(refused)
    for (const wave of [0, -1, 21]) {
      await expect(openWave(deps, tester, jobId, wave)).rejects.toMatchObject(refused)
      await expect(approveJob(deps, approver, { jobId, wave })).rejects.toMatchObject(refused)
      await expect(rejectJob(deps, approver, { jobId, wave })).rejects.toMatchObject(refused)
    }
    await instance.dispatch()
    expect(called()).toEqual(ids)
  })

  test('that fails cancels the job if it says so, and later waves are never called', async () => {
    const jobId = await givenWaves([{ devices: 4, gate: { ...strict, onFailure: 'cancel' } }, {}])
    await instance.dispatch()
    await answerAll(() => 500)
    await judge()
    expect(await counters(deps, jobId)).toBe('cancelled: 0 pending, 0 running, 4 succeeded, 0 failed, 6 canceled')
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({ type: 'cancelled', cause: 'gate', wave: 1 })
    expect((await jobRow(deps, jobId)).endTime).toEqual(clock.now())
  })

  test('soaks before the next wave is opened, through whichever instance', async () => {
    const jobId = await givenWaves([{ devices: 4, gate: { ...strict, soakSeconds: 60 } }, {}])
    await instance.dispatch()
    await answerAll()
    const { next } = await judgeGates(deps).run(clock.now())
    await judge()
    expect(next).toBeDefined()
    expect((await wavesOf(jobId))[0]).toMatchObject({ reachedTime: expect.any(Date), closedTime: null })
    await letSoak(50)
    const atMost = clock.now().getTime() + 10_000
    expect((await judgeGates(deps).run(clock.now())).next?.getTime()).toBeLessThanOrEqual(atMost)
    expect((await jobRow(deps, jobId)).openWave).toBe(1)
    await letSoak(10)
    await judge()
    expect((await jobRow(deps, jobId)).openWave).toBe(2)
    await instance.dispatch()
    expect(called()).toEqual(ids)
  })

  test('is not judged while the job is paused', async () => {
    const jobId = await givenWaves([{ devices: 4, gate: strict }, {}])
    await instance.dispatch()
    await pauseJob(deps, tester, jobId)
    await answerAll()
    await judge()
    expect(await jobRow(deps, jobId)).toMatchObject({ status: 'paused', openWave: 1 })
    await resumeJob(deps, tester, jobId)
    await judge()
    expect((await jobRow(deps, jobId)).openWave).toBe(2)
  })

  test('with an approval lets somebody else open the next wave, and nobody before its share is reached', async () => {
    const jobId = await givenWaves([{ devices: 4, gate: { ...strict, approval: true } }, {}])
    await expect(approveJob(deps, approver, { jobId })).rejects.toThrow('waits for an approval')
    await expect(openWave(deps, tester, jobId, 2)).rejects.toThrow('requires an approval')
    await instance.dispatch()
    await answerAll()
    await judge()
    expect((await eventsOf(jobId)).at(-1)).toMatchObject({
      type: 'gatePassed',
      status: 'running',
      cause: 'gate',
      wave: 1,
    })
    await expect(approveJob(deps, tester, { jobId })).rejects.toMatchObject({ code: 'INVALID_INPUT', path: ['jobId'] })
    expect((await jobRow(deps, jobId)).openWave).toBe(1)
    await approveJob(deps, approver, { jobId, reason: 'looks good' })
    const byApprover = { cause: 'user', actor: 'approver', reason: 'looks good' }
    expect((await eventsOf(jobId)).slice(-2)).toMatchObject([
      { type: 'approved', wave: 1, ...byApprover },
      { type: 'waveOpened', wave: 2, ...byApprover },
    ])
    await instance.dispatch()
    expect(called()).toEqual(ids)
  })

  test('whose opening is rejected fails, and needs an approval after the resumption, too', async () => {
    const jobId = await givenWaves([{ devices: 4, gate: { approval: true } }, {}])
    await instance.dispatch()
    await answerAll()
    await judge()
    await rejectJob(deps, approver, { jobId, reason: 'too hot' })
    expect((await eventsOf(jobId)).slice(-2)).toMatchObject([
      { type: 'rejected', status: 'running', reason: 'too hot', wave: 1 },
      { type: 'paused', status: 'paused', cause: 'gate', reason: 'The opening of wave 2 was rejected.' },
    ])
    await resumeJob(deps, tester, jobId)
    await expect(openWave(deps, tester, jobId, 2)).rejects.toThrow('requires an approval')
    await approveJob(deps, approver, { jobId })
    expect((await jobRow(deps, jobId)).openWave).toBe(2)
  })
})

test('a job whose history is full is not paused by a rejection, but cancelled', async () => {
  const waiting = async (gate: object) => {
    const jobId = await givenWaves([{ devices: 2, gate: { approval: true, ...gate } }, {}])
    await instance.dispatch()
    await answerAll()
    await judge()
    await deps.database.pool.query(
      `insert into job_event (job_key, version, time, type, status, cause)
       select key, 1000 + place, now(), 'updated', 'running', 'user' from job, generate_series(1, 1000) place where id = $1`,
      [jobId],
    )
    return jobId
  }
  const paused = await waiting({})
  await expect(rejectJob(deps, approver, { jobId: paused })).rejects.toThrow(`The history of job "${paused}" is full`)
  expect((await jobRow(deps, paused)).status).toBe('running')
  const cancelled = await waiting({ succeededPercent: 50, onFailure: 'cancel' })
  await rejectJob(deps, approver, { jobId: cancelled })
  expect((await jobRow(deps, cancelled)).status).toBe('cancelled')
})

test('an approval or a rejection of a wave counts for no other wave, nor for the start of the job', async () => {
  const gate = { approval: true }
  const jobId = await givenWaves([{ devices: 2, gate }, { devices: 2, gate }, {}], {
    request: { rollout: { approval: true, waves: [{ devices: 2, gate }, { devices: 2, gate }, {}] } },
  })
  const wave2 = { jobId, wave: 2 }
  const refused = (wave: number) => ({
    code: 'CONFLICT',
    message: expect.stringContaining(`Wave ${wave} of job "${jobId}"`),
  })
  for (const decide of [approveJob, rejectJob]) {
    await expect(decide(deps, approver, wave2)).rejects.toMatchObject(refused(2))
  }
  await approveJob(deps, approver, { jobId })
  await start()
  await instance.dispatch()
  await answerAll()
  await judge()
  await approveJob(deps, approver, wave2)
  await instance.dispatch()
  await answerAll()
  await judge()
  const before = await eventsOf(jobId)
  for (const decide of [approveJob, rejectJob]) {
    await expect(decide(deps, approver, wave2)).rejects.toThrow('does not wait for an approval: wave 3 does.')
  }
  expect(await eventsOf(jobId)).toEqual(before)
  await approveJob(deps, approver, { jobId, wave: 3 })
  expect((await jobRow(deps, jobId)).openWave).toBe(3)
})

describe('the counters of the waves', () => {
  test('are those of the job, also with calls that were given up and devices that were deleted', async () => {
    const jobId = await givenWaves([{ devices: 4 }, {}])
    const [first = [], rest = []] = await devicesOf(jobId)
    await instance.dispatch()
    instance.answer(received.find(({ deviceId }) => deviceId === first[0]) ?? { deviceId: '', requestId: '' })
    await instance.settled()
    const closing = closeDeletedDevices(deps)
    await deleteDevice(deps, everything, { deviceId: rest[0] ?? '', ifMatch: '*' })
    await closing.run(clock.now())
    closing.close()
    clock.advance(31 * second)
    await instance.expire()
    expect(await wavesOf(jobId)).toMatchObject([
      { deviceCount: 4, runningCount: 0, succeededCount: 1, failedCount: 3 },
      { deviceCount: 6, runningCount: 0, succeededCount: 0, failedCount: 1 },
    ])
    expect(await counters(deps, jobId)).toBe('running: 5 pending, 0 running, 1 succeeded, 4 failed, 0 canceled')
  })

  test('have the devices that a client has cancelled, for which no gate waits', async () => {
    const jobId = await givenWaves([{ devices: 4 }, {}], { connected: [] })
    const [first = [], rest = []] = await devicesOf(jobId)
    for (const deviceId of [...first, rest[0]])
      await cancelDeviceJobs(deps, tester, { jobId, deviceId: deviceId ?? '' })
    expect(await wavesOf(jobId)).toMatchObject([{ cancelledCount: 4 }, { cancelledCount: 1 }])
    await judge()
    for (const id of ids) attach(id)
    await instance.dispatch()
    expect(called()).toEqual(rest.slice(1).sort())
  })

  test('take calls back that could not be sent', async () => {
    const jobId = await givenWaves([{ devices: 4 }, {}], { connected: [] })
    let refused = 0
    const deliver = () => {
      refused++
      return false
    }
    const attached = { ...deps.attached, reaches: () => refused === 0, size: ids.length, deliver }
    const failing = await createInstance({ ...deps, attached })
    await failing.dispatch()
    await failing.stop()
    expect(refused).toBe(4)
    expect((await wavesOf(jobId))[0]).toMatchObject({
      deviceCount: 4,
      runningCount: 0,
      succeededCount: 0,
      failedCount: 0,
    })
    expect(await counters(deps, jobId)).toContain('10 pending, 0 running')
  })
})

test('a job with waves is retried with its waves', async () => {
  const jobId = await givenWaves([{ devices: 4 }, {}])
  await cancelJob(deps, tester, jobId)
  await finish()
  const retryId = await retryJob(deps, tester, { jobId, status: ['canceled'] })
  await start()
  expect((await wavesOf(retryId)).map(({ deviceCount }) => deviceCount)).toEqual([4, 6])
})

test('a job with waves and limits calls the devices of its open waves at its rate', async () => {
  const jobId = await givenWaves([{ devices: 4 }, {}], {
    request: { rollout: { maxConcurrent: 2, waves: [{ devices: 4 }, {}] } },
  })
  const [first = []] = await devicesOf(jobId)
  await instance.dispatch()
  expect(received).toHaveLength(2)
  for (const request of [...received]) instance.answer(request)
  await instance.settled()
  clock.advance(5_000) // a job that had no room is tried again
  await instance.dispatch()
  expect(called()).toEqual([...first].sort())
})

test('without jobs with waves, the step sleeps', async () => {
  const jobId = await givenMethodJob(deps, 'pump')
  await start()
  expect((await judgeGates(deps).run(clock.now())).next).toBeUndefined()
  await expect(openWave(deps, tester, jobId, 2)).rejects.toThrow('not a running job with waves')
})
