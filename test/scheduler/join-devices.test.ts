import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { MethodRequest } from '../../src/attached-devices.ts'
import { deleteDevice } from '../../src/device/commands.ts'
import { cancelJob, pauseJob, resumeJob, retryJob } from '../../src/job/commands.ts'
import type { JobRequestInput } from '../../src/job/request.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { joinDevices } from '../../src/scheduler/join-devices.ts'
import type { Step } from '../../src/scheduler/loop.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin } from '../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance, type TestInstance } from '../support/instance.ts'
import { counters, givenDevices, givenMethodJob, givenPresent, givenTwinJob, jobRow, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let instance: TestInstance
let joining: Step & { close(): void }
let received: MethodRequest[]
let detach: (() => void)[]

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  await givenDevices(deps, 'pump', 2)
  await givenDevices(deps, 'spare', 3)
  instance = await createInstance(deps)
  joining = joinDevices(deps)
  received = []
  detach = []
})
afterEach(async () => {
  joining.close()
  for (const end of detach) end()
  await instance.stop()
})

const attach = async (deviceId: string) => {
  await givenPresent(deps, [deviceId])
  detach.push(deps.attached.attach(deviceId, (request) => received.push(request)))
}
/** A second later: a job asks once per second at most. */
const join = async (step = joining) => {
  clock.advance(1_000)
  return (await step.run(clock.now())).done
}
const started = async (id: string) => {
  await startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
  await join()
  return id
}
const continuous = (request: Partial<JobRequestInput> = {}) =>
  givenMethodJob(deps, 'pump', {}, { targets: 'continuous', ...request }).then(started)
const finish = () => finishJobs(deps).run(clock.now())
const moveTo = (fleet: string, deviceId: string) =>
  patchTwin(deps, everything, { deviceId, patch: { tags: { fleet } }, ifMatch: '*' })
const targetsOf = async (jobId: string) => {
  const { rows } = await deps.database.pool.query<{ device_id: string }>(
    'select device_id from device_job join job on key = job_key where id = $1 order by device_id',
    [jobId],
  )
  return rows.map((row) => row.device_id)
}
const eventsOf = async (jobId: string) => {
  const { rows } = await deps.database.pool.query(
    `select event.type, event.cause, event.version, event.device_count
     from job_event event join job on key = job_key where id = $1 order by event.version`,
    [jobId],
  )
  return rows.map(({ type, cause, device_count }) => `${type} ${cause} ${device_count ?? ''}`.trim())
}
/** All devices are looked at again, as after a minute of the database's clock, which no test can move. */
const makeDue = () => deps.database.pool.query('update job set looked_time = null')

