import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { createAttachedDevices, type MethodRequest } from '../../src/attached-devices.ts'
import { deleteDevice } from '../../src/device/commands.ts'
import { cancelJob, pauseJob, resumeJob } from '../../src/job/commands.ts'
import { closeDeletedDevices } from '../../src/scheduler/close-deleted-devices.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { turnWindows } from '../../src/scheduler/turn-windows.ts'
import { everything } from '../../src/scope.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { countedDb } from '../support/counted-db.ts'
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
const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const called = () => received.map(({ deviceId }) => deviceId).sort()
const turn = async () => {
  const step = turnWindows(deps)
  while ((await step.run(clock.now())).full);
}
const second = 1_000

beforeAll(async () => {
  // Windows go by the clock of the database, which no test can move: their times are moved instead.
  clock = createTestClock(new Date())
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job_window', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
  ids = await givenDevices(deps, 'pump', 6)
  await givenPresent(deps, ids)
  received = []
  detach = []
  instance = await createInstance(deps)
})
afterEach(async () => {
  for (const end of detach) end()
  await instance.stop()
})

/** From noon to noon, so that it opens within the time of a job. */
const window = { from: '12:00', to: '11:59', timeZone: 'UTC' }
const day = 24 * 60 * 60
/** A request for a job in this window. */
const inWindow = (rollout: object = {}) => ({ maxExecutionTimeInSeconds: 2 * day, rollout: { window, ...rollout } })

/** Moves the times of all windows to so many seconds from now. */
const move = (opens: number, closes: number) =>
  deps.database.pool.query(
    `update job_window set opens_time = now() + make_interval(secs => $1), closes_time = now() + make_interval(secs => $2),
       turn_time = now() + make_interval(secs => case when $1 > 0 then $1 else $2 end)
     where time_zone is not null`,
    [opens, closes],
  )
const close = () => move(1_000, 2_000)
const open = () => move(-10, 1_000)
const windowRows = async () =>
  (
    await deps.database.pool.query(
      `select zone_key, time_zone, device_count, opens_time, closes_time, turn_time, turn_time > now() as "isAhead"
       from job_window order by zone_key`,
    )
  ).rows

describe('outside its window, no device of a job is called:', () => {
  test('neither by a scan, nor when it connects, nor when a client marks it; when it opens, all are', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await close()
    for (const id of ids.slice(1)) attach(id)
    await instance.dispatch()
    attach(ids[0] ?? '')
    await instance.dispatch()
    const { instanceId } = deps.lease
    const { rows } = await deps.database.pool.query(
      'select marked_devices, complete from mark_calls($1, $2, $3, $4, $5, now())',
      [[jobId], ids.map(() => 1), ids, ids.map(() => Date.now() + 60_000), instanceId],
    )
    expect(rows).toEqual([{ marked_devices: null, complete: false }])
    expect(called()).toEqual([])
    await open()
    await instance.dispatch()
    expect(called()).toEqual(ids)
    expect(await counters(deps, jobId)).toContain('0 pending, 6 running')
  })

  test('it closes while its devices are looked for, and those are called when it opens again', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await open()
    for (const id of ids) attach(id)
    let marks = 0
    const autocommit: typeof deps.db.autocommit = async (work) => {
      if (marks++ === 0) await close()
      return deps.db.autocommit(work)
    }
    const late = await createInstance({ ...deps, db: { ...deps.db, autocommit } })
    await late.dispatch()
    expect([marks, called()]).toEqual([1, []])
    expect(await counters(deps, jobId)).toContain('6 pending, 0 running')
    // By its time, it is another opening, although this instance has not seen the window closed.
    await move(-5, 1_000)
    await late.dispatch()
    await late.stop()
    expect(called()).toEqual(ids)
  })

  test('calls in progress go on when it closes', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await open()
    for (const id of ids) attach(id)
    await instance.dispatch()
    await close()
    for (const request of received) instance.answer(request)
    await instance.settled()
    await finishJobs(deps).run(clock.now())
    expect(await counters(deps, jobId)).toBe('completed: 0 pending, 0 running, 6 succeeded, 0 failed, 0 canceled')
  })

  test('several instances call each device once, when it opens', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await close()
    const instances = await Promise.all(
      ids.map((id) => {
        const attached = createAttachedDevices()
        attached.attach(id, (request) => received.push(request))
        return createInstance({ ...deps, attached })
      }),
    )
    const dispatchAll = () => Promise.all(instances.map((each) => each.dispatch()))
    await dispatchAll()
    expect(called()).toEqual([])
    await open()
    await dispatchAll()
    await dispatchAll()
    expect(called()).toEqual(ids)
    expect(await counters(deps, jobId)).toContain('0 pending, 6 running')
    await Promise.all(instances.map((each) => each.stop()))
  })

  test('a connect timeout does not run, and begins when it opens', async () => {
    clock.advance(Date.now() - clock.now().getTime())
    const jobId = await givenMethodJob(deps, 'pump', { connectTimeoutInSeconds: 20 }, inWindow())
    await start()
    await deps.database.pool.query("update job set started_time = started_time - interval '1 minute'")
    const expire = async () => {
      deps.events.publish('work', 'started', {})
      await instance.expire()
    }
    await close()
    await expire()
    expect(await counters(deps, jobId)).toContain('6 pending')
    await move(0, 1_000)
    await expire()
    expect(await counters(deps, jobId)).toContain('6 pending')
    await move(-40, 1_000)
    await expire()
    expect(await counters(deps, jobId)).toContain('6 failed')
  })

  test('a device that is deleted meanwhile ends at once', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await close()
    const step = closeDeletedDevices(deps)
    await deleteDevice(deps, everything, { deviceId: ids[0] ?? '', ifMatch: '*' })
    await step.run(clock.now())
    step.close()
    expect(await counters(deps, jobId)).toContain('5 pending, 0 running, 0 succeeded, 1 failed')
  })

  test('a job with waves, limits and a budget proceeds in each of its windows where it was', async () => {
    const rollout = {
      waves: [{ devices: 2 }, {}],
      maxConcurrent: 1,
      budget: { groupBy: 'tags.fleet', maxConcurrent: 3 },
    }
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow(rollout))
    await start()
    for (const id of ids) attach(id)
    await open()
    await instance.dispatch()
    expect(received).toHaveLength(1)
    await close()
    for (const request of received) instance.answer(request)
    await instance.settled()
    await instance.stop()
    instance = await createInstance(deps)
    await instance.dispatch()
    expect(received).toHaveLength(1)
    await open()
    await instance.dispatch()
    expect(received).toHaveLength(2)
    expect(await counters(deps, jobId)).toContain('4 pending, 1 running, 1 succeeded')
  })

  test('a pause holds in an open window, and a resumption does not open one', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    for (const id of ids) attach(id)
    await pauseJob(deps, tester, jobId)
    await open()
    await instance.dispatch()
    expect(called()).toEqual([])
    await close()
    await resumeJob(deps, tester, jobId)
    await instance.dispatch()
    expect(called()).toEqual([])
    await open()
    await instance.dispatch()
    expect(called()).toEqual(ids)
  })
})

