import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { approveJob, rejectJob } from '../../src/job/approval-commands.ts'
import { cancelJob, pauseJob, resumeJob, scheduleJob } from '../../src/job/commands.ts'
import { type JobStatus, jobTransitions } from '../../src/job/state.ts'
import { settle } from '../../src/job/store/facts.ts'
import { findHistories } from '../../src/job/store/history.ts'
import { saveFailed } from '../../src/job/store/transitions.ts'
import { deleteOldJobs } from '../../src/scheduler/delete-old-jobs.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { byPolicy, givenDevices, givenMethodJob, jobRow, markCalls, tester } from '../support/rows.ts'

let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await givenDevices(deps, 'pump', 2)
})
afterAll(() => deps.close())
beforeEach(() => deps.database.pool.query('delete from job'))

/** What the tests can do to a job. */
const start = (maxRunning = 100) => startDueJobs(deps, { maxRunning }).run(clock.now())
const finish = () => finishJobs(deps).run(clock.now())
const cancel = (job: string) => cancelJob(deps, byPolicy('night shift'), job, 'wrong site')

const pause = (job: string) => pauseJob(deps, byPolicy('night shift'), job, 'wrong site')
const resume = (job: string) => resumeJob(deps, byPolicy('night shift'), job, 'wrong site')

const bring: Readonly<Partial<Record<JobStatus, (name?: string) => Promise<string>>>> = {
  waitingForApproval: (name = 'pump') =>
    givenMethodJob(deps, name, {}, { maxExecutionTimeInSeconds: 100, rollout: { approval: true } }),
  scheduled: (name = 'pump') => givenMethodJob(deps, name, {}, { startTime: new Date(clock.now().getTime() + 60_000) }),
  queued: (name = 'pump') => givenMethodJob(deps, name, {}, { maxExecutionTimeInSeconds: 100 }),
  running: async (name = 'pump') => {
    const job = await givenMethodJob(deps, name, {}, { maxExecutionTimeInSeconds: 100 })
    await start()
    return job
  },
  paused: async (name = 'pump') => {
    const job = await givenMethodJob(deps, name, {}, { maxExecutionTimeInSeconds: 100 })
    await start()
    await pause(job)
    return job
  },
}

async function callDevice(job: string): Promise<void> {
  await deps.db.transaction(async (tx) => {
    const deadline = new Date(clock.now().getTime() + 30_000)
    await markCalls(deps, tx, [{ jobId: job, deviceId: 'pump-0001', deadline }])
  })
}

async function settleDevices(job: string, from: 'running' | 'pending', ...deviceIds: string[]): Promise<void> {
  await deps.db.transaction(async (tx) => {
    const settlements = deviceIds.map((deviceId) => ({ jobId: job, deviceId, response: { status: 200, payload: '1' } }))
    await settle(tx, settlements, from, clock.now())
  })
}

async function historyOf(job: string) {
  const { key } = await jobRow(deps, job)
  return findHistories(deps.db, [String(key)])
}

const byUser = { actor: 'night shift', reason: 'wrong site' }
const byNobody = { actor: null, reason: null }

/** How to walk each arrow, and the event it leaves. */
const paused = { type: 'paused', cause: 'user', ...byUser }
const arrows: Readonly<Record<string, readonly [from: JobStatus, walk: (job: string) => Promise<unknown>, object]>> = {
  'scheduled becomeDue queued': [
    'scheduled',
    () => {
      clock.advance(60_000)
      return start(0)
    },
    { type: 'queued', status: 'queued', cause: 'schedule', ...byNobody },
  ],
  'waitingForApproval approve scheduled': [
    'waitingForApproval',
    (job) => approveJob(deps, byPolicy('night shift'), { jobId: job, reason: 'wrong site' }),
    { type: 'approved', cause: 'user', ...byUser },
  ],
  'waitingForApproval reject cancelled': [
    'waitingForApproval',
    (job) => rejectJob(deps, byPolicy('night shift'), { jobId: job, reason: 'wrong site' }),
    { type: 'rejected', cause: 'user', ...byUser },
  ],
  'waitingForApproval fail failed': [
    'waitingForApproval',
    () => {
      clock.advance(101_000)
      return finish()
    },
    { type: 'failed', cause: 'deadline', actor: null, reason: expect.stringContaining('before it was approved') },
  ],
  'waitingForApproval cancel cancelled': [
    'waitingForApproval',
    cancel,
    { type: 'cancelled', cause: 'user', ...byUser },
  ],
  'scheduled pause paused': ['scheduled', pause, paused],
  'queued pause paused': ['queued', pause, paused],
  'running pause paused': ['running', pause, paused],
  'paused resume running': ['paused', resume, { type: 'resumed', cause: 'user', ...byUser }],
  'paused complete completed': [
    'paused',
    () => {
      clock.advance(101_000)
      return finish()
    },
    { type: 'completed', cause: 'deadline', ...byNobody },
  ],
  'paused fail failed': [
    'paused',
    (job) => deps.db.transaction((tx) => saveFailed(tx, job, { reason: 'no way on', now: clock.now() })),
    { type: 'failed', cause: 'hub', actor: null, reason: 'no way on' },
  ],
  'paused cancel cancelled': ['paused', cancel, { type: 'cancelled', cause: 'user', ...byUser }],
  'paused reschedule scheduled': [
    'paused',
    async (job) => {
      await deps.database.pool.query('update job set started_time = null where id = $1', [job])
      await resume(job)
    },
    { type: 'resumed', cause: 'user', ...byUser },
  ],
  'scheduled fail failed': [
    'scheduled',
    (job) => deps.db.transaction((tx) => saveFailed(tx, job, { reason: 'no way on', now: clock.now() })),
    { type: 'failed', cause: 'hub', actor: null, reason: 'no way on' },
  ],
  'scheduled cancel cancelled': ['scheduled', cancel, { type: 'cancelled', cause: 'user', ...byUser }],
  'queued start running': ['queued', () => start(), { type: 'started', cause: 'schedule', ...byNobody }],
  'queued complete completed': [
    'queued',
    async (job) => {
      await deps.database.pool.query("update job set query_condition = 'tags.fleet = 1' where id = $1", [job])
      await start()
    },
    { type: 'completed', cause: 'devices', ...byNobody },
  ],
  'queued fail failed': [
    'queued',
    () => {
      clock.advance(101_000)
      return finish()
    },
    { type: 'failed', cause: 'deadline', actor: null, reason: expect.stringContaining('became free') },
  ],
  'queued cancel cancelled': ['queued', cancel, { type: 'cancelled', cause: 'user', ...byUser }],
  'running complete completed': [
    'running',
    async (job) => {
      await settleDevices(job, 'pending', 'pump-0001', 'pump-0002')
      await finish()
    },
    { type: 'completed', cause: 'devices', ...byNobody },
  ],
  'running fail failed': [
    'running',
    (job) => deps.db.transaction((tx) => saveFailed(tx, job, { reason: 'no way on', now: clock.now() })),
    { type: 'failed', cause: 'hub', actor: null, reason: 'no way on' },
  ],
  'running cancel cancelled': ['running', cancel, { type: 'cancelled', cause: 'user', ...byUser }],
}

