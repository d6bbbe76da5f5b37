import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Tx } from '../../../src/database/reader.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { cancelJob, pauseJob, resumeJob, updateJob } from '../../../src/job/commands.ts'
import { lockOpenJobs, markDispatched, settle, unmarkDispatched } from '../../../src/job/store/facts.ts'
import { finishJobs } from '../../../src/scheduler/finish-jobs.ts'
import { startDueJobs } from '../../../src/scheduler/start-due-jobs.ts'
import { everything } from '../../../src/scope.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { givenMethodJob, givenPresent, tester } from '../../support/rows.ts'
import { whileHeld } from '../../support/while-held.ts'

let deps: TestDeps
let clock: TestClock
let jobId: string

/** The devices by the values of `tags.site`; undefined for none. Each value has three. */
const sites: readonly [name: string, value: unknown][] = [
  ['north', 'north'],
  ['south', 'south'],
  ['one', 1],
  ['one-again', 1.0],
  ['text', '1'],
  ['nested', { floor: [1, { room: 'a' }] }],
  ['without', undefined],
]
const devicesOf = (name: string): string[] => [1, 2, 3].map((number) => `${name}-${number}`)
const deviceIds = sites.flatMap(([name]) => devicesOf(name))

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  await createDevices(
    deps,
    everything,
    sites.flatMap(([name, site]) =>
      devicesOf(name).map((deviceId) => ({
        deviceId,
        twin: { tags: { fleet: 'pump', ...(site !== undefined && { site }) } },
      })),
    ),
  )
  await givenPresent(deps, deviceIds)
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['job', 'budget_group']) await deps.database.pool.query(`delete from ${table}`)
})

const start = async (maxConcurrent: number, groupBy = 'tags.site'): Promise<void> => {
  jobId = await givenMethodJob(deps, 'pump', {}, { rollout: { budget: { groupBy, maxConcurrent } } })
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())
}
const keys = (ids: readonly string[]) => ids.map((deviceId) => ({ jobId, deviceId }))
const markIn = (tx: Tx, ids: readonly string[]) =>
  markDispatched(
    tx,
    keys(ids).map((key) => ({ ...key, deadline: clock.now() })),
    { instanceId: deps.lease.instanceId, now: clock.now() },
  )
const mark = (ids: readonly string[]) => deps.db.autocommit((tx) => markIn(tx, ids))
const answer = (ids: readonly string[], from: 'running' | 'pending' = 'running') =>
  deps.db.autocommit((tx) =>
    settle(
      tx,
      keys(ids).map((key) => ({ ...key, response: { status: 200, payload: 'null' } })),
      from,
      clock.now(),
    ),
  )
const unmark = (ids: readonly string[]) =>
  deps.db.transaction(async (tx) => unmarkDispatched(tx, await lockOpenJobs(tx, [jobId]), keys(ids)))
const idsOf = (found: readonly { readonly deviceId: string }[]) => found.map(({ deviceId }) => deviceId)

/** Of each group, its devices, and what it counts. */
async function groups(): Promise<{ devices: string[]; counted: number; underWay: number }[]> {
  const { rows } = await deps.database.pool.query(
    `select array_agg(target.device_id order by target.device_id) as devices, budget_group.running_count as counted,
            (count(mark.device_id) filter (where o.device_id is null))::integer as "underWay"
     from job
     join device_job target on target.job_key = job.key
     join budget_group on budget_group.job_key = job.key and budget_group.group_key = target.group_key
     left join device_job_dispatch mark on mark.job_key = job.key and mark.device_id = target.device_id
     left join device_job_outcome o on o.job_key = job.key and o.device_id = target.device_id
     where job.id = $1
     group by budget_group.group_key, budget_group.running_count
     having count(*) = max(budget_group.device_count)
     order by 1`,
    [jobId],
  )
  return rows
}

