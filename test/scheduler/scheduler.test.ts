import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { createEvents } from '../../src/events/events.ts'
import { type Scheduler, startScheduler } from '../../src/scheduler/scheduler.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, givenPresent, jobRow } from '../support/rows.ts'

let clock: TestClock
let deps: TestDeps
let called: string[]
const schedulers: Scheduler[] = []
const closers: (() => void)[] = []

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  const ids = await givenDevices(deps, 'pump', 3)
  await givenPresent(deps, ids)
  for (const deviceId of ids) {
    const answer = { deviceId, response: { status: 200, payload: 'null' } }
    const detach = deps.attached.attach(deviceId, ({ requestId }) => {
      called.push(deviceId)
      for (const scheduler of schedulers) scheduler.takeAnswer({ ...answer, requestId })
    })
    closers.push(detach)
  }
})
afterAll(async () => {
  for (const close of closers) close()
  await deps.close()
})
beforeEach(() => {
  called = []
})
afterEach(() => stop())

/** Starts one that hears of nothing that others do. */
async function start(): Promise<void> {
  const settings = {
    maxRunning: 10,
    windowSize: 100,
    historyDays: 30,
    auditDays: 90,
    authorityOf: async () => undefined,
  }
  schedulers.push(await startScheduler({ ...deps, events: createEvents(clock) }, settings))
}
const stop = () => Promise.all(schedulers.splice(0).map((each) => each.stop(0)))

/** Resolves when the job has ended; lets only the moments pass for which answers are collected. */
const ended = (jobId: string) =>
  expect
    .poll(async () => {
      clock.advance(5)
      return (await jobRow(deps, jobId)).status
    })
    .toBe('completed')

test('a job that nobody has told of is found at the next look, and done', async () => {
  const first = await givenMethodJob(deps, 'pump')
  await start()
  await ended(first)
  const jobId = await givenMethodJob(deps, 'pump')
  clock.advance(5_000)
  await ended(jobId)
  expect(called.sort()).toEqual(['pump-0001', 'pump-0001', 'pump-0002', 'pump-0002', 'pump-0003', 'pump-0003'])
})

test('a job that falls due while no hub runs is started once, at once when hubs are back', async () => {
  const startTime = new Date(clock.now().getTime() + 60_000)
  const jobId = await givenMethodJob(deps, 'pump', {}, { startTime })
  await start()
  clock.advance(59_999)
  await stop()
  expect((await jobRow(deps, jobId)).status).toBe('scheduled')
  clock.advance(600_000)
  const back = clock.now()
  await Promise.all([start(), start()])
  await ended(jobId)
  const { key, startedTime } = await jobRow(deps, jobId)
  expect(Number(startedTime) - Number(back)).toBeLessThan(1_000)
  const events = await deps.database.pool.query("select from job_event where job_key = $1 and type = 'started'", [key])
  expect(events.rowCount).toBe(1)
  expect(called.sort()).toEqual(['pump-0001', 'pump-0002', 'pump-0003'])
})

test('what is answered up to the moment at which devices are hung up on is written', async () => {
  const jobId = await givenMethodJob(deps, 'pump')
  const settings = {
    maxRunning: 10,
    windowSize: 100,
    historyDays: 30,
    auditDays: 90,
    authorityOf: async () => undefined,
  }
  const scheduler = await startScheduler({ ...deps, events: createEvents(clock) }, settings)
  const requests: { deviceId: string; requestId: string }[] = []
  const ids = ['pump-0001', 'pump-0002', 'pump-0003']
  const silent = ids.map((id) =>
    deps.attached.attach(id, ({ deviceId, requestId }) => requests.push({ deviceId, requestId })),
  )
  await expect.poll(() => requests.length).toBe(3)
  const response = { status: 200, payload: 'null' }
  await scheduler.stop(0, {
    hangUp() {
      for (const request of requests) expect(scheduler.takeAnswer({ ...request, response })).toBe(true)
    },
  })
  for (const detach of silent) detach()
  expect(await jobRow(deps, jobId)).toMatchObject({ succeededCount: 3 })
})