test.each([{}, { waves: [{ devices: 6 }, {}] }])('a twin job updates twins in its window only: %j', async (rollout) => {
  const jobId = await givenTwinJob(deps, 'pump', inWindow(rollout))
  await start()
  const step = dispatchTwinUpdates(deps)
  const dispatch = async () => {
    while ((await step.run(clock.now())).full);
  }
  await close()
  await dispatch()
  expect(await counters(deps, jobId)).toContain('6 pending')
  await open()
  // It closes after the jobs with work were read: what counts is read under the lock of the job.
  const transaction: typeof deps.db.transaction = async (work, longest) => {
    await close()
    return deps.db.transaction(work, longest)
  }
  const late = dispatchTwinUpdates({ ...deps, db: { ...deps.db, transaction } })
  while ((await late.run(clock.now())).full);
  expect(await counters(deps, jobId)).toContain('6 pending')
  await open()
  await dispatch()
  expect(await counters(deps, jobId)).toContain('0 pending, 0 running, 6 succeeded')
})

describe('the times of a window', () => {
  const hours = 60 * 60 * second
  test('are those of its zone, and leave calls time to end', async () => {
    await givenMethodJob(deps, 'pump', { responseTimeoutInSeconds: 300 }, inWindow())
    await start()
    const [row, ...others] = await windowRows()
    expect(others).toEqual([])
    expect(row).toMatchObject({ zone_key: '0', time_zone: 'UTC', device_count: 6, isAhead: true })
    expect(row.opens_time.toISOString()).toContain('T12:00:00.000Z')
    expect(row.closes_time.toISOString()).toContain('T11:54:00.000Z')
    expect(row.closes_time - row.opens_time).toBe(24 * hours - 6 * 60 * second)
  })

  test('are replaced by the next when it closes, once for all instances, and subscribers are notified', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await turn()
    const [before] = await windowRows()
    const { version } = await jobRow(deps, jobId)
    const changed: string[] = []
    const events = { ...deps.events, jobChanged: (id: string) => changed.push(id) }
    const turnElsewhere = () => turnWindows({ ...deps, events }).run(clock.now())
    await turnElsewhere()
    expect((await jobRow(deps, jobId)).version).toBe(version)
    await move(-200, -100)
    await Promise.all([turnElsewhere(), turnElsewhere(), turnElsewhere()])
    const [after] = await windowRows()
    expect(after).toEqual(before)
    expect((await jobRow(deps, jobId)).version).toBe(version + 1)
    expect(changed).toEqual([jobId])
  })

  test('are looked at again by an instance that came too late, which must not sleep beyond the next', async () => {
    await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await move(-200, -100)
    let isFirst = true
    const late: typeof deps.db.transaction = async (...given) => {
      if (isFirst) {
        isFirst = false
        await turn()
      }
      return deps.db.transaction(...given)
    }
    expect(await turnWindows({ ...deps, db: { ...deps.db, transaction: late } }).run(clock.now())).toMatchObject({
      full: true,
    })
  })

  test('make instances look for devices when it opens', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    const { version } = await jobRow(deps, jobId)
    await deps.database.pool.query(
      `update job_window
       set opens_time = now() - interval '1 second', closes_time = now() + interval '1 hour',
         turn_time = now() - interval '1 second'`,
    )
    let woken = 0
    const stop = deps.events.listen('work', 'started')(() => woken++)
    await turn()
    stop()
    expect([woken, (await jobRow(deps, jobId)).version]).toEqual([1, version + 1])
    expect(await windowRows()).toMatchObject([{ isAhead: true }])
  })

  test('are looked at when one of them comes, and not before', async () => {
    expect(await turnWindows(deps).run(clock.now())).toEqual({ done: 0, full: false, next: undefined })
    await givenMethodJob(deps, 'pump', {}, inWindow())
    await start()
    await move(1_800, 3_600)
    const { done, full, next } = await turnWindows(deps).run(clock.now())
    expect({ done, full }).toEqual({ done: 0, full: false })
    const ahead = Number(next?.getTime()) - clock.now().getTime()
    expect(ahead).toBeGreaterThan(1_700 * second)
    // The clocks of the machine and of the database may differ by a little.
    expect(ahead).toBeLessThan(1_801 * second)
  })

  test('cost nothing while it is closed: each step asks as much as without the job', async () => {
    const asked = async () => {
      const db = countedDb(deps.db)
      const each = await createInstance({ ...deps, db })
      await each.dispatch()
      await each.expire()
      await dispatchTwinUpdates({ ...deps, db }).run(clock.now())
      await each.stop()
      return db.asked
    }
    const before = await asked()
    await givenMethodJob(deps, 'pump', {}, inWindow())
    await givenTwinJob(deps, 'pump', inWindow())
    await start()
    await start()
    await close()
    for (const id of ids) attach(id)
    expect(await asked()).toEqual(before)
  })

  test('end with the job', async () => {
    const jobId = await givenMethodJob(deps, 'pump', {}, inWindow())
    await givenMethodJob(deps, 'nothing', {}, inWindow())
    await start()
    await start()
    expect(await windowRows()).toHaveLength(1)
    await cancelJob(deps, tester, jobId)
    expect(await windowRows()).toEqual([])
  })
})

