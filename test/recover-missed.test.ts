import { afterAll, beforeAll, expect, test } from 'vitest'
import { recordPresence } from '../src/device/presence-commands.ts'
import { createEvents } from '../src/events/events.ts'
import { cancelJob } from '../src/job/commands.ts'
import { recoverMissed } from '../src/recover-missed.ts'
import { createTestClock, type TestClock } from './support/clock.ts'
import { createTestDeps, type TestDeps } from './support/deps.ts'
import { givenDevices, givenMethodJob, tester } from './support/rows.ts'

const hour = 3_600_000
let clock: TestClock
let deps: TestDeps
beforeAll(async () => {
  clock = createTestClock()
  deps = await createTestDeps(clock)
})
afterAll(() => deps.close())

test('after a gap those jobs and devices are told of that may have changed in it', async () => {
  const ids = await givenDevices(deps, 'pump', 1_200)
  const beginning = (deviceId: string) => ({ deviceId, connectionId: 'c', connected: true, time: clock.now() })
  await recordPresence(deps, ids.slice(0, 10).map(beginning))
  await givenMethodJob(deps, 'pump', {}, { jobId: 'old' })
  await cancelJob(deps, tester, 'old')
  await givenMethodJob(deps, 'pump', {}, { jobId: 'open' })

  clock.advance(hour)
  const since = clock.now()
  await givenMethodJob(deps, 'pump', {}, { jobId: 'ended' })
  await cancelJob(deps, tester, 'ended')
  await recordPresence(deps, ids.slice(10).map(beginning))

  const events = createEvents(clock)
  const jobs: object[] = []
  const presence: object[] = []
  events.listen('anyJob')((event) => jobs.push(event))
  events.listen('presence')((event) => presence.push(event))
  await recoverMissed({ ...deps, events }, since)
  expect(jobs).toEqual(expect.arrayContaining([{ jobId: 'open' }, { jobId: 'ended' }]))
  expect(jobs).toHaveLength(2)
  expect(presence).toEqual([{ deviceIds: ids.slice(10, 1_010) }, { deviceIds: ids.slice(1_010) }])
})
