import { sqltag as sql } from '@prisma/client/runtime/client'
import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { createDevices } from '../../../src/device/commands.ts'
import { cancelJob, retryJob, scheduleJob } from '../../../src/job/commands.ts'
import type { By } from '../../../src/job/history.ts'
import { isOwnJob } from '../../../src/job/own-job.ts'
import { countDeviceJobs, findDeviceJobs } from '../../../src/job/store/device-job-list.ts'
import { type DeviceJobView, findDeviceJobsByKey } from '../../../src/job/store/device-jobs.ts'
import {
  beforeAll as beginning,
  type EndedPlace,
  findEndedPlaces,
  findJobKey,
} from '../../../src/job/store/ended-device-jobs.ts'
import { type Settlement, settle } from '../../../src/job/store/facts.ts'
import { failuresKey, findFailureSamples, findFailures } from '../../../src/job/store/failures.ts'
import { findJob } from '../../../src/job/store/jobs.ts'
import { ownJob } from '../../../src/job/store/own-jobs.ts'
import {
  countedJobKey,
  countFamiliesInScope,
  countInScope,
  mostCounted,
} from '../../../src/job/store/scoped-statistics.ts'
import { scopeOf } from '../../../src/query/scope.ts'
import { finishJobs } from '../../../src/scheduler/finish-jobs.ts'
import { everything, type Scope } from '../../../src/scope.ts'
import { start } from '../../graphql/facts.ts'
import { createTestClock, type TestClock } from '../../support/clock.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { jobRow, markCalls, tester } from '../../support/rows.ts'
import { unhurried } from '../../support/unhurried.ts'

const sites = ['north', 'south', 'east'] as const
const part = (site: string): string => `tags.site = '${site}'`

let deps: TestDeps
let clock: TestClock
/** The site of each device. */
const siteOf = new Map<string, string>()

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
  for (let index = 0; index < 9; index++) siteOf.set(`d${index}`, sites[index % 3] ?? '')
  await createDevices(
    deps,
    everything,
    [...siteOf].map(([deviceId, site]) => ({ deviceId, twin: { tags: { site } } })),
  )
})
afterAll(() => deps.close())
beforeEach(async () => {
  for (const table of ['device_job_outcome', 'device_job_dispatch', 'device_job', 'job']) {
    await deps.database.pool.query(`delete from ${table}`)
  }
})

const within = (scope: Scope): By => ({ ...tester, scope })

const scheduled = (scope: Scope): Promise<string> =>
  scheduleJob(deps, within(scope), {
    type: 'scheduleDeviceMethod',
    queryCondition: '*',
    cloudToDeviceMethod: { methodName: 'reboot' },
  })

/** What happens to one device of a job. */
const fates = ['untouched', 'unanswered', 'answers 200', 'answers 500', 'fails X', 'fails Y'] as const
type Fate = (typeof fates)[number]
const endings = ['running', 'cancelled', 'cancelled and ended', 'time is up'] as const
type Ending = (typeof endings)[number]

/** Starts a job and lets these things happen to its devices, and then to the job. */
async function run(jobId: string, fateOf: (deviceId: string) => Fate, ending: Ending): Promise<void> {
  await start(deps, jobId)
  const job = await jobRow(deps, jobId)
  const targets = await deps.db.prisma.deviceJob.findMany({ where: { jobKey: job.key } })
  const keys = targets
    .map(({ deviceId }) => ({ jobId, deviceId }))
    .filter(({ deviceId }) => fateOf(deviceId) !== 'untouched')
  const deadline = new Date(clock.now().getTime() + 1_000)
  await deps.db.transaction(async (tx) => {
    await markCalls(
      deps,
      tx,
      keys.map((key) => ({ ...key, deadline })),
    )
    const ends = keys.flatMap((key): Settlement[] => {
      const [verb, what = ''] = fateOf(key.deviceId).split(' ')
      if (verb === 'answers') return [{ ...key, response: { status: Number(what), payload: 'null' } }]
      return verb === 'fails' ? [{ ...key, error: { code: what, description: `${what} happened` } }] : []
    })
    await settle(tx, ends, 'running', clock.now())
  })
  if (ending.startsWith('cancelled')) await cancelJob(deps, tester, jobId)
  if (ending === 'running' || ending === 'cancelled') return
  clock.advance(3_600_000)
  await finishJobs(deps).run(clock.now())
}

const scopes = fc.subarray([...sites]).map((chosen) => scopeOf(chosen.map(part)))
const isIn = (scope: Scope, { deviceId }: { readonly deviceId: string }): boolean =>
  scope.parts === null || scope.parts.includes(part(siteOf.get(deviceId) ?? ''))