test('every arrow of a job is walked below', () => {
  const known = Object.entries(jobTransitions).flatMap(([status, events]) =>
    Object.entries(events).map(([event, next]) => `${status} ${event} ${next}`),
  )
  expect(Object.keys(arrows).sort()).toEqual(known.sort())
})

describe('an arrow leaves one event, which is as the row of the job', () => {
  test.each(Object.keys(arrows))('%s', async (arrow) => {
    const [from, walk, event] = arrows[arrow] ?? []
    const job = (await bring[from ?? 'scheduled']?.()) ?? ''
    const before = await historyOf(job)
    await walk?.(job)
    const after = await historyOf(job)
    const { status, version } = await jobRow(deps, job)
    expect(status).toBe(arrow.split(' ').at(-1))
    expect(after.slice(0, -1)).toEqual(before)
    expect(after.at(-1)).toMatchObject({ ...event, status, version, time: clock.now() })
  })
})

test('a new job begins its history: who asked, and whether it is due already', async () => {
  const [event, ...others] = await historyOf((await bring.scheduled?.()) ?? '')
  expect(others).toEqual([])
  expect(event).toMatchObject({ type: 'scheduled', status: 'scheduled', cause: 'user', actor: 'tester', version: 1 })
  const [due] = await historyOf((await bring.queued?.()) ?? '')
  expect(due).toMatchObject({ type: 'scheduled', status: 'queued' })
})

test('a job whose time is up while devices wait is completed by its deadline', async () => {
  const job = (await bring.running?.()) ?? ''
  clock.advance(100_000)
  await finish()
  expect((await historyOf(job)).map(({ type, cause }) => [type, cause])).toEqual([
    ['scheduled', 'user'],
    ['started', 'schedule'],
    ['completed', 'deadline'],
  ])
})

test('a condition that no longer works is the doing of the hub', async () => {
  const job = (await bring.queued?.()) ?? ''
  await deps.database.pool.query(`update job set query_condition = 'tags.' where id = $1`, [job])
  await start()
  const reason = expect.stringContaining('no longer valid')
  expect((await historyOf(job)).at(-1)).toMatchObject({ type: 'failed', cause: 'hub', actor: null, reason })
})

describe('a job that is cancelled with a call under way has ended', () => {
  test('when the device answered', async () => {
    const job = (await bring.running?.()) ?? ''
    await callDevice(job)
    await cancel(job)
    expect((await historyOf(job)).at(-1)).toMatchObject({ type: 'cancelled' })
    await settleDevices(job, 'running', 'pump-0001')
    await finish()
    expect((await historyOf(job)).at(-1)).toMatchObject({ type: 'ended', status: 'cancelled', cause: 'devices' })
  })

  test('when its time is up', async () => {
    const job = (await bring.running?.()) ?? ''
    await callDevice(job)
    await cancel(job)
    clock.advance(100_000)
    await finish()
    expect((await historyOf(job)).at(-1)).toMatchObject({ type: 'ended', status: 'cancelled', cause: 'deadline' })
  })
})

test('a job that is refused leaves no event', async () => {
  const count = () => deps.db.prisma.jobEvent.count()
  const job = (await bring.queued?.()) ?? ''
  await cancel(job)
  const before = await count()
  const again = { type: 'scheduleDeviceMethod', jobId: job, queryCondition: '*' } as const
  await expect(scheduleJob(deps, tester, { ...again, cloudToDeviceMethod: { methodName: 'm' } })).rejects.toThrow(
    'already',
  )
  await expect(cancel(job)).rejects.toThrow('cannot be cancelled')
  expect(await count()).toBe(before)
})

test('the history goes with its job', async () => {
  const { key } = await jobRow(deps, (await bring.running?.()) ?? '')
  clock.advance(100_000)
  await finish()
  clock.advance(86_400_001)
  while ((await deleteOldJobs(deps, { historyDays: 1 }).run(clock.now())).full);
  expect(await findHistories(deps.db, [String(key)])).toEqual([])
})