test('devices with the same value are one group, also of numbers and objects, and so are those without a value', async () => {
  await start(1)
  expect((await groups()).map(({ devices }) => devices)).toEqual([
    devicesOf('nested'),
    devicesOf('north'),
    [...devicesOf('one'), ...devicesOf('one-again')].sort(),
    devicesOf('south'),
    devicesOf('text'),
    devicesOf('without'),
  ])
})

test('of a group as many calls are marked as its budget allows, and others when these have ended', async () => {
  await start(2)
  const { marked, held, full } = await mark(deviceIds)
  expect(idsOf(marked)).toEqual(
    expect.arrayContaining(['north-1', 'north-2', 'south-1', 'south-2', 'one-1', 'one-2', 'without-1', 'without-2']),
  )
  expect(marked).toHaveLength(12)
  expect(held).toEqual([])
  expect(full).toHaveLength(9)
  expect((await mark(['north-3', 'south-3'])).marked).toEqual([])
  const [progress] = await answer(['north-1', 'north-1', 'south-1'])
  expect(progress?.freedGroups).toHaveLength(2)
  expect(idsOf((await mark(['north-3'])).marked)).toEqual(['north-3'])
  expect((await mark(['north-3'])).full).toEqual([])
})

test('calls that cannot be marked use no room in a batch', async () => {
  await start(1)
  await answer(['north-1'], 'pending')
  expect(idsOf((await mark(['north-1', 'north-2', 'north-3'])).marked)).toEqual(['north-2'])
})

test('a job without a budget in the same batch is not affected', async () => {
  await start(1)
  const other = await givenMethodJob(deps, 'pump')
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())
  const calls = deviceIds.flatMap((deviceId) => [
    { jobId, deviceId, deadline: clock.now() },
    { jobId: other, deviceId, deadline: clock.now() },
  ])
  const { instanceId } = deps.lease
  const marks = await deps.db.autocommit((tx) => markDispatched(tx, calls, { instanceId, now: clock.now() }))
  expect(marks.marked.filter((key) => key.jobId === other)).toHaveLength(deviceIds.length)
  expect(marks.marked.filter((key) => key.jobId === jobId)).toHaveLength(6)
})

test('a batch that waits for the job sees the calls of its groups that were marked meanwhile', async () => {
  await start(1)
  const { marked, full } = await whileHeld(
    deps,
    (tx) => markIn(tx, ['north-1', 'south-1']),
    () => mark(['north-2', 'text-1']),
  )
  expect(idsOf(marked)).toEqual(['text-1'])
  expect(idsOf(full)).toEqual(['north-2'])
})

test('devices of waves that are not open use no room in their group', async () => {
  jobId = await givenMethodJob(
    deps,
    'pump',
    {},
    {
      rollout: {
        waves: [{ queryCondition: "deviceId IN ['north-2', 'north-3']" }, {}],
        budget: { groupBy: 'tags.site', maxConcurrent: 1 },
      },
    },
  )
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())
  const { marked, full } = await mark([...devicesOf('north'), ...devicesOf('south')])
  expect(idsOf(marked)).toEqual(['north-2'])
  expect(idsOf(full)).toEqual(['north-3'])
  const [progress] = await answer(['north-2'])
  expect(progress).toMatchObject({ hasWaves: true, freedGroups: [expect.any(String)] })
  expect(idsOf((await mark(['north-1', 'north-3'])).marked)).toEqual(['north-3'])
})

test('a rate takes room only for calls that their groups allow', async () => {
  jobId = await givenMethodJob(
    deps,
    'pump',
    {},
    { rollout: { maxPerMinute: 120, budget: { groupBy: 'tags.site', maxConcurrent: 1 } } },
  )
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())
  const { marked, held, full } = await mark([...devicesOf('north'), ...devicesOf('south'), 'text-1'])
  expect(idsOf(marked)).toEqual(['north-1', 'south-1'])
  expect(idsOf(full)).toEqual(['north-2', 'north-3', 'south-2', 'south-3'])
  expect(idsOf(held)).toEqual(['text-1'])
})

