import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelJob } from '../../../src/job/commands.ts'
import { cancelDeviceJobs } from '../../../src/job/device-job-commands.ts'
import { deriveDeviceJobStatus, deviceJobResult } from '../../../src/job/state.ts'
import { findDeviceJobs } from '../../../src/job/store/device-job-list.ts'
import { lockOpenJobs, settle, unmarkDispatched } from '../../../src/job/store/facts.ts'
import { findHistories } from '../../../src/job/store/history.ts'
import { findJob } from '../../../src/job/store/jobs.ts'
import { expandJob } from '../../../src/job/store/targets.ts'
import { finishJobs, saveStarted } from '../../../src/job/store/transitions.ts'
import { everything } from '../../../src/scope.ts'
import { createTestDeps, type TestDeps } from '../../support/deps.ts'
import { givenDevices, givenMethodJob, jobRow, markCalls, tester } from '../../support/rows.ts'
import { unhurried } from '../../support/unhurried.ts'

let deps: TestDeps
let deviceIds: string[]

beforeAll(async () => {
  deps = await createTestDeps()
  deviceIds = await givenDevices(deps, 'fact', 6)
})
afterAll(() => deps.close())

const byDeviceId = { field: 'deviceId', direction: 'asc' } as const
const now = new Date('2026-01-01T00:00:00Z')
const device = fc.nat({ max: 5 })
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('dispatch' as const), devices: fc.array(device) }) },
  {
    weight: 4,
    arbitrary: fc.record({ kind: fc.constant('answer' as const), devices: fc.array(device), failed: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('drop' as const), devices: fc.array(device) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('undo' as const), devices: fc.array(device) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cancelDevices' as const), devices: fc.array(device) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('cancel' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('timeUp' as const) }) },
)

/** The facts as plain values: the oracle. */
type Facts = { dispatched: Set<string>; outcomes: Map<string, 'completed' | 'failed' | 'canceled'> }

test('whatever happens in whatever order, counters and history are what the facts amount to', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
      const jobId = await givenMethodJob(deps, 'fact')
      await deps.db.transaction(async (tx) => {
        const deviceCount = await expandJob(unhurried(tx), everything, jobId, {
          strings: ['t.tags @> ', '::jsonb'],
          values: ['{"fleet":"fact"}'],
        })
        await saveStarted(tx, jobId, { status: 'running', deviceCount, now })
      })
      const facts: Facts = { dispatched: new Set(), outcomes: new Map() }
      for (const action of steps) await apply(jobId, action, facts)
      await compare(jobId, facts)
    }),
    { numRuns: 60 },
  )
})

async function apply(jobId: string, action: typeof step extends fc.Arbitrary<infer Step> ? Step : never, facts: Facts) {
  const ids = 'devices' in action ? [...new Set(action.devices)].map((index) => deviceIds[index] ?? '') : []
  const keys = ids.map((deviceId) => ({ jobId, deviceId }))
  switch (action.kind) {
    case 'dispatch':
      await deps.db.transaction(async (tx) => {
        const marked = await markCalls(
          deps,
          tx,
          keys.map((key) => ({ ...key, deadline: now })),
        )
        for (const { deviceId } of marked) {
          expect(facts.dispatched).not.toContain(deviceId)
          facts.dispatched.add(deviceId)
        }
      })
      return
    case 'undo':
      await deps.db.transaction(async (tx) => {
        const open = await lockOpenJobs(tx, [jobId])
        const undone = keys.filter(({ deviceId }) => facts.dispatched.has(deviceId))
        await unmarkDispatched(tx, open, undone)
        if (open.has(jobId)) {
          for (const { deviceId } of undone) if (!facts.outcomes.has(deviceId)) facts.dispatched.delete(deviceId)
        }
      })
      return
    case 'answer':
    case 'drop':
      await deps.db.transaction(async (tx) => {
        const from = action.kind === 'answer' ? 'running' : 'pending'
        // A cancelled job's waiting devices have ended: only those of a running one can.
        const open = await lockOpenJobs(tx, [jobId], from === 'pending' ? 'running' : undefined)
        const fitting = keys.filter(({ deviceId }) => facts.dispatched.has(deviceId) === (from === 'running'))
        const failed = action.kind === 'drop' || action.failed
        const settled = from === 'running' ? fitting : keys
        await settle(
          tx,
          settled.map((key) =>
            failed
              ? { ...key, error: { code: 'X', description: 'x' } }
              : { ...key, response: { status: statusOf(key.deviceId), payload: 'null' } },
          ),
          from,
          now,
        )
        if (!open.has(jobId)) return
        for (const { deviceId } of fitting) {
          if (!facts.outcomes.has(deviceId)) facts.outcomes.set(deviceId, failed ? 'failed' : 'completed')
        }
      })
      return
    case 'cancelDevices': {
      const queryCondition = `deviceId IN [${ids.map((id) => `'${id}'`).join(', ')}]`
      const done = ids.length === 0 ? undefined : cancelDeviceJobs(deps, tester, { jobId, queryCondition })
      const result = await done?.catch(() => undefined)
      if (result === undefined) return
      const waiting = ids.filter((id) => !facts.dispatched.has(id) && !facts.outcomes.has(id))
      const underWay = ids.filter((id) => facts.dispatched.has(id) && !facts.outcomes.has(id))
      expect(result).toEqual({ cancelled: waiting.length, underWay: underWay.length })
      for (const id of waiting) facts.outcomes.set(id, 'canceled')
      return
    }
    case 'cancel':
      await cancelJob(deps, tester, jobId).catch(() => {})
      return
    case 'timeUp':
      await deps.db.transaction((tx) => finishJobs(tx, new Date('2126-01-01T00:00:00Z')))
  }
}

