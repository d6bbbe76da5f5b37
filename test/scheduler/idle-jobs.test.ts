import { setImmediate as nextTurn } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import type { MethodRequest } from '../../src/attached-devices.ts'
import { pauseJob } from '../../src/job/commands.ts'
import type { JobRequestInput } from '../../src/job/request.ts'
import { type Scheduler, startScheduler } from '../../src/scheduler/scheduler.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { installClock, setClock } from '../support/database-clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, givenPresent, jobRow, tester } from '../support/rows.ts'

// What jobs cost while nothing moves, in statements. The whole scheduler runs, and time passes second by second.

type Callback = (...result: unknown[]) => void
const isCallback = (value: unknown): value is Callback => typeof value === 'function'
/** A query of the hub's own, which pg only submits. */
const isSubmitted = (value: unknown): value is { callback: Callback } =>
  typeof value === 'object' && value !== null && 'callback' in value && isCallback(value.callback)

let deps: TestDeps
let clock: TestClock
let scheduler: Scheduler
let received: MethodRequest[]
let detach: (() => void)[]
/** Statements of the hub so far, and those that have not been answered. */
let asked = 0
let open = 0

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock, {}, {}, (database) => installClock(database, clock.now()))
  await givenPresent(deps, await givenDevices(deps, 'pump', 200))
  const { query, connect } = pg.Client.prototype
  const name = new URL(deps.database.url).pathname.slice(1)
  /** Calls a method of a client of this database, by a promise or with a callback; it counts as open until it has ended. */
  const follow = (client: pg.Client, method: (...given: never[]) => unknown, given: readonly unknown[]): unknown => {
    if (client.database !== name) return Reflect.apply(method, client, given)
    open++
    const closing =
      (callback: Callback): Callback =>
      (...result) => {
        open--
        callback(...result)
      }
    const callback = given.at(-1)
    if (isCallback(callback)) return Reflect.apply(method, client, [...given.slice(0, -1), closing(callback)])
    const [statement] = given
    if (isSubmitted(statement)) {
      statement.callback = closing(statement.callback)
      return Reflect.apply(method, client, given)
    }
    const close = (): void => void open--
    const result: unknown = Reflect.apply(method, client, given)
    Promise.resolve(result).then(close, close)
    return result
  }
  vi.spyOn(pg.Client.prototype, 'query').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
    const [statement] = given
    // The test's own are not counted.
    if (this.database === name && !String(statement).includes('test_clock')) asked++
    return follow(this, query, given)
  })
  vi.spyOn(pg.Client.prototype, 'connect').mockImplementation(function (this: pg.Client, ...given: unknown[]) {
    return follow(this, connect, given)
  })
})
afterAll(async () => {
  vi.restoreAllMocks()
  await deps.close()
})
beforeEach(async () => {
  received = []
  detach = []
  for (const id of ['pump-0001', 'pump-0002', 'pump-0003'])
    detach.push(deps.attached.attach(id, (request) => received.push(request)))
  scheduler = await startScheduler(deps, {
    maxRunning: 10,
    windowSize: 100,
    historyDays: 30,
    auditDays: 30,
    authorityOf: async () => undefined,
  })
})
afterEach(async () => {
  for (const end of detach) end()
  const stopping = scheduler.stop(0)
  clock.advance(60_000)
  await stopping
  await deps.database.pool.query('truncate job cascade')
  await deps.database.pool.query(
    'truncate device_job, device_job_dispatch, device_job_outcome, device_job_attempt, job_wave, budget_group, job_window',
  )
})

/** All loops sleep. */
async function quiet(): Promise<void> {
  for (let turns = 0, before = asked; turns < 5; turns++) {
    await nextTurn()
    if (open === 0 && asked === before) continue
    turns = 0
    before = asked
  }
}
async function move(ms: number): Promise<void> {
  await setClock(deps.database, new Date(clock.now().getTime() + ms))
  clock.advance(ms)
  await quiet()
}
async function pass(seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) await move(1_000)
}

const seconds = 60
/** Statements in a minute. */
async function askedInMinute(): Promise<number> {
  await pass(5)
  const before = asked
  await pass(seconds)
  return asked - before
}

const day = 24 * 60 * 60
/** The job, once so many devices have been called. */
const schedule = async (calls: number, request: Partial<JobRequestInput>): Promise<string> => {
  const call = { responseTimeoutInSeconds: 300 }
  const id = await givenMethodJob(deps, 'pump', call, { maxExecutionTimeInSeconds: 7 * day, ...request })
  while (received.length < calls) await pass(1)
  return id
}
/** The devices that have been called answer. */
const answer = async (id: string, status: number): Promise<void> => {
  for (const { deviceId, requestId } of received)
    scheduler.takeAnswer({ deviceId, requestId, response: { status, payload: '{}' } })
  while ((await jobRow(deps, id)).runningCount > 0) await pass(1)
}

const window = { from: '12:00', to: '13:00', timeZone: 'UTC' }
const retry = { maxAttempts: 2, on: ['503'], backoffSeconds: day, maxBackoffSeconds: day }
const approval = { succeededPercent: 0, approval: true }

const budget = { groupBy: 'tags.fleet', maxConcurrent: 1 }
const tomorrow = () => new Date(clock.now().getTime() + day * 1_000)

test.each<readonly [waits: string, prepare: () => Promise<unknown>]>([
  ['waits for devices that are offline', async () => answer(await schedule(3, {}), 200)],
  ['is paused', async () => pauseJob(deps, tester, await schedule(0, {}))],
  ['has a closed window', () => schedule(0, { rollout: { window } })],
  ['waits for a gate', async () => answer(await schedule(3, { rollout: { waves: [{ devices: 199 }, {}] } }), 200)],
  ['waits for an approval', () => schedule(0, { rollout: { approval: true } })],
  ['waits for the approval of a wave', () => schedule(0, { rollout: { waves: [{ devices: 1, gate: approval }, {}] } })],
  ['waits for the next attempts', async () => answer(await schedule(3, { rollout: { retry } }), 503)],
  ['is continuous while no device changes', async () => answer(await schedule(3, { targets: 'continuous' }), 200)],
  ['starts tomorrow and has its devices', () => schedule(0, { targets: 'atCreation', startTime: tomorrow() })],
])('a job that %s costs nearly no statement', async (_waits, prepare) => {
  const without = await askedInMinute()
  await prepare()
  await pass(1)
  // Samples of a job are taken once per second in its first minutes.
  await move(3_600_000)
  expect((await askedInMinute()) - without).toBeLessThanOrEqual(5)
})

test.each<readonly [waits: string, rollout: object, most: number]>([
  // Nothing but samples.
  ['a budget that is used up', { budget }, 62],
  // Once in five seconds, it asks for room, in case an event was lost.
  ['as many calls in progress as it may', { maxConcurrent: 1 }, 62 + 35],
])('a job that has %s polls for no device', async (_waits, rollout, most) => {
  const without = await askedInMinute()
  await schedule(1, { rollout })
  expect((await askedInMinute()) - without).toBeLessThanOrEqual(most)
})
