import { sqltag as sql } from '@prisma/client/runtime/client'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { DesiredPatch } from '../../src/events/topics.ts'
import { retryJob } from '../../src/job/commands.ts'
import { findDeviceJobs } from '../../src/job/store/device-job-list.ts'
import { findSamples } from '../../src/job/store/samples.ts'
import { dispatchTwinUpdates } from '../../src/scheduler/dispatch-twin-updates.ts'
import { finishJobs } from '../../src/scheduler/finish-jobs.ts'
import { judgeGates } from '../../src/scheduler/judge-gates.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../src/scope.ts'
import { patchTwin, readTwin } from '../../src/twin/commands.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { countedDb } from '../support/counted-db.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { counters, givenDevices, givenTwinJob, jobRow, tester } from '../support/rows.ts'
import { unhurried } from '../support/unhurried.ts'
import { whileHeld } from '../support/while-held.ts'

let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job', 'job', 'device']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
})

const start = () => startDueJobs(deps, { maxRunning: 10 }).run(clock.now())
const dispatch = async (within: TestDeps = deps) => {
  const step = dispatchTwinUpdates(within)
  while ((await step.run(clock.now())).full);
}
const patch = (deviceId: string, desired: Record<string, number | null>) =>
  patchTwin(deps, everything, { deviceId, patch: { desired }, ifMatch: '*' })
const skipping = (name: string, request: Parameters<typeof givenTwinJob>[2] = {}) =>
  givenTwinJob(deps, name, { skipCompliant: true, ...request })
const skippedIn = async (job: string) => {
  const rows = await findDeviceJobs(
    unhurried(deps.db),
    everything,
    job,
    { skipped: true },
    { field: 'deviceId', direction: 'asc' },
    { cursor: undefined, forward: true, limit: 5_000 },
  )
  return rows.map(({ deviceId, status, errorCode, errorDescription }) => ({
    deviceId,
    status,
    errorCode,
    errorDescription,
  }))
}
const asSkipped = (deviceId: string) => ({
  deviceId,
  status: 'completed',
  errorCode: null,
  errorDescription: null,
})

