import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Reader } from '../../../src/database/reader.ts'
import { createDevices } from '../../../src/device/commands.ts'
import { cancelJob } from '../../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../../src/job/device-job-commands.ts'
import { type DeviceJobResult, deviceJobResult } from '../../../src/job/state.ts'
import {
  countDeviceJobs,
  type DeviceJobListPlace,
  type DeviceJobOrder,
  type DeviceJobSelection,
  findDeviceJobs,
} from '../../../src/job/store/device-job-list.ts'
import { type DeviceJobView, findDeviceJobsByKey } from '../../../src/job/store/device-jobs.ts'
import { settle } from '../../../src/job/store/facts.ts'
import { expandJob } from '../../../src/job/store/targets.ts'
import { finishJobs, saveStarted } from '../../../src/job/store/transitions.ts'
import { compileCondition } from '../../../src/query/compiler.ts'
import { deviceFields } from '../../../src/query/fields.ts'
import { parseCondition } from '../../../src/query/parser.ts'
import { everything as everyDevice } from '../../../src/scope.ts'
import { answer, dispatch } from '../../graphql/facts.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { givenMethodJob, tester } from '../../support/rows.ts'
import { unhurried } from '../../support/unhurried.ts'

const compile = (text: string) => compileCondition(parseCondition(text), deviceFields)

let deps: TestDeps
const siteOf = (index: number): string => (index % 2 === 0 ? 'north' : 'south')
const deviceIds = Array.from({ length: 10 }, (_, index) => `device-${index}`)

beforeAll(async () => {
  deps = await createTestDeps()
  await createDevices(
    deps,
    everyDevice,
    deviceIds.map((deviceId, index) => ({ deviceId, twin: { tags: { site: siteOf(index) } } })),
  )
})
afterAll(() => deps.close())

const devices = fc.uniqueArray(fc.nat({ max: 9 }), { minLength: 1, maxLength: 6 })
const statusCode = fc.constantFrom(200, 404, 500)
const step = fc.oneof(
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('dispatch' as const), devices }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('answer' as const), devices, status: statusCode }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('fail' as const), devices, code: fc.constantFrom('A', 'B') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('drop' as const), devices }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('skip' as const), devices }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancel' as const), devices }) },
)
const end = fc.constantFrom('none' as const, 'cancel' as const, 'timeUp' as const, 'cancelThenTimeUp' as const)

/** Seldom given, for a few filters at once select next to nothing. */
const seldom = <Value>(value: fc.Arbitrary<Value>) =>
  fc.oneof({ weight: 2, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: value })
const among = <Value>(...values: readonly Value[]) => seldom(fc.subarray([...values]))
const selections = fc.record({
  statuses: among<DeviceJobView['status']>('pending', 'running', 'completed', 'failed', 'canceled'),
  results: among<DeviceJobResult>('pending', 'running', 'succeeded', 'refused', 'failed', 'cancelled'),
  errorCodes: among('A', 'B', 'X', 'Canceled', 'JobRunPreconditionFailed'),
  responseStatuses: among(200, 404, 500),
  skipped: seldom(fc.boolean()),
  site: seldom(fc.constantFrom('north', 'nowhere')),
})
const everything = {
  statuses: undefined,
  results: undefined,
  errorCodes: undefined,
  responseStatuses: undefined,
  skipped: undefined,
  site: undefined,
}

async function givenJob(steps: readonly (typeof step extends fc.Arbitrary<infer Step> ? Step : never)[]) {
  const jobId = await givenMethodJob(deps, 'any')
  await deps.db.transaction(async (tx) => {
    const deviceCount = await expandJob(unhurried(tx), everyDevice, jobId, compile('*'))
    await saveStarted(tx, jobId, { status: 'running', deviceCount, now: deps.clock.now() })
  })
  const called = new Set<string>()
  for (const action of steps) {
    const keys = action.devices.map((index) => ({ jobId, deviceId: deviceIds[index] ?? '' }))
    const underWay = keys.filter(({ deviceId }) => called.has(deviceId))
    switch (action.kind) {
      case 'dispatch':
        await dispatch(deps, ...keys)
        for (const { deviceId } of keys) called.add(deviceId)
        break
      case 'answer':
        await answer(deps, ...underWay.map((key) => ({ ...key, response: { status: action.status, payload: 'null' } })))
        break
      case 'fail':
        await answer(deps, ...underWay.map((key) => ({ ...key, error: { code: action.code, description: 'x' } })))
        break
      case 'cancel': {
        const queryCondition = `deviceId IN [${keys.map(({ deviceId }) => `'${deviceId}'`).join(', ')}]`
        await cancelDeviceJobs(deps, tester, { jobId, queryCondition })
        for (const { deviceId } of keys) called.add(deviceId) // it has an outcome: nothing is sent any more
        break
      }
      case 'drop':
      case 'skip':
        await deps.db.transaction(async (tx) => {
          const waiting = keys.filter(({ deviceId }) => !called.has(deviceId))
          for (const { deviceId } of waiting) called.add(deviceId) // it has an outcome: nothing is sent any more
          const settlements = waiting.map((key) =>
            action.kind === 'skip'
              ? { ...key, skipped: true as const }
              : { ...key, error: { code: 'X', description: 'x' } },
          )
          await settle(tx, settlements, 'pending', deps.clock.now())
        })
    }
  }
  return jobId
}

const byText = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

