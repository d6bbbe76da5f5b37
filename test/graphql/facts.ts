import pg from 'pg'
import { vi } from 'vitest'
import { askIfReadOnly } from '../../src/database/servers.ts'
import type { Deps } from '../../src/deps.ts'
import { type DeviceJobKey, type Settlement, settle } from '../../src/job/store/facts.ts'
import { findJob } from '../../src/job/store/jobs.ts'
import { expandJob } from '../../src/job/store/targets.ts'
import { finishJobs, saveStarted } from '../../src/job/store/transitions.ts'
import { startWaves } from '../../src/job/store/waves.ts'
import { compileDeviceCondition } from '../../src/query/device-condition.ts'
import { compileGroupPath } from '../../src/query/group-path.ts'
import { scopeOfJob } from '../../src/query/scope.ts'
import { startWindow } from '../../src/scheduler/turn-windows.ts'
import { markCalls } from '../support/rows.ts'
import { unhurried } from '../support/unhurried.ts'

// What the scheduler would do, a fact at a time.

/** Fixes the devices of the job and starts it. */
export async function start(deps: Deps, jobId: string): Promise<void> {
  const job = await findJob(deps.db, jobId)
  if (job === undefined) throw new Error(`There is no job "${jobId}".`)
  await deps.db.transaction(async (tx) => {
    const condition = compileDeviceCondition(job.queryCondition)
    const groupBy = job.budgetGroupBy === null ? undefined : compileGroupPath(job.budgetGroupBy)
    const deviceCount = await expandJob(unhurried(tx), scopeOfJob(job.scope), jobId, condition, {
      waves: job.waves,
      groupBy,
    })
    await saveStarted(tx, jobId, { status: 'running', deviceCount, now: deps.clock.now() })
    if (job.waves !== null) await startWaves(tx, jobId, deps.clock.now())
    await startWindow(tx, job, deviceCount)
  })
  deps.events.jobChanged(jobId)
}

/** Marks calls as sent. */
export async function dispatch(deps: Deps, ...keys: DeviceJobKey[]): Promise<void> {
  const now = deps.clock.now()
  await deps.db.transaction(async (tx) => {
    await markCalls(
      deps,
      tx,
      keys.map((key) => ({ ...key, deadline: new Date(now.getTime() + 60_000) })),
    )
  })
  for (const { jobId } of keys) deps.events.jobChanged(jobId)
}

/** Ends device jobs whose calls were sent. */
export async function answer(deps: Deps, ...settlements: Settlement[]): Promise<void> {
  await deps.db.autocommit((tx) => settle(tx, settlements, 'running', deps.clock.now()))
  for (const { jobId } of settlements) deps.events.jobChanged(jobId)
}

/** Ends jobs that have nothing left to do. */
export async function finish(deps: Deps): Promise<void> {
  const ids = await deps.db.transaction((tx) => finishJobs(tx, deps.clock.now()))
  for (const id of ids) deps.events.jobChanged(id)
}

/** How many statements PostgreSQL gets while `work` runs, through whichever pool. */
export async function countStatements(work: () => Promise<unknown>): Promise<number> {
  const query = vi.spyOn(pg.Client.prototype, 'query')
  try {
    await work()
    // The beginning and the end of a transaction, and settings of a connection read no rows. The health check runs at any time.
    const texts = query.mock.calls.map(([statement]) => String(Reflect.get(Object(statement), 'text') ?? statement))
    return texts.filter((text) => text !== askIfReadOnly && !/^(begin|commit|set |select 1$)/.test(text)).length
  } finally {
    query.mockRestore()
  }
}
