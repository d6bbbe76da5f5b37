import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { MethodRequest } from '../../src/attached-devices.ts'
import type { JobRequestInput } from '../../src/job/request.ts'
import { settle } from '../../src/job/store/facts.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { createJobByJob } from '../../src/scheduler/job-by-job.ts'
import { joinDevices } from '../../src/scheduler/join-devices.ts'
import { judgeGates } from '../../src/scheduler/judge-gates.ts'
import type { Step } from '../../src/scheduler/loop.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { turnWindows } from '../../src/scheduler/turn-windows.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { createInstance } from '../support/instance.ts'
import { givenDevices, givenMethodJob, givenPresent, givenTwinJob, jobRow } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock
let ids: string[]
let ends: (() => unknown)[]

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  ids = await givenDevices(deps, 'pump', 2)
  await givenDevices(deps, 'spare', 1)
  await givenPresent(deps, ids)
  await deps.database.pool.query(`
    create function break() returns trigger language plpgsql as $$ begin raise 'broken'; end $$;
    create trigger break before update on job for each row when (old.id like 'bad%') execute function break();
    alter table job disable trigger break`)
})
afterAll(() => deps.close())
beforeEach(() => {
  ends = []
})
afterEach(async () => {
  for (const end of ends) await end()
  await deps.database.pool.query('alter table job disable trigger break; delete from job')
})

/** From now on, no change of a bad job succeeds. */
const breakBad = () => deps.database.pool.query('alter table job enable trigger break')
const start = async () => {
  const step = startDueJobs(deps, { maxRunning: 10 })
  while ((await step.run(clock.now())).full);
}
const names = ['bad-1', 'good', 'bad-2'] as const
const givenAll = async (request: Partial<JobRequestInput> = {}, given = givenMethod) => {
  for (const jobId of names) {
    clock.advance(1)
    await given({ jobId, ...request })
  }
}
const givenMethod = (request: Partial<JobRequestInput>) => givenMethodJob(deps, 'pump', {}, request)
const givenTwin = (request: Partial<JobRequestInput>) => givenTwinJob(deps, 'pump', request)
const closed = <S extends Step & { close(): void }>(step: S): S => {
  ends.push(() => step.close())
  return step
}
const good = () => jobRow(deps, 'good')

test.each<[what: string, prepare: () => Promise<unknown>, step: () => Step, done: () => Promise<unknown>]>([
  [
    'started',
    givenAll,
    () => closed(startDueJobs(deps, { maxRunning: 10 })),
    async () => (await good()).status === 'running',
  ],
  [
    'ended',
    async () => {
      await givenAll()
      await start()
      clock.advance(3_600_001)
    },
    () => finishJobs(deps),
    async () => (await good()).endTime !== null,
  ],
  [
    'continued behind a gate',
    async () => {
      await givenAll({ rollout: { waves: [{ devices: 1 }, {}] } })
      await start()
      for (const jobId of names) {
        const { rows } = await deps.database.pool.query(
          'select device_id as "deviceId" from device_job join job on key = job_key where id = $1 and wave = 1',
          [jobId],
        )
        await deps.db.autocommit((tx) => settle(tx, [{ jobId, deviceId: rows[0].deviceId }], 'pending', clock.now()))
      }
    },
    () => judgeGates(deps),
    async () => (await good()).openWave === 2,
  ],
  [
    'given its next window',
    async () => {
      await givenAll({ rollout: { window: { from: '02:00', to: '04:00', timeZone: 'UTC' } } })
      await start()
      await deps.database.pool.query("update job_window set turn_time = '2000-01-01Z'")
    },
    () => turnWindows(deps),
    async () =>
      (
        await deps.database.pool.query(
          "select from job_window join job on key = job_key where id = 'good' and turn_time > '2000-01-01Z'",
        )
      ).rowCount === 1,
  ],
  [
    'joined',
    async () => {
      await givenAll({ targets: 'continuous' })
      await start()
      await deps.database.pool.query(`update twin set tags = '{"fleet": "pump"}' where device_id = 'spare-0001'`)
    },
    () => closed(joinDevices(deps)),
    async () => (await good()).deviceCount === 3,
  ],
  [
    'carried out on twins',
    async () => {
      await givenAll({}, givenTwin)
      await start()
    },
    () => dispatchTwinUpdates(deps),
    async () => (await good()).succeededCount >= 2,
  ],
])('a job is %s although others before it cannot be', async (_what, prepare, create, isDone) => {
  await prepare()
  await breakBad()
  const step = create()
  expect(await isDone()).toBe(false)
  for (let turn = await step.run(clock.now()); turn.full; ) turn = await step.run(clock.now())
  expect(await isDone()).toBe(true)
})