/** The oracle: what is wanted, filtered and sorted here. */
function expected(
  all: readonly DeviceJobView[],
  wanted: {
    readonly [Name in 'statuses' | 'results' | 'errorCodes' | 'responseStatuses']: readonly unknown[] | undefined
  } & {
    readonly site: string | undefined
    readonly skipped: boolean | undefined
  },
  { field, direction }: DeviceJobOrder,
): string[] {
  const passing = all.filter(
    (row) =>
      (wanted.statuses?.includes(row.status) ?? true) &&
      (wanted.results?.includes(deviceJobResult(row.status, row.responseStatus)) ?? true) &&
      (wanted.errorCodes?.includes(row.errorCode) ?? true) &&
      (wanted.responseStatuses?.includes(row.responseStatus) ?? true) &&
      (wanted.skipped === undefined || row.skipped === wanted.skipped) &&
      (wanted.site === undefined || siteOf(deviceIds.indexOf(row.deviceId)) === wanted.site),
  )
  const last = Number.POSITIVE_INFINITY
  passing.sort((a, b) => {
    const [left, right] = field === 'deviceId' ? [0, 0] : [a.version ?? last, b.version ?? last]
    return left === right ? byText(a.deviceId, b.deviceId) : left - right
  })
  if (direction === 'desc') passing.reverse()
  return passing.map((row) => row.deviceId)
}

async function readPages(
  jobId: string,
  selection: DeviceJobSelection,
  order: DeviceJobOrder,
  { forward, limit }: { forward: boolean; limit: number },
): Promise<string[]> {
  const ids: string[] = []
  let cursor: DeviceJobListPlace | undefined
  for (;;) {
    const page = await findDeviceJobs(unhurried(deps.db), everyDevice, jobId, selection, order, {
      cursor,
      forward,
      limit,
    })
    ids.push(...page.map((row) => row.deviceId))
    cursor = page.at(-1)
    if (page.length < limit || ids.length > deviceIds.length) return ids
  }
}

test('the pages of every order, forward and backward, are the filtered and sorted list', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.uniqueArray(fc.nat({ max: 9 }), { minLength: 3 }),
      fc.array(step, { minLength: 2, maxLength: 10 }),
      end,
      fc.array(selections, { minLength: 3, maxLength: 3 }),
      fc.integer({ min: 1, max: 4 }),
      async (called, steps, ending, wantedOnes, limit) => {
        const jobId = await givenJob([{ kind: 'dispatch', devices: called }, ...steps])
        if (ending.startsWith('cancel')) await cancelJob(deps, tester, jobId)
        if (ending.endsWith('imeUp')) {
          await deps.db.transaction((tx) => finishJobs(tx, new Date('2126-01-01T00:00:00Z')))
        }
        const all = await findDeviceJobsByKey(
          deps.db,
          everyDevice,
          deviceIds.map((deviceId) => ({ jobId, deviceId })),
        )
        expect(all).toHaveLength(deviceIds.length)
        for (const wanted of [everything, ...wantedOnes]) {
          const { site, ...facts } = wanted
          const selection = { ...facts, condition: site === undefined ? undefined : compile(`tags.site = '${site}'`) }
          for (const field of ['deviceId', 'endTime'] as const) {
            for (const direction of ['asc', 'desc'] as const) {
              const order = { field, direction }
              const list = expected(all, wanted, order)
              expect(await readPages(jobId, selection, order, { forward: true, limit })).toEqual(list)
              expect(await readPages(jobId, selection, order, { forward: false, limit })).toEqual(list.toReversed())
            }
          }
          const [counted] = await countDeviceJobs(unhurried(deps.db), everyDevice, [jobId], selection)
          expect(counted?.count ?? 0).toBe(expected(all, wanted, { field: 'deviceId', direction: 'asc' }).length)
        }
      },
    ),
    { numRuns: 40 },
  )
})

test('few failures of many are found by the index that has nothing else', async () => {
  const jobId = await givenMethodJob(deps, 'any', {}, { jobId: 'many' })
  const { pool } = deps.database
  await pool.query(
    `insert into device_job_outcome (job_key, device_id, ended_time, error_code, error_description, version)
     select job.key, 'd' || n, now(), case when n % 500 = 0 then 'A' end, case when n % 500 = 0 then 'a' end, n / 100
     from job, generate_series(1, 20000) n where job.id = $1`,
    [jobId],
  )
  await pool.query('analyze device_job_outcome')
  let plan = ''
  const explaining: Reader = {
    async query({ text, values }) {
      const { rows } = await pool.query({ text: `explain ${text}`, values: [...values] })
      plan = rows.map((row) => row['QUERY PLAN']).join('\n')
      return []
    },
  }
  for (const field of ['deviceId', 'endTime'] as const) {
    await findDeviceJobs(
      unhurried(explaining),
      everyDevice,
      jobId,
      { errorCodes: ['A'] },
      { field, direction: 'desc' },
      {
        cursor: undefined,
        forward: true,
        limit: 101,
      },
    )
    expect(plan).toMatch(/(using|Bitmap Index Scan on) device_job_outcome_failed/)
  }
  const order = { field: 'endTime', direction: 'asc' } as const
  await findDeviceJobs(unhurried(explaining), everyDevice, jobId, {}, order, {
    cursor: undefined,
    forward: true,
    limit: 101,
  })
  expect(plan).toContain('Index Scan using device_job_outcome_version')
})
