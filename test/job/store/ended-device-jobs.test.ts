import { sqltag as sql } from '@prisma/client/runtime/client'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Reader } from '../../../src/database/reader.ts'
import { cancelJob } from '../../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../../src/job/device-job-commands.ts'
import {
  type EndedPlace,
  findEndedPlaces,
  findJobKey,
  beforeAll as start,
} from '../../../src/job/store/ended-device-jobs.ts'
import { lockOpenJobs, settle } from '../../../src/job/store/facts.ts'
import { expandJob } from '../../../src/job/store/targets.ts'
import { finishJobs, saveStarted } from '../../../src/job/store/transitions.ts'
import { everything } from '../../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { givenDevices, givenMethodJob, markCalls, tester } from '../../support/rows.ts'
import { unhurried } from '../../support/unhurried.ts'

const allDevices = 8
const now = new Date('2026-01-01T00:00:00Z')

let deps: TestDeps
let deviceIds: string[]

beforeAll(async () => {
  deps = await createTestDeps()
  deviceIds = await givenDevices(deps, 'ended', allDevices)
})
afterAll(() => deps.close())

async function givenStartedJob(): Promise<string> {
  const jobId = await givenMethodJob(deps, 'ended')
  await deps.db.transaction(async (tx) => {
    const deviceCount = await expandJob(unhurried(tx), everything, jobId, {
      strings: ['t.tags @> ', '::jsonb'],
      values: ['{"fleet":"ended"}'],
    })
    await saveStarted(tx, jobId, { status: 'running', deviceCount, now })
  })
  return jobId
}

// What may happen, to some devices of one or several jobs in one transaction.

type Part = { readonly job: number; readonly devices: readonly number[] }
type Step =
  | { readonly kind: 'dispatch' | 'answer' | 'lost' | 'offline'; readonly parts: readonly Part[] }
  | { readonly kind: 'cancelDevices'; readonly job: number; readonly devices: readonly number[] }
  | { readonly kind: 'cancel' | 'timeUp'; readonly job: number }

const job = fc.nat({ max: 2 })
const part = fc.record({ job, devices: fc.uniqueArray(fc.nat({ max: allDevices - 1 }), { minLength: 1 }) })
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constantFrom('dispatch' as const, 'answer' as const, 'lost' as const, 'offline' as const),
      parts: fc.array(part, { minLength: 1, maxLength: 3 }),
    }),
  },
  { weight: 2, arbitrary: part.map((part) => ({ kind: 'cancelDevices' as const, ...part })) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('cancel' as const, 'timeUp' as const), job }) },
)

async function apply(jobIds: readonly string[], action: Step): Promise<void> {
  if (!('parts' in action)) {
    const jobId = jobIds[action.job] ?? ''
    if (action.kind === 'cancelDevices') {
      const ids = action.devices.map((device) => `'${deviceIds[device]}'`)
      const input = { jobId, queryCondition: `deviceId IN [${ids.join(', ')}]` }
      return cancelDeviceJobs(deps, tester, input).then(
        () => {},
        () => {},
      )
    }
    return action.kind === 'cancel' ? cancelJob(deps, tester, jobId).catch(() => {}) : endJob(jobId)
  }
  const keys = action.parts.flatMap(({ job, devices }) =>
    devices.map((device) => ({ jobId: jobIds[job] ?? '', deviceId: deviceIds[device] ?? '' })),
  )
  const ids = keys.map(({ jobId }) => jobId)
  await deps.db.transaction(async (tx) => {
    if (action.kind === 'dispatch') {
      const calls = keys.map((key) => ({ ...key, deadline: now }))
      await markCalls(deps, tx, calls)
    } else if (action.kind === 'offline') {
      const error = { code: 'GatewayTimeout', description: 'It was not there.' }
      const settlements = keys.map((key) => ({ ...key, error }))
      await settle(tx, settlements, 'pending', now)
    } else {
      await lockOpenJobs(tx, ids)
      const marked = await tx.query<{ jobId: string; deviceId: string }>(
        sql`select job.id as "jobId", device_id as "deviceId" from device_job_dispatch join job on key = job_key`,
      )
      const sent = new Set(marked.map(({ jobId, deviceId }) => `${jobId}/${deviceId}`))
      const end =
        action.kind === 'answer'
          ? { response: { status: 200, payload: 'null' } }
          : { error: { code: 'GatewayTimeout', description: 'It did not answer.' } }
      const settlements = keys
        .filter(({ jobId, deviceId }) => sent.has(`${jobId}/${deviceId}`))
        .map((key) => ({ ...key, ...end }))
      await settle(tx, settlements, 'running', now)
    }
  })
}

/** Its time is up. */
async function endJob(jobId: string): Promise<void> {
  await deps.db.transaction(async (tx) => {
    await tx.query(sql`update job set deadline = ${now} where id = ${jobId} and end_time is null`)
    await finishJobs(tx, now)
  })
}