const isRefusal = ({ status, responseStatus }: DeviceJobView): boolean =>
  status === 'completed' && (responseStatus ?? 0) >= 400
const statuses = ['pending', 'running', 'completed', 'failed', 'canceled'] as const
function statisticsOf(views: readonly DeviceJobView[]) {
  const [pendingCount, runningCount, succeededCount, failedCount, cancelledCount] = statuses.map(
    (status) => views.filter((view) => view.status === status).length,
  )
  const refusedCount = views.filter(isRefusal).length
  return {
    deviceCount: views.length,
    pendingCount,
    runningCount,
    succeededCount,
    refusedCount,
    skippedCount: views.filter(({ skipped }) => skipped).length,
    failedCount,
    cancelledCount,
  }
}

/** The failures among device jobs, in groups as text with their numbers. */
function failuresIn(views: readonly DeviceJobView[]): string[] {
  const groups = new Map<string, number>()
  for (const view of views) {
    const { status, errorCode, errorDescription, responseStatus } = view
    const isAnswer = isRefusal(view)
    if (status !== 'failed' && !isAnswer) continue
    const key = isAnswer ? `DeviceResponse: ${responseStatus}` : `${errorCode}: ${errorDescription}`
    groups.set(key, (groups.get(key) ?? 0) + 1)
  }
  return [...groups].map(([key, count]) => `${key} ${count}`).sort()
}

const wholePage = { cursor: undefined, forward: true, limit: 100 }
const byDeviceId = { field: 'deviceId', direction: 'asc' } as const

/** All that a viewer with the scope reads of a job. */
async function readWithin(scope: Scope, jobId: string) {
  const db = unhurried(deps.db)
  const { key, endTime } = await jobRow(deps, jobId)
  const jobKey = String(key)
  const hasEnded = endTime !== null
  const views = await findDeviceJobs(db, scope, jobId, {}, byDeviceId, wholePage)
  const [counted] = await countDeviceJobs(db, scope, [jobId], {})
  const keys = [...siteOf.keys()].map((deviceId) => ({ jobId, deviceId }))
  const byKey = await findDeviceJobsByKey(db, scope, keys)
  const [failures] = await findFailures(db, scope, [{ jobKey, since: null, hasEnded }])
  const groups = failures?.groups ?? []
  const samples = await findFailureSamples(
    db,
    scope,
    groups.map((group) => ({ ...group, jobId, hasEnded, size: 100 })),
    { limit: 100 },
  )
  const places: EndedPlace[] = []
  for (let reached = beginning; ; ) {
    const page = await findEndedPlaces(db, scope, jobKey, reached, 2)
    if (page === undefined) throw new Error('The job is gone.')
    places.push(...page.places)
    reached = page.reached
    if (!page.more) break
  }
  return {
    views,
    counted: counted?.count,
    byKey: byKey.map(({ deviceId }) => deviceId).sort(),
    failures: groups
      .map(({ code, message, responseStatus, count }) =>
        responseStatus === null ? `${code}: ${message} ${count}` : `${code}: ${responseStatus} ${count}`,
      )
      .sort(),
    sampled: samples.map(({ deviceId }) => deviceId).sort(),
    ended: places.map(({ deviceId }) => deviceId),
  }
}

test('what a viewer reads of a job is what one without a scope reads, of the devices in the scope', async () => {
  let foreign = 0
  await fc.assert(
    fc.asyncProperty(
      fc.tuple(...[...siteOf.keys()].map(() => fc.constantFrom<Fate>(...fates))),
      fc.constantFrom<Ending>(...endings),
      fc.option(scopes, { nil: everything }),
      scopes,
      async (chosen, ending, jobs, viewers) => {
        const jobId = await scheduled(jobs)
        const fateOf = new Map([...siteOf.keys()].map((deviceId, index) => [deviceId, chosen[index] ?? 'untouched']))
        await run(jobId, (deviceId) => fateOf.get(deviceId) ?? 'untouched', ending)
        const row = await findJob(deps.db, jobId)
        const isOwn = row !== undefined && isOwnJob(viewers, row)
        const [inSql] = await deps.db.query<{ own: boolean }>(
          sql`select ${ownJob(viewers)} as own from job where id = ${jobId}`,
        )
        expect(inSql?.own).toBe(isOwn)

        const whole = await readWithin(everything, jobId)
        const seen = await readWithin(viewers, jobId)
        const expected = whole.views.filter((view) => isOwn || isIn(viewers, view))
        const expectedIds = new Set(expected.map(({ deviceId }) => deviceId))
        expect(seen.views).toEqual(expected)
        expect(seen.counted).toBe(expected.length)
        expect(seen.byKey).toEqual([...expectedIds].sort())
        expect(seen.failures).toEqual(failuresIn(expected))
        expect(seen.sampled).toEqual(whole.sampled.filter((deviceId) => expectedIds.has(deviceId)))
        expect(seen.ended).toEqual(whole.ended.filter((deviceId) => expectedIds.has(deviceId)))
        if (isOwn) return
        foreign++
        const { key, endTime } = await jobRow(deps, jobId)
        const asked = { jobKey: String(key), hasEnded: endTime !== null }
        expect(await countInScope(unhurried(deps.db), viewers, [asked])).toEqual([
          { asked: countedJobKey(asked), ...statisticsOf(expected) },
        ])
        expect(await countFamiliesInScope(unhurried(deps.db), viewers, [asked.jobKey])).toEqual([
          { familyKey: asked.jobKey, isTooLarge: false, ...statisticsOf(expected) },
        ])
      },
    ),
    { numRuns: 60 },
  )
  expect(foreign).toBeGreaterThan(0)
})