describe('a device joins a continuous job', () => {
  test('when a change of its twin makes it match, and is called at once', async () => {
    const id = await continuous()
    await attach('spare-0001')
    await moveTo('pump', 'spare-0001')
    expect(await join()).toBe(1)
    await instance.dispatch()
    expect(received.map(({ deviceId }) => deviceId)).toEqual(['spare-0001'])
    expect(await counters(deps, id)).toBe('running: 2 pending, 1 running, 0 succeeded, 0 failed, 0 canceled')
  })

  test('and is called, also when nobody waited and it joins in the middle of a turn', async () => {
    for (const deviceId of ['pump-0001', 'pump-0002', 'spare-0001']) await attach(deviceId)
    const id = await continuous()
    let isAbout = false
    const query: typeof deps.db.query = async (sql, name) => {
      const rows = await deps.db.query<never>(sql, name)
      if (!isAbout || name !== 'find-waiting-jobs') return rows
      isAbout = false
      await moveTo('pump', 'spare-0001')
      await join()
      return rows
    }
    const other = await createInstance({ ...deps, db: { ...deps.db, query } })
    await other.dispatch()
    await other.dispatch() // and learns that nobody waits
    received = []
    isAbout = true
    await other.dispatch()
    await other.stop()
    expect(received.map(({ deviceId }) => deviceId)).toEqual(['spare-0001'])
    expect(await counters(deps, id)).toContain('0 pending, 3 running')
  })

  test('when its twin was changed through another instance', async () => {
    const id = await continuous()
    await deps.database.pool.query(`update twin set tags = '{"fleet": "pump"}' where device_id = 'spare-0001'`)
    expect(await join()).toBe(0)
    deps.events.publish('twinsElsewhere', { deviceIds: ['spare-0001'] })
    expect(await join()).toBe(1)
    expect(await targetsOf(id)).toContain('spare-0001')
  })

  test('when it is created, and its twin is patched', async () => {
    const id = await givenTwinJob(deps, 'pump', { targets: 'continuous' }).then(started)
    const dispatch = dispatchTwinUpdates(deps)
    while ((await dispatch.run(clock.now())).full);
    await givenDevices(deps, 'a', 1)
    await moveTo('pump', 'a-0001')
    expect(await join()).toBe(1)
    while ((await dispatch.run(clock.now())).full);
    expect(await counters(deps, id)).toBe('running: 0 pending, 0 running, 3 succeeded, 0 failed, 0 canceled')
  })

  test('although its job found no device at its start', async () => {
    const id = await givenMethodJob(deps, 'nobody', {}, { targets: 'continuous' }).then(started)
    await finish()
    expect(await counters(deps, id)).toMatch(/^running: 0 pending/)
    await moveTo('nobody', 'spare-0001')
    await join()
    expect(await targetsOf(id)).toEqual(['spare-0001'])
  })

  test('also when no event said that it changed', async () => {
    const id = await continuous()
    await deps.database.pool.query(`update twin set tags = '{"fleet": "pump"}' where device_id = 'spare-0002'`)
    expect(await join()).toBe(0)
    await makeDue()
    expect(await join()).toBe(1)
    expect(await targetsOf(id)).toEqual(['pump-0001', 'pump-0002', 'spare-0002'])
  })

  test('when it changed before this instance started, and after another one looked', async () => {
    const id = await continuous()
    joining.close() // its instance dies, and nobody else is there to notice
    await moveTo('pump', 'spare-0001')
    joining = joinDevices(deps)
    expect(await join()).toBe(1)
    expect(await targetsOf(id)).toContain('spare-0001')
  })

  test('once, also when it leaves and returns, and when several hubs see it', async () => {
    const id = await continuous()
    const others = [joinDevices(deps), joinDevices(deps)]
    for (const other of others) await join(other)
    await moveTo('pump', 'spare-0001')
    await makeDue()
    clock.advance(1_000)
    await Promise.all([joining, ...others].map((step) => step.run(clock.now())))
    await moveTo('spare', 'spare-0001')
    await moveTo('pump', 'spare-0001')
    for (const step of [joining, ...others]) await join(step)
    for (const other of others) other.close()
    expect(await targetsOf(id)).toEqual(['pump-0001', 'pump-0002', 'spare-0001'])
    expect(await counters(deps, id)).toBe('running: 3 pending, 0 running, 0 succeeded, 0 failed, 0 canceled')
  })

  test('into the group of its budget', async () => {
    const id = await continuous({ rollout: { budget: { groupBy: 'tags.fleet', maxConcurrent: 1 } } })
    for (const deviceId of ['pump-0001', 'spare-0001']) await attach(deviceId)
    await moveTo('pump', 'spare-0001')
    await join()
    const groups = await deps.database.pool.query('select device_count from budget_group')
    expect(groups.rows).toEqual([{ device_count: 3 }])
    await instance.dispatch()
    expect(received).toHaveLength(1)
    expect(await counters(deps, id)).toMatch(/^running: 2 pending, 1 running/)
  })

  test.each([
    ['pause', 'paused: 1 pending, 0 running, 0 succeeded, 2 failed, 0 canceled'],
    ['cancel', 'cancelled: 0 pending, 0 running, 0 succeeded, 2 failed, 1 canceled'],
  ])('and is not called when all before it have failed and a rule says: %s', async (action, expected) => {
    const id = await continuous({ rollout: { abort: [{ on: ['failed'], percent: 50, afterDevices: 2, action }] } })
    await attach('pump-0001')
    await attach('pump-0002')
    await attach('spare-0001')
    await instance.dispatch()
    clock.advance(31_000)
    await instance.expire()
    expect(await counters(deps, id)).toMatch(/^running: 0 pending/)
    received = []
    await moveTo('pump', 'spare-0001')
    await join()
    await instance.dispatch()
    expect(received).toEqual([])
    expect(await counters(deps, id)).toBe(expected)
    expect((await eventsOf(id)).slice(-2)).toEqual([
      'devicesJoined devices 1',
      `${action === 'pause' ? 'paused' : 'cancelled'} rule`,
    ])
  })

  test('in its scope only', async () => {
    const id = await continuous({})
    await deps.database.pool.query(`update job set scope = array['deviceId = ''spare-0001''']`)
    for (const deviceId of ['spare-0001', 'spare-0002']) await moveTo('pump', deviceId)
    await join()
    expect(await targetsOf(id)).toEqual(['pump-0001', 'pump-0002', 'spare-0001'])
  })

  test('up to the maximum that was expected', async () => {
    const id = await continuous({ expect: { maxDevices: 3 } })
    for (const deviceId of ['spare-0001', 'spare-0002']) await moveTo('pump', deviceId)
    await join()
    await makeDue()
    await join()
    expect(await targetsOf(id)).toEqual(['pump-0001', 'pump-0002', 'spare-0001'])
  })

  test('together with many others, whose job is read once for all of them', async () => {
    const id = await continuous()
    await givenDevices(deps, 'crowd', 1_100)
    await deps.database.pool.query(`update twin set tags = '{"fleet": "pump"}' where device_id like 'crowd-%'`)
    let looks = 0
    const step = joinDevices({
      ...deps,
      db: {
        ...deps.db,
        boundedRead: (asker, ms, work) => {
          looks++
          return deps.db.boundedRead(asker, ms, work)
        },
      },
    })
    await makeDue()
    expect(await join(step)).toBe(1_100)
    step.close()
    expect(looks).toBe(1)
    expect(await counters(deps, id)).toMatch(/^running: 1102 pending/)
  })

  test('through an instance that died before it said so, and is called through another', async () => {
    const id = await continuous()
    await attach('spare-0001')
    await instance.dispatch()
    await deps.database.pool.query(`
      with joined as (
        insert into device_job (job_key, device_id) select key, 'spare-0001' from job where id = '${id}' returning job_key
      )
      update job set device_count = device_count + 1, pending_count = pending_count + 1 from joined where key = job_key`)
    await instance.dispatch()
    expect(received).toEqual([])
    deps.events.publish('died', {})
    await join()
    await instance.dispatch()
    expect(received.map(({ deviceId }) => deviceId)).toEqual(['spare-0001'])
  })
})

