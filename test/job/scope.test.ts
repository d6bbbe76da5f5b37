import { afterAll, beforeAll, expect, test } from 'vitest'
import { cancelJob, retryJob } from '../../src/job/commands.ts'
import type { By } from '../../src/job/history.ts'
import { findJob } from '../../src/job/store/jobs.ts'
import { scopeOf } from '../../src/query/scope.ts'
import { start } from '../graphql/facts.ts'
import { createTestDeps, type TestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, tester } from '../support/rows.ts'

let deps: TestDeps
beforeAll(async () => {
  deps = await createTestDeps()
  await givenDevices(deps, 'pump', 2)
})
afterAll(() => deps.close())

const within = (...conditions: string[]): By => ({ ...tester, scope: scopeOf(conditions) })
const scopeOfJobWith = async (id: string) => (await findJob(deps.db, id))?.scope

test('a job keeps the parts of the scope under which it was scheduled', async () => {
  const parts = ["tags.site = 'north'", 'tags.floor = 1']
  const jobId = await givenMethodJob(deps, 'pump', {}, {}, within(...parts))
  expect(await scopeOfJobWith(jobId)).toEqual([...parts].sort())
})

test('a scope without any device is kept as well, and is not that of all devices', async () => {
  expect(await scopeOfJobWith(await givenMethodJob(deps, 'pump', {}, {}, within()))).toEqual([])
  expect(await scopeOfJobWith(await givenMethodJob(deps, 'pump'))).toBeNull()
})

test('a retry keeps the scope of its source, whoever schedules it', async () => {
  const jobId = await givenMethodJob(deps, 'pump', {}, {}, within("tags.fleet = 'pump'"))
  await start(deps, jobId)
  await cancelJob(deps, tester, jobId)
  const retryId = await retryJob(deps, tester, { jobId, status: ['canceled'] })
  expect(await scopeOfJobWith(retryId)).toEqual(["tags.fleet = 'pump'"])
})