test('a family counts each device in the scope once: it succeeded, or has its status in the newest job', async () => {
  const jobId = await scheduled(everything)
  await run(jobId, (deviceId) => (deviceId === 'd0' ? 'answers 200' : 'fails X'), 'time is up')
  const retryId = await retryJob(deps, tester, { jobId })
  await run(retryId, (deviceId) => (deviceId === 'd3' ? 'answers 200' : 'untouched'), 'cancelled and ended')
  const { key } = await jobRow(deps, jobId)
  // Of the north are d0, which succeeded at once, d3, which did in the retry, and d6.
  expect(await countFamiliesInScope(unhurried(deps.db), scopeOf([part('north')]), [String(key)])).toMatchObject([
    { deviceCount: 3, succeededCount: 2, failedCount: 0, cancelledCount: 1 },
  ])
})

test('a job, or a family, with too many devices is not counted', async () => {
  const jobId = await scheduled(everything)
  await start(deps, jobId)
  const { key } = await jobRow(deps, jobId)
  const asked = { jobKey: String(key), hasEnded: false }
  const north = scopeOf([part('north')])
  const read = async (deviceCount: number) => {
    await deps.database.pool.query('update job set device_count = $1, pending_count = $1', [deviceCount])
    const [job] = await countInScope(unhurried(deps.db), north, [asked])
    const [family] = await countFamiliesInScope(unhurried(deps.db), north, [asked.jobKey])
    return [job?.deviceCount, family?.isTooLarge, family?.deviceCount]
  }
  expect(await read(mostCounted)).toEqual([3, false, 3])
  expect(await read(mostCounted + 1)).toEqual([undefined, true, 0])
})

test('failures that were read up to a version are followed by those of devices in the scope', async () => {
  const jobId = await scheduled(everything)
  await start(deps, jobId)
  const before = await jobRow(deps, jobId)
  await deps.db.transaction(async (tx) => {
    const keys = ['d0', 'd1'].map((deviceId) => ({ jobId, deviceId }))
    await markCalls(
      deps,
      tx,
      keys.map((key) => ({ ...key, deadline: clock.now() })),
    )
    await settle(
      tx,
      keys.map((key) => ({ ...key, error: { code: 'X', description: 'X happened' } })),
      'running',
      clock.now(),
    )
  })
  const asked = { jobKey: String(before.key), since: before.version, hasEnded: false }
  const [found] = await findFailures(unhurried(deps.db), scopeOf([part('north')]), [asked])
  expect(found).toMatchObject({ asked: failuresKey(asked), groups: [{ code: 'X', count: 1 }] })
})

test('device jobs of a foreign job are found by their keys, however many devices there are', async () => {
  const jobId = await scheduled(everything)
  await start(deps, jobId)
  const job = await findJobKey(deps.db, jobId)
  expect(job).toBeDefined()
  let plan = ''
  const explaining: Parameters<typeof unhurried>[0] = {
    query: async ({ text, values }) => {
      const client = await deps.database.pool.connect()
      try {
        await client.query('set enable_seqscan = off')
        const { rows } = await client.query({ text: `explain ${text}`, values: [...values] })
        plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      } finally {
        await client.query('reset enable_seqscan')
        client.release()
      }
      return []
    },
  }
  await findDeviceJobs(unhurried(explaining), scopeOf([part('north')]), jobId, {}, byDeviceId, {
    ...wholePage,
    limit: 10,
  })
  expect(plan).toContain('device_job_pkey')
  expect(plan).toMatch(/Index.* using (?:device_pkey|twin_pkey)/)
  expect(plan).not.toMatch(/Seq Scan on (?:device|twin|device_job)\b/)
})
