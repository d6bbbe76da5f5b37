import type { Deps } from '../deps.ts'
import { runSchedule } from '../job-schedule/commands.ts'
import type { Authority, ScheduleAuthor } from '../job-schedule/schedule.ts'
import { findNextSchedule } from '../job-schedule/store.ts'
import type { Step } from './loop.ts'

/** Schedules whose planned time has come → a job each. */
export function runSchedules(
  deps: Deps,
  authorityOf: (author: ScheduleAuthor) => Promise<Authority | undefined>,
): Step {
  return {
    name: 'run-schedules',
    every: 60_000,
    wokenBy: ['schedules'],
    async run(now) {
      const next = await findNextSchedule(deps.db)
      if (next === undefined || next.nextTime > now) return { done: 0, full: false, next: next?.nextTime }
      await runSchedule(deps, next.id, authorityOf)
      return { done: 1, full: true }
    },
  }
}
