import { inTransaction } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { type JobRow, lockJob, longestCallIn } from '../job/store/jobs.ts'
import {
  findDueWindows,
  findZones,
  insertWindow,
  readDueWindows,
  readTime,
  saveWindows,
  saveZones,
} from '../job/store/time-windows.ts'
import { isOpen, onlyZone, timesAt, zoneFor } from '../job/time-window.ts'
import { isTimeZone } from '../time-zone.ts'
import { createJobByJob } from './job-by-job.ts'
import { earlier, type Step } from './loop.ts'

/** Gives a job that is being started, and has a window, the times at which its calls may begin. */
export async function startWindow(tx: Tx, job: JobRow, deviceCount: number): Promise<void> {
  const { window } = job
  if (window === null) return
  const now = await readTime(tx)
  const timeZone = onlyZone(window)
  if (timeZone !== undefined) {
    await insertWindow(tx, job.id, { timeZone, deviceCount, ...timesAt(window, timeZone, now, longestCallIn(job)) })
    return
  }
  const zones = (await findZones(tx, job.id)).map((zone) => ({
    ...zone,
    timeZone: zoneFor(window, zone.timeZone) ?? null,
  }))
  await saveZones(tx, job.id, zones)
  const timed = zones.flatMap(({ zoneKey, timeZone: zone }) =>
    zone === null ? [] : { zoneKey, ...timesAt(window, zone, now, longestCallIn(job)) },
  )
  await saveWindows(tx, job.id, timed)
}

/**
 * A window that opens → instances look for its devices; one that closes → it gets its next times. Both follow from the rows and
 * the clock of the database, so it is of no consequence when this runs: it makes them visible. It sleeps until the next
 * of these times, and while no job has a window.
 */
export function turnWindows(deps: Deps): Step {
  const name = 'turn-windows'
  const jobs = createJobByJob(deps, name)
  /** Returns whether the times of windows have changed, here or through another instance that was faster. */
  const turn = (jobId: string): Promise<boolean> =>
    inTransaction(deps, async (tx, afterCommit) => {
      const job = await lockJob(tx, jobId)
      const window = job?.window
      if (job === undefined || window == null) return false
      const now = await readTime(tx)
      const due = await readDueWindows(tx, jobId, now)
      if (due.length === 0) return true
      // A zone that only a newer Node.js knows is left to the instances with one.
      const known = due.filter(({ timeZone }) => isTimeZone(timeZone))
      if (known.length === 0) return false
      const turned = known.map(({ zoneKey, timeZone }) => ({
        zoneKey,
        ...timesAt(window, timeZone, now, longestCallIn(job)),
      }))
      await saveWindows(tx, jobId, turned)
      afterCommit(() => {
        deps.events.jobChanged(jobId)
        if (turned.some((times) => isOpen(times, now))) deps.events.publish('work', 'started', {})
      })
      return true
    })

  return {
    name,
    every: 60 * 60 * 1_000,
    wokenBy: ['windows'],
    async run(now) {
      const { jobIds, waitMs } = await findDueWindows(deps.db)
      let done = 0
      await jobs.each(
        jobIds,
        (jobId) => jobId,
        async (jobId) => {
          if (await turn(jobId)) done++
        },
      )
      const due = waitMs === null ? undefined : new Date(now.getTime() + waitMs)
      // After a change, `waitMs` is too old: another time may come before that.
      return { done, full: done > 0, next: earlier(due, jobs.next()) }
    },
  }
}