test('devices are called for a job, and fail for it when they do not connect, although others cannot be read', async () => {
  await givenAll({ cloudToDeviceMethod: { methodName: 'reboot', connectTimeoutInSeconds: 30 } })
  await start()
  const [deviceId = ''] = ids
  ends.push(deps.attached.attach(deviceId, () => {}))
  const query: typeof deps.db.query = async (sql, name) => {
    if (name === 'find-job' && sql.values.some((value) => String(value).startsWith('bad'))) throw new Error('broken')
    return deps.db.query<never>(sql, name)
  }
  const instance = await createInstance({ ...deps, db: { ...deps.db, query } })
  ends.push(() => instance.stop())
  await instance.dispatch()
  expect(await good()).toMatchObject({ runningCount: 1, failedCount: 0 })
  clock.advance(31_000)
  await breakBad()
  await instance.expire()
  expect(await good()).toMatchObject({ pendingCount: 0 })
})

test.each<[what: string, request: Partial<JobRequestInput>]>([
  ['without limits', {}],
  ['with a limit of calls in progress', { rollout: { maxConcurrent: 2 } }],
  ['with a retry policy', { rollout: { retry: { maxAttempts: 2, on: ['503'] } } }],
])('devices are called for a job although calls of others cannot be marked: jobs %s', async (_what, request) => {
  await givenAll(request)
  await start()
  await breakBad()
  const called: string[] = []
  const jobOf = ({ requestId }: MethodRequest) => requestId.slice(0, requestId.indexOf('.'))
  for (const id of ids) ends.push(deps.attached.attach(id, (call) => called.push(jobOf(call))))
  const instance = await createInstance(deps)
  ends.push(() => instance.stop())
  await instance.dispatch()
  expect(called).toEqual(['good', 'good'])
  expect(instance.orphans.size).toBe(0)

  // Each rest is longer than the one before, although the job can be read.
  const errors = vi.spyOn(deps.log, 'error')
  ends.push(() => errors.mockRestore())
  for (let second = 0; second < 10; second++) {
    clock.advance(1_000)
    await instance.dispatch()
  }
  expect(errors.mock.calls.length).toBeLessThan(2 * 7)

  await deps.database.pool.query('alter table job disable trigger break')
  clock.advance(10_000)
  await instance.dispatch()
  expect(called.toSorted()).toEqual(['bad-1', 'bad-1', 'bad-2', 'bad-2', 'good', 'good'])
})

