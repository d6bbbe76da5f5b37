import { afterAll, beforeAll, expect, test } from 'vitest'
import { noteKeysRead } from '../../src/audit/commands.ts'
import { deleteOldAudit } from '../../src/scheduler/delete-old-audit.ts'
import { createTestClock, type TestClock } from '../support/clock.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { tester } from '../support/rows.ts'

const day = 86_400_000
let deps: TestDeps
let clock: TestClock

beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())

const entries = () => deps.db.prisma.auditEntry.findMany({ select: { target: true }, orderBy: { key: 'asc' } })

test('entries that are older than the retention are deleted, others are not', async () => {
  const step = deleteOldAudit(deps, { auditDays: 30 })
  await noteKeysRead(deps, { actor: tester, address: undefined }, ['old'])
  clock.advance(30 * day)
  await noteKeysRead(deps, { actor: tester, address: undefined }, ['new'])
  expect(await step.run(clock.now())).toEqual({ done: 0, full: false })
  clock.advance(1)
  expect(await step.run(clock.now())).toEqual({ done: 1, full: false })
  expect(await entries()).toEqual([{ target: 'new' }])
})

test('many entries are deleted in batches', async () => {
  await deps.database.pool.query(
    `insert into audit_entry (attempt, time, actor, actor_id, actor_kind, subject, operation, outcome)
     select gen_random_uuid(), '2020-01-01', 'a', 'policy:a', 'policy', 'a', 'test', 'succeeded' from generate_series(1, 5001)`,
  )
  const step = deleteOldAudit(deps, { auditDays: 30 })
  expect(await step.run(clock.now())).toEqual({ done: 5_000, full: true })
  expect(await step.run(clock.now())).toEqual({ done: 1, full: false })
})