describe('a continuous job', () => {
  test('takes no devices while it is paused, and all that match when it is resumed', async () => {
    const id = await continuous()
    await pauseJob(deps, tester, id)
    await moveTo('pump', 'spare-0001')
    expect(await join()).toBe(0)
    await resumeJob(deps, tester, id)
    expect(await join()).toBe(1)
    expect(await counters(deps, id)).toMatch(/^running: 3 pending/)
  })

  test('goes on when all its devices have ended, until its deadline', async () => {
    const id = await continuous({ maxExecutionTimeInSeconds: 3_600 })
    for (const deviceId of ['pump-0001', 'pump-0002']) await attach(deviceId)
    await instance.dispatch()
    for (const request of received) instance.answer(request)
    await instance.settled()
    await finish()
    expect(await counters(deps, id)).toBe('running: 0 pending, 0 running, 2 succeeded, 0 failed, 0 canceled')
    clock.advance(3_600_000)
    await finish()
    expect(await counters(deps, id)).toBe('completed: 0 pending, 0 running, 2 succeeded, 0 failed, 0 canceled')
    expect((await eventsOf(id)).at(-1)).toBe('completed deadline')
    await moveTo('pump', 'spare-0001')
    expect(await join()).toBe(0)
  })

  test('is ended by a cancellation', async () => {
    const id = await continuous()
    await cancelJob(deps, tester, id)
    expect(await jobRow(deps, id)).toMatchObject({ status: 'cancelled', endTime: clock.now() })
  })

  test('has one event for the devices that join on a day, until another event follows', async () => {
    const id = await continuous()
    for (const deviceId of ['spare-0001', 'spare-0002']) {
      await moveTo('pump', deviceId)
      await join()
    }
    const before = await eventsOf(id)
    expect(before.slice(1)).toEqual(['started schedule', 'devicesJoined devices 2'])
    await pauseJob(deps, tester, id)
    await resumeJob(deps, tester, id)
    await moveTo('pump', 'spare-0003')
    await join()
    expect((await eventsOf(id)).slice(2)).toEqual([
      'devicesJoined devices 2',
      'paused user',
      'resumed user',
      'devicesJoined devices 1',
    ])
    await givenDevices(deps, 'late', 1)
    clock.advance(86_400_000)
    await deps.database.pool.query(`update job set deadline = deadline + interval '2 days'`)
    await moveTo('pump', 'late-0001')
    await join()
    expect((await eventsOf(id)).slice(-2)).toEqual(['devicesJoined devices 1', 'devicesJoined devices 1'])
  })

  test('keeps the devices that no longer match, and fails those that are deleted', async () => {
    const id = await continuous()
    await moveTo('elsewhere', 'pump-0001')
    await join()
    expect(await targetsOf(id)).toEqual(['pump-0001', 'pump-0002'])
    await deleteDevice(deps, everything, { deviceId: 'pump-0002', ifMatch: '*' })
    await join()
    expect(await targetsOf(id)).toEqual(['pump-0001', 'pump-0002'])
  })

  test('is repeated by a job that is not continuous', async () => {
    const id = await continuous({ maxExecutionTimeInSeconds: 60 })
    clock.advance(60_000)
    await finish()
    const retry = await retryJob(deps, tester, { jobId: id })
    expect((await jobRow(deps, retry)).targets).toBeNull()
  })
})