describe('outcomes are written for a job although those of others cannot be', () => {
  /** Called devices of all three jobs, and an instance that they are connected to. */
  async function called() {
    await givenAll()
    await start()
    const requests: MethodRequest[] = []
    for (const id of ids) ends.push(deps.attached.attach(id, (request) => requests.push(request)))
    const instance = await createInstance(deps)
    ends.push(() => instance.stop())
    await instance.dispatch()
    expect(requests).toHaveLength(names.length * ids.length)
    await breakBad()
    return { instance, requests }
  }
  const pass = (ms: number) => {
    clock.advance(ms)
    return clock.giveWay()
  }
  const isWritten = (jobId: string, counted: object) =>
    vi.waitFor(async () => expect(await jobRow(deps, jobId)).toMatchObject(counted))

  test('those of answers, and those of the others as soon as they can be', async () => {
    const { instance, requests } = await called()
    for (const request of requests) instance.answer(request)
    await pass(5)
    await isWritten('good', { succeededCount: 2 })
    expect(await jobRow(deps, 'bad-1')).toMatchObject({ succeededCount: 0, runningCount: 2 })

    await deps.database.pool.query('alter table job disable trigger break')
    await pass(1_000)
    await pass(5)
    for (const jobId of ['bad-1', 'bad-2']) await isWritten(jobId, { succeededCount: 2 })
  })

  test('those of calls without an answer', async () => {
    const { instance } = await called()
    clock.advance(31_000)
    await instance.expire()
    expect(await good()).toMatchObject({ failedCount: 2 })
    expect(await jobRow(deps, 'bad-1')).toMatchObject({ failedCount: 0, runningCount: 2 })

    await deps.database.pool.query('alter table job disable trigger break')
    clock.advance(10_000)
    await instance.expire()
    for (const jobId of ['bad-1', 'bad-2']) expect(await jobRow(deps, jobId)).toMatchObject({ failedCount: 2 })
  })
})

test('a job whose work fails rests, longer each time, and is forgotten when it succeeds', async () => {
  const jobs = createJobByJob(deps, 'test')
  const attempts: string[] = []
  let isBroken = true
  const work = async (jobId: string) => {
    attempts.push(jobId)
    if (isBroken && jobId === 'bad') throw new Error('broken')
  }
  const turn = () => jobs.each(['bad', 'good'], (id) => id, work)
  await turn()
  await turn()
  expect(attempts).toEqual(['bad', 'good', 'good'])
  const first = (jobs.next()?.getTime() ?? 0) - clock.now().getTime()
  clock.advance(200)
  await turn()
  expect(attempts).toEqual(['bad', 'good', 'good', 'bad', 'good'])
  expect((jobs.next()?.getTime() ?? 0) - clock.now().getTime()).toBeGreaterThanOrEqual(first)
  clock.advance(10_000)
  isBroken = false
  await turn()
  expect(jobs.resting()).toEqual([])
  expect(jobs.next()).toBeUndefined()
})

test('work for several jobs at once is done for each by itself when it fails, and what is left is returned', async () => {
  const jobs = createJobByJob(deps, 'test')
  const items = ['bad', 'good', 'bad', 'better'].map((jobId, place) => ({ jobId, place }))
  const attempts: number[][] = []
  let isBroken = true
  const turn = () =>
    jobs.together(items, async (some) => {
      attempts.push(some.map(({ place }) => place))
      if (isBroken && some.some(({ jobId }) => jobId === 'bad')) throw new Error('broken')
    })
  expect(await turn()).toEqual([items[0], items[2]])
  expect(attempts.splice(0)).toEqual([[0, 1, 2, 3], [0, 2], [1], [3]])
  expect(await turn()).toEqual([items[0], items[2]])
  expect(attempts.splice(0)).toEqual([[1, 3]])
  clock.advance(10_000)
  isBroken = false
  expect(await turn()).toEqual([])
  expect(attempts).toEqual([[0, 1, 2, 3]])
  // The failures are forgotten.
  isBroken = true
  await turn()
  expect((jobs.next()?.getTime() ?? 0) - clock.now().getTime()).toBeLessThanOrEqual(200)
})

test('when the database is unreachable, the turn fails at once', async () => {
  const jobs = createJobByJob(deps, 'test')
  const attempts: string[] = []
  const outage = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })
  const turn = jobs.each(
    ['one', 'two'],
    (id) => id,
    async (id) => {
      attempts.push(id)
      throw outage
    },
  )
  await expect(turn).rejects.toThrow(outage)
  expect(attempts).toEqual(['one'])
  expect(jobs.resting()).toEqual([])
})