/** Half of the devices refuse when they answer. */
const statusOf = (deviceId: string): number => (deviceIds.indexOf(deviceId) % 2 === 0 ? 200 : 409)

async function compare(jobId: string, facts: Facts): Promise<void> {
  const job = await jobRow(deps, jobId)
  const row = await findJob(deps.db, jobId)
  if (row === undefined) throw new Error('no job')
  const expected = deviceIds.map((deviceId) =>
    deriveDeviceJobStatus({
      outcome: facts.outcomes.get(deviceId),
      dispatched: facts.dispatched.has(deviceId),
      jobStatus: row.status,
      jobEnded: job.endTime !== null,
    }),
  )
  const views = await findDeviceJobs(unhurried(deps.db), everything, jobId, {}, byDeviceId, {
    cursor: undefined,
    forward: true,
    limit: 100,
  })
  expect(views.map((view) => view.status)).toEqual(expected)
  expect(views.map((view) => view.version !== null)).toEqual(deviceIds.map((deviceId) => facts.outcomes.has(deviceId)))
  const count = (status: string) => expected.filter((other) => other === status).length
  expect(job).toMatchObject({
    deviceCount: deviceIds.length,
    pendingCount: count('pending'),
    runningCount: count('running'),
    succeededCount: count('completed'),
    refusedCount: views.filter(({ status, responseStatus }) => deviceJobResult(status, responseStatus) === 'refused')
      .length,
    failedCount: count('failed'),
    cancelledCount: count('canceled'),
  })
  const history = await findHistories(deps.db, [String(job.key)])
  const last = history.at(-1)
  expect(last?.status).toBe(job.status)
  // Facts make versions between events, but none after the end.
  expect(last?.version).toSatisfy((version) =>
    job.endTime === null ? version <= job.version : version === job.version,
  )
  expect(history.map(({ version }) => version)).toEqual(
    [...new Set(history.map(({ version }) => version))].sort((a, b) => a - b),
  )
}

test('until marks are committed nobody can declare their instance dead', async () => {
  const jobId = await givenMethodJob(deps, 'fact')
  await deps.db.transaction(async (tx) => {
    const devices = { strings: ['t.tags @> ', '::jsonb'], values: ['{"fleet":"fact"}'] }
    const deviceCount = await expandJob(unhurried(tx), everything, jobId, devices)
    await saveStarted(tx, jobId, { status: 'running', deviceCount, now })
  })
  const declareDead = () =>
    deps.database.pool.query('select from instance where id = $1 for update nowait', [deps.lease.instanceId])
  await deps.db.transaction(async (tx) => {
    expect(await markCalls(deps, tx, [{ jobId, deviceId: deviceIds[0] ?? '', deadline: now }])).toHaveLength(1)
    await expect(declareDead()).rejects.toThrow('could not obtain lock')
  })
  expect((await declareDead()).rowCount).toBe(1)
})