/** What a reader tells who asks again and again, a page at a time, until it is over or there is nothing new. */
async function readOn(jobKey: string, places: EndedPlace[], limit: number): Promise<boolean> {
  for (;;) {
    const page = await findEndedPlaces(unhurried(deps.db.reads), everything, jobKey, places.at(-1) ?? start, limit)
    if (page === undefined) throw new Error('The job is gone.')
    places.push(...page.places)
    if (page.over) return true
    if (!page.more) return false
  }
}

const text = ({ version, deviceId }: EndedPlace): string => `${String(version).padStart(6, '0')} ${deviceId}`

test('every device job is told once, in one order, whatever happens meanwhile and wherever a reader goes on', {
  timeout: 180_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 8 }),
      fc.integer({ min: 1, max: 4 }),
      async (rounds, limit) => {
        const jobIds = [await givenStartedJob(), await givenStartedJob(), await givenStartedJob()]
        const jobs = await Promise.all(jobIds.map((jobId) => findJobKey(deps.db.reads, jobId)))
        const readers = jobs.map((found) => ({ jobKey: found?.jobKey ?? '', told: [] as EndedPlace[] }))
        for (const steps of rounds) {
          // Transactions and readers at the same time.
          await Promise.all([
            ...steps.map((action) => apply(jobIds, action)),
            ...readers.map(({ jobKey, told }) => readOn(jobKey, told, limit)),
          ])
        }
        for (const jobId of jobIds) await endJob(jobId)
        for (const { jobKey, told } of readers) {
          expect(await readOn(jobKey, told, limit)).toBe(true)
          expect(told.map(({ deviceId }) => deviceId).sort()).toEqual(deviceIds)
          expect(told.map(text)).toEqual(told.map(text).sort())
          // From any place, with any pages, come exactly the others.
          for (let from = 0; from <= told.length; from++) {
            const later = told.slice(0, from)
            await readOn(jobKey, later, 1 + (from % 3))
            expect(later).toEqual(told)
          }
        }
      },
    ),
    { numRuns: 25 },
  )
})

test('devices without an outcome come after all others, at the version with which the job ended', async () => {
  const jobId = await givenStartedJob()
  const found = await findJobKey(deps.db.reads, jobId)
  await apply([jobId], { kind: 'dispatch', parts: [{ job: 0, devices: [7, 3] }] })
  await cancelJob(deps, tester, jobId)
  const told: EndedPlace[] = []
  expect(await readOn(found?.jobKey ?? '', told, 10)).toBe(false)
  expect(told).toEqual([])
  await apply([jobId], { kind: 'answer', parts: [{ job: 0, devices: [7] }] })
  await endJob(jobId)
  expect(await readOn(found?.jobKey ?? '', told, 10)).toBe(true)
  expect(told.map(({ deviceId }) => deviceId)).toEqual([7, 0, 1, 2, 3, 4, 5, 6].map((index) => deviceIds[index]))
  const ended = await findJobKey(deps.db.reads, jobId)
  expect(new Set(told.slice(1).map(({ version }) => version))).toEqual(new Set([ended?.version]))
})

test('a page of a large job is found by its index and not by reading all of its outcomes', async () => {
  const jobId = await givenMethodJob(deps, 'nobody')
  const found = await findJobKey(deps.db.reads, jobId)
  const jobKey = found?.jobKey ?? ''
  await deps.db.query(
    sql`insert into device_job_outcome (job_key, device_id, ended_time, version)
        select ${jobKey}::bigint, 'many-' || lpad(n::text, 6, '0'), ${now}, 2 + n / 1000 from generate_series(0, 99999) n`,
  )
  await deps.db.query(sql`analyze device_job_outcome`)
  const plans: Record<string, unknown>[] = []
  /** Explains the statement in question besides. */
  const query: Reader['query'] = async (statement, name) => {
    if (name === 'find-ended-places') {
      const explained = await deps.db.query(sql`explain (analyze, buffers, format json) ${statement}`)
      plans.push(explained[0]?.['QUERY PLAN'][0].Plan)
    }
    return deps.db.query(statement, name)
  }
  const page = await findEndedPlaces(
    unhurried({ query }),
    everything,
    jobKey,
    { version: 50, deviceId: 'many-048500' },
    1000,
  )
  expect(page?.places[0]).toEqual({ version: 50, deviceId: 'many-048501' })
  expect(page?.places).toHaveLength(1000)
  const [plan] = plans
  expect(JSON.stringify(plan)).toContain('device_job_outcome_version')
  expect(Number(plan?.['Shared Hit Blocks']) + Number(plan?.['Shared Read Blocks'])).toBeLessThan(200)
  await deps.db.query(sql`delete from device_job_outcome where job_key = ${jobKey}::bigint`)
})
