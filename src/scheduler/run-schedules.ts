import type { Deps } from '../deps.ts'
import { runSchedule } from '../job-schedule/commands.ts'
import type { Authority, ScheduleAuthor } from '../job-schedule/schedule.ts'
import { findNextSchedule, type NextSchedule } from '../job-schedule/store.ts'
import type { Step } from './loop.ts'

/** Schedules whose planned time has come → a job each. One that fails does not hold up the others, and is tried again. */
export function runSchedules(
  deps: Deps,
  authorityOf: (author: ScheduleAuthor) => Promise<Authority | undefined>,
): Step {
  return {
    name: 'run-schedules',
    every: 60_000,
    wokenBy: ['schedules'],
    async run(now) {
      const failures: unknown[] = []
      let done = 0
      let last: NextSchedule | undefined
      for (;;) {
        const next = await findNextSchedule(deps.db, last)
        if (next === undefined || next.nextTime > now) {
          if (failures.length > 0) throw failures[0]
          return { done, full: false, next: next?.nextTime }
        }
        try {
          await runSchedule(deps, next.id, authorityOf)
          done++
        } catch (error) {
          deps.log.error({ err: error, schedule: next.id }, 'job schedule failed')
          failures.push(error)
        }
        last = next
      }
    },
  }
}