test('what is counted is what is under way, whatever happens, and never more than the budget', async () => {
  for (const maxConcurrent of [1, 2]) {
    await start(maxConcurrent)
    let seed = maxConcurrent
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31
      return Math.floor((seed / 2 ** 31) * below)
    }
    const some = (): string[] => deviceIds.filter(() => random(3) === 0)
    const underWay = new Set<string>()
    const steps = [
      async () => {
        for (const id of idsOf((await mark(some())).marked)) underWay.add(id)
      },
      async () => {
        // One in two, so that the job lasts.
        const ended = [...underWay].filter(() => random(2) === 0)
        await answer(ended)
        for (const id of ended) underWay.delete(id)
      },
      async () => {
        const undone = [...underWay].filter(() => random(2) === 0)
        expect((await unmark(undone)).length).toBe(undone.length === 0 ? 0 : 1)
        for (const id of undone) underWay.delete(id)
      },
      () => answer(some().slice(0, 1), 'pending'),
      async () => {
        await pauseJob(deps, tester, jobId)
        expect((await mark(some())).marked).toEqual([])
        await resumeJob(deps, tester, jobId)
      },
    ]
    for (let step = 0; step < 60; step++) {
      await steps[random(steps.length)]?.()
      const found = await groups()
      expect(found).toHaveLength(6)
      expect(found.map(({ counted }) => counted)).toEqual(found.map((group) => group.underWay))
      expect(Math.max(...found.map(({ counted }) => counted))).toBeLessThanOrEqual(maxConcurrent)
    }
  }
})

test('a cancelled job counts its calls until they have ended, and then has no groups any more', async () => {
  await start(1)
  await mark(deviceIds)
  await cancelJob(deps, tester, jobId)
  await answer(['north-1'])
  expect((await groups()).map(({ counted }) => counted).sort()).toEqual([0, 1, 1, 1, 1, 1])
  await answer(['south-1', 'one-1', 'text-1', 'nested-1', 'without-1'])
  expect((await groups()).map(({ counted }) => counted)).toEqual([0, 0, 0, 0, 0, 0])
  await finishJobs(deps).run(clock.now())
  expect(await groups()).toEqual([])
  expect((await deps.database.pool.query('select from budget_group')).rowCount).toBe(0)
})

describe('a change of the budget', () => {
  test('to more gives room, and to less takes it as calls end', async () => {
    await start(1)
    await mark(['north-1'])
    await updateJob(deps, tester, { jobId, rollout: { budget: { maxConcurrent: 3 } } })
    expect(idsOf((await mark(['north-2', 'north-3'])).marked)).toEqual(['north-2', 'north-3'])
    await updateJob(deps, tester, { jobId, rollout: { budget: { maxConcurrent: 1 } } })
    await answer(['north-1'])
    await mark(['one-1', 'one-2'])
    expect((await groups()).map(({ counted }) => counted)).toEqual([0, 2, 1, 0, 0, 0])
  })

  test('to none leaves no groups, and calls that are under way end as ever', async () => {
    await start(1)
    await mark(['north-1'])
    await updateJob(deps, tester, { jobId, rollout: { budget: null } })
    expect((await deps.database.pool.query('select from budget_group')).rowCount).toBe(0)
    expect(await answer(['north-1'])).toEqual([{ jobId, open: deviceIds.length - 1, hasWaves: false }])
    expect((await mark(devicesOf('south'))).marked).toHaveLength(3)
  })
})

test('a job whose selection is discarded leaves no groups', async () => {
  jobId = await givenMethodJob(
    deps,
    'pump',
    {},
    { expect: undefined, rollout: { budget: { groupBy: 'tags.site', maxConcurrent: 1 } } },
  )
  await deps.database.pool.query('update job set max_devices = 1')
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())
  expect((await deps.database.pool.query("select from job where status = 'failed'")).rowCount).toBe(1)
  expect((await deps.database.pool.query('select from budget_group')).rowCount).toBe(0)
})