test('a job whose time zone is unknown by its start fails, and holds up no other', async () => {
  const broken = await givenMethodJob(deps, 'pump', {}, inWindow())
  const next = await givenMethodJob(deps, 'pump', {}, inWindow())
  await deps.database.pool.query(
    `update job set rollout = jsonb_set(rollout, '{window,timeZone}', '"Nowhere/Never"') where id = $1`,
    [broken],
  )
  await start()
  await start()
  expect(await jobRow(deps, broken)).toMatchObject({
    status: 'failed',
    failureReason: 'The hub does not know the time zone "Nowhere/Never" of the window.',
  })
  expect(await counters(deps, next)).toMatch(/^running: 6 pending/)
})

test('a job without a window has no times, and one that has not started either', async () => {
  await givenMethodJob(deps, 'pump')
  await start()
  await givenMethodJob(deps, 'pump', {}, inWindow())
  expect(await windowRows()).toEqual([])
})

describe('with the time zones of devices', () => {
  const zones = { from: '12:00', to: '11:59', timeZoneFrom: 'tags.timeZone' }
  const giveZones = (named: readonly unknown[]) =>
    deps.database.pool.query(
      `update twin set tags = tags || jsonb_build_object('timeZone', given.zone)
       from unnest($1::text[], $2::text[]) as named (id, text) cross join lateral (select text::jsonb as zone) given
       where device_id = named.id`,
      [ids, named.map((zone) => JSON.stringify(zone))],
    )
  const timed = (more: object = {}) => ({
    maxExecutionTimeInSeconds: 2 * day,
    rollout: { window: { ...zones, ...more } },
  })
  const named = ['Europe/Berlin', 'Europe/Berlin', 'Asia/Tokyo', 'Mars/Olympus', 7, null]

  test('twins of devices whose windows are closed are not read again and again while others are open', async () => {
    await giveZones(named)
    const jobId = await givenTwinJob(deps, 'pump', timed())
    await start()
    await close()
    const openIn = (zone: string) =>
      deps.database.pool.query(
        `update job_window set opens_time = now() - interval '1 second', closes_time = now() + interval '1 hour'
         where time_zone = $1`,
        [zone],
      )
    await openIn('Europe/Berlin')
    const db = countedDb(deps.db)
    const step = dispatchTwinUpdates({ ...deps, db })
    while ((await step.run(clock.now())).full);
    expect(await counters(deps, jobId)).toContain('4 pending, 0 running, 2 succeeded')
    const { statements } = db.asked
    await step.run(clock.now())
    // Which jobs have work.
    expect(db.asked.statements - statements).toBe(1)
    await openIn('Asia/Tokyo')
    while ((await step.run(clock.now())).full);
    expect(await counters(deps, jobId)).toContain('3 pending, 0 running, 3 succeeded')
  })

  test('devices without a zone, and those of the rarest of more than 1,000, have that of the job', async () => {
    await givenDevices(deps, 'pump-odd', 2_001)
    await deps.database.pool.query(
      `update twin set tags = '{"fleet": "pump"}'::jsonb || jsonb_build_object('timeZone', 'Odd/' || right(device_id, 4)::integer / 2)
       where device_id like 'pump-odd%'`,
    )
    await giveZones(['Asia/Tokyo', 'Asia/Tokyo', 'Asia/Tokyo', null, null, null])
    await deps.database.pool.query(`update twin set tags = tags - 'timeZone' where device_id = any($1)`, [ids.slice(3)])
    await deps.database.pool.query(`delete from device where id = any($1)`, [ids.slice(4)])
    const jobId = await givenMethodJob(deps, 'pump', {}, timed({ timeZone: 'UTC' }))
    await start()
    const { rows } = await deps.database.pool.query(
      `select count(*)::integer as zones, sum(job_window.device_count)::integer as devices,
              max(job_window.device_count) filter (where zone_key = 0) as without
       from job_window join job on key = job_key where id = $1`,
      [jobId],
    )
    // One device has no zone. Of the 1,002 zones, two are left out: one with one device, and one of those with two.
    expect(rows).toEqual([{ zones: 1_001, devices: 2_005, without: 4 }])
  })

  test('each device is called while the window of its zone is open, and one without a zone never', async () => {
    await giveZones(named)
    const jobId = await givenMethodJob(deps, 'pump', {}, timed())
    await start()
    for (const id of ids) attach(id)
    const rows = await windowRows()
    expect(rows.map(({ time_zone, device_count }) => [time_zone, device_count]).sort()).toEqual(
      [
        ['Asia/Tokyo', 1],
        ['Europe/Berlin', 2],
        [null, 1],
        [null, 2],
      ].sort(),
    )
    expect(rows.filter(({ opens_time }) => opens_time === null).every(({ time_zone }) => time_zone === null)).toBe(true)
    const openOnly = (zone: string) =>
      deps.database.pool.query(
        `update job_window set opens_time = now() + interval '1 hour' * case when time_zone = $1 then -1 else 1 end,
           closes_time = now() + interval '2 hours'
         where time_zone is not null`,
        [zone],
      )
    await openOnly('Asia/Tokyo')
    await instance.dispatch()
    expect(called()).toEqual([ids[2]])
    await openOnly('Europe/Berlin')
    await instance.dispatch()
    expect(called()).toEqual(ids.slice(0, 3))
    await openOnly('Asia/Tokyo')
    await instance.dispatch()
    expect(await counters(deps, jobId)).toContain('3 pending, 3 running')
  })

  test('a device without a valid zone has that of the job, if it has one', async () => {
    await giveZones(named)
    await givenMethodJob(deps, 'pump', {}, timed({ timeZone: 'America/New_York' }))
    await start()
    const rows = await windowRows()
    const counts = new Map<string, number>()
    for (const { time_zone, device_count } of rows) {
      counts.set(time_zone, (counts.get(time_zone) ?? 0) + device_count)
    }
    expect(Object.fromEntries(counts)).toEqual({ 'Asia/Tokyo': 1, 'Europe/Berlin': 2, 'America/New_York': 3 })
    expect(rows.every(({ isAhead }) => isAhead)).toBe(true)
  })

  test('the zones are those at the selection of the devices', async () => {
    await giveZones(named)
    await givenTwinJob(deps, 'pump', timed())
    await start()
    await giveZones(named.map(() => 'UTC'))
    await move(-100, -50)
    await turn()
    expect((await windowRows()).map(({ time_zone }) => time_zone)).not.toContain('UTC')
  })
})