describe('a job that skips', () => {
  test('leaves the twins as they are that its patch would not change, and notifies nobody of them', async () => {
    const [one = '', two = '', three = ''] = await givenDevices(deps, 'valve', 3)
    await patch(two, { interval: 60, other: 1 })
    const before = await readTwin(deps, everything, two)
    const told: DesiredPatch[] = []
    const changed: string[] = []
    const stops = [
      deps.events.listen('desiredPatches')((patches) => told.push(...patches)),
      ...[one, two, three].map((id) => deps.events.listen('twin', id)(() => changed.push(id))),
    ]
    const updateTwin = { tags: { site: null }, properties: { desired: { interval: 60, mode: null } } }
    const job = await skipping('valve', { updateTwin })
    await start()
    clock.advance(1_000)
    await dispatch()
    for (const stop of stops) stop()
    await finishJobs(deps).run(clock.now())
    expect(await counters(deps, job)).toBe('completed: 0 pending, 0 running, 3 succeeded, 0 failed, 0 canceled')
    expect(await jobRow(deps, job)).toMatchObject({ skipCompliant: true, skippedCount: 1, refusedCount: 0 })
    expect(await skippedIn(job)).toEqual([asSkipped(two)])
    expect(await readTwin(deps, everything, two)).toEqual(before)
    expect(told.map(({ deviceId }) => deviceId)).toEqual([one, three])
    expect(changed.sort()).toEqual([one, three])
    const [first, last] = await findSamples(deps.db, [String((await jobRow(deps, job)).key)], undefined, clock.now())
    expect([first?.skippedCount, last?.skippedCount]).toEqual([0, 1])
  })

  test('compares a twin as it is when it would be written', async () => {
    const [id = ''] = await givenDevices(deps, 'valve', 1)
    await patch(id, { interval: 60 })
    const job = await skipping('valve')
    await start()
    await whileHeld(
      deps,
      (tx) => tx.query(sql`update twin set desired = '{"interval":5}', desired_version = 9 where device_id = ${id}`),
      () => dispatch(),
    )
    expect(await jobRow(deps, job)).toMatchObject({ succeededCount: 1, skippedCount: 0 })
    expect(await readTwin(deps, everything, id)).toMatchObject({ desired: { interval: 60 }, desiredVersion: 10 })
  })

  test('counts each device once, with several instances at work', async () => {
    const ids = await givenDevices(deps, 'many', 1_200)
    await deps.database.pool.query(`update twin set desired = '{"interval": 60}' where device_id > $1`, [ids[399]])
    const job = await skipping('many')
    await start()
    await Promise.all([dispatch(), dispatch(), dispatch()])
    expect(await counters(deps, job)).toContain('1200 succeeded')
    expect(await jobRow(deps, job)).toMatchObject({ skippedCount: 800 })
    expect(await skippedIn(job)).toEqual(ids.slice(400).map(asSkipped))
    const { rows } = await deps.database.pool.query(
      'select desired_version as version, count(*)::integer as count from twin group by 1 order by 1',
    )
    expect(rows).toEqual([
      { version: 1, count: 800 },
      { version: 2, count: 400 },
    ])
  })

  test('is counted in full after a crash in the middle of a batch', async () => {
    const [, two = ''] = await givenDevices(deps, 'valve', 3)
    await patch(two, { interval: 60 })
    const job = await skipping('valve')
    await start()
    const { transaction } = deps.db
    const dying: TestDeps = {
      ...deps,
      db: {
        ...deps.db,
        transaction: (work, longest) =>
          transaction(async (tx) => {
            await work(tx)
            throw new Error('killed before the commit')
          }, longest),
      },
    }
    await dispatch(dying)
    expect(await jobRow(deps, job)).toMatchObject({ succeededCount: 0, skippedCount: 0 })
    await dispatch()
    expect(await jobRow(deps, job)).toMatchObject({ succeededCount: 3, skippedCount: 1 })
  })

  test('counts the skipped devices of each wave, and they have succeeded for its gate', async () => {
    const ids = await givenDevices(deps, 'valve', 4)
    for (const id of ids) await patch(id, { interval: 60 })
    const waves = [{ devices: 2, gate: { succeededPercent: 100 } }, {}]
    const job = await skipping('valve', { rollout: { waves } })
    await start()
    await dispatch()
    expect(await jobRow(deps, job)).toMatchObject({ succeededCount: 2, skippedCount: 2 })
    await judgeGates(deps).run(clock.now())
    await dispatch()
    const rows = await deps.db.prisma.jobWave.findMany({ orderBy: { wave: 'asc' } })
    expect(rows.map(({ succeededCount, skippedCount }) => [succeededCount, skippedCount])).toEqual([
      [2, 2],
      [2, 2],
    ])
  })

  test('spends its rate on the devices that it changes only', async () => {
    const ids = await givenDevices(deps, 'valve', 5)
    for (const id of ids.slice(0, 4)) await patch(id, { interval: 60 })
    const job = await skipping('valve', { rollout: { maxPerMinute: 1 } })
    await start()
    await dispatch()
    expect(await jobRow(deps, job)).toMatchObject({ succeededCount: 5, skippedCount: 4 })
  })

  test('leaves its rate unused while it only skips, so that all of it remains when the rate is lowered', async () => {
    const [id = ''] = await givenDevices(deps, 'valve', 1)
    await patch(id, { interval: 60 })
    const job = await skipping('valve', { rollout: { maxPerMinute: 60 } })
    await start()
    await dispatch()
    expect(await jobRow(deps, job)).toMatchObject({ skippedCount: 1, ratePaidUntil: null })
  })

  test('skips a twin that is too large for a patch', async () => {
    const [id = ''] = await givenDevices(deps, 'valve', 1)
    await deps.database.pool.query(
      `update twin set desired = jsonb_build_object('interval', 60, 'filler', repeat('x', 3000000)) where device_id = $1`,
      [id],
    )
    const other = await givenTwinJob(deps, 'valve')
    const job = await skipping('valve')
    await start()
    await start()
    await dispatch()
    expect(await jobRow(deps, other)).toMatchObject({ failedCount: 1 })
    expect(await jobRow(deps, job)).toMatchObject({ succeededCount: 1, skippedCount: 1 })
  })
})

test('a retry skips as its source does', async () => {
  await givenDevices(deps, 'valve', 2)
  const job = await skipping('valve')
  await start()
  await dispatch()
  await finishJobs(deps).run(clock.now())
  const retry = await retryJob(deps, tester, { jobId: job, status: ['completed'] })
  await start()
  await dispatch()
  expect(await jobRow(deps, retry)).toMatchObject({ skipCompliant: true, succeededCount: 2, skippedCount: 2 })
})

test('a job that does not skip needs no further statement, and one that skips three per batch at most', async () => {
  const [one = ''] = await givenDevices(deps, 'valve', 2)
  const statementsOf = async (job: string): Promise<number> => {
    await start()
    const db = countedDb(deps.db)
    const step = dispatchTwinUpdates({ ...deps, db })
    await step.run(clock.now())
    expect(await jobRow(deps, job)).toMatchObject({ succeededCount: 2 })
    await finishJobs(deps).run(clock.now())
    return db.asked.statements
  }
  const plain = await statementsOf(await givenTwinJob(deps, 'valve', { updateTwin: { tags: { a: 1 } } }))
  const noneSkipped = await statementsOf(await skipping('valve', { updateTwin: { tags: { a: 2 } } }))
  await patchTwin(deps, everything, { deviceId: one, patch: { tags: { a: 3 } }, ifMatch: '*' })
  const someSkipped = await statementsOf(await skipping('valve', { updateTwin: { tags: { a: 3 } } }))
  // It compares the twins, then reads those that it changes, and counts those that it skips.
  expect([noneSkipped - plain, someSkipped - plain]).toEqual([2, 3])
  expect(plain).toBe(7)
})