describe('a slow condition', () => {
  type Read = typeof deps.db.boundedRead
  /** Looks for devices of these jobs last until they are let go. A short one takes too long. */
  function slowLooks(...ids: string[]) {
    const held: { id: string; ms: number; letGo: () => void }[] = []
    const boundedRead: Read = (asker, ms, work) =>
      deps.db.boundedRead(asker, ms, async (reader) => {
        const query: typeof reader.query = async (sql, name) => {
          const id = ids.find((slow) => sql.values.includes(slow))
          if (id !== undefined && ms < deps.limits.jobSelectionMs) throw outOfTime()
          if (id !== undefined) await new Promise<void>((resolve) => held.push({ id, ms, letGo: resolve }))
          return reader.query<never>(sql, name)
        }
        return work({ ...reader, query })
      })
    const step = joinDevices({ ...deps, db: { ...deps.db, boundedRead } })
    detach.push(() => step.close())
    const holds = (id: string) => vi.waitFor(() => expect(held.map((look) => look.id)).toContain(id))
    return { step, held, holds }
  }
  const outOfTime = () => Object.assign(new pg.DatabaseError('canceled', 8, 'error'), { code: '57014' })

  test('of one job does not delay devices that join another', async () => {
    for (const jobId of ['slow', 'quick']) await continuous({ jobId })
    const { step, held, holds } = slowLooks('slow')
    await moveTo('pump', 'spare-0001')
    const turn = join(step)
    await holds('slow')
    await step.run(clock.now())
    expect(await targetsOf('quick')).toContain('spare-0001')
    await moveTo('pump', 'spare-0002')
    await join(step)
    expect(await targetsOf('quick')).toContain('spare-0002')
    expect(await targetsOf('slow')).toHaveLength(2)

    // What changed meanwhile is looked at next.
    held.shift()?.letGo()
    await holds('slow')
    expect(await targetsOf('slow')).toContain('spare-0001')
    held.shift()?.letGo()
    await turn
    expect(await targetsOf('slow')).toContain('spare-0002')
  })

  test('of several jobs leaves a place to others', async () => {
    for (const jobId of ['slow-1', 'slow-2', 'quick']) await continuous({ jobId })
    const { step, held, holds } = slowLooks('slow-1', 'slow-2')
    await moveTo('pump', 'spare-0001')
    const turn = join(step)
    await holds('slow-1')
    await step.run(clock.now())
    expect(await targetsOf('quick')).toContain('spare-0001')
    expect(held).toHaveLength(1)

    held.shift()?.letGo()
    await holds('slow-2')
    held.shift()?.letGo()
    await turn
    for (const jobId of ['slow-1', 'slow-2']) expect(await targetsOf(jobId)).toContain('spare-0001')
  })
})

test('without continuous jobs, changes of twins are not looked at', async () => {
  await givenMethodJob(deps, 'pump').then(started)
  await moveTo('pump', 'spare-0001')
  const turn = await joining.run(clock.now())
  expect(turn).toEqual({ done: 0, full: false })
})

test('a job asks about changed devices once per second at most', async () => {
  await continuous()
  await moveTo('pump', 'spare-0001')
  await join()
  await moveTo('pump', 'spare-0002')
  expect(await joining.run(clock.now())).toEqual({
    done: 0,
    full: false,
    next: new Date(clock.now().getTime() + 1_000),
  })
})
