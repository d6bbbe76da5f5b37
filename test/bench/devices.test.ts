import { expect, onTestFinished, test } from 'vitest'
import { forgetJobs } from '../../bench/devices.ts'
import { startDueJobs } from '../../src/scheduler/start-due-jobs.ts'
import { createTestClock } from '../support/clock.ts'
import { createTestDeps } from '../support/deps.ts'
import { givenDevices, givenMethodJob, givenPresent } from '../support/rows.ts'

test('jobs are forgotten with all rows that refer to them', async () => {
  const clock = createTestClock()
  const deps = await createTestDeps(clock)
  onTestFinished(() => deps.close())
  await givenPresent(deps, await givenDevices(deps, 'pump', 2))
  await givenMethodJob(deps, 'pump')
  await startDueJobs(deps, { maxRunning: 100 }).run(clock.now())

  await forgetJobs({ deps })

  for (const table of ['job', 'job_event', 'device_job']) {
    const { rows } = await deps.database.pool.query(`select from ${table}`)
    expect(rows, table).toEqual([])
  }
})
