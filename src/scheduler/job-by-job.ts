import { type BackOff, backOff } from '../back-off.ts'
import { isOutage } from '../database/outage.ts'
import type { Deps } from '../deps.ts'

/**
 * The work of a step on several jobs. A job for which it fails rests for a while, longer after each failure, and holds up no
 * other. When the database is unreachable, nothing can go on: then the turn fails.
 */
export type JobByJob = {
  /** Does the work for one job after the other, except those that rest. Rejects when the database is unreachable. */
  each<Item>(
    items: Iterable<Item>,
    jobOf: (item: Item) => string,
    work: (item: Item) => Promise<unknown>,
  ): Promise<void>
  /**
   * Does the work for all items at once, except those of jobs that rest; when it fails, for those of each job by themselves.
   * Returns the items that are left. Rejects when the database is unreachable.
   */
  together<Item extends { readonly jobId: string }>(
    items: readonly Item[],
    work: (items: readonly Item[]) => Promise<unknown>,
  ): Promise<readonly Item[]>
  /** The result of work for one job; undefined when it failed. Rejects when the database is unreachable. */
  attempt<Result>(jobId: string, work: () => Promise<Result>): Promise<Result | undefined>
  rests(jobId: string): boolean
  resting(): readonly string[]
  /** When the first of them has rested; undefined when none rests. */
  next(): Date | undefined
}

const pauses: BackOff = { first: 200, longest: 10_000 }
/** Jobs whose failures are known. To forget one makes its next rest short. */
const mostKnown = 1_000

/** `step`: its name, for the log and the metrics. */
export function createJobByJob(
  { clock, log, metrics }: Pick<Deps, 'clock' | 'log' | 'metrics'>,
  step: string,
): JobByJob {
  const failing = new Map<string, { readonly failures: number; readonly until: number }>()

  const rests: JobByJob['rests'] = (jobId) => (failing.get(jobId)?.until ?? 0) > clock.elapsed()
  const attempt: JobByJob['attempt'] = async (jobId, work) => {
    try {
      const result = await work()
      failing.delete(jobId)
      return result
    } catch (error) {
      if (isOutage(error)) throw error
      const { failures } = failing.get(jobId) ?? { failures: 0 }
      const pause = backOff(pauses, failures)
      if (failing.size >= mostKnown) failing.clear()
      failing.set(jobId, { failures: failures + 1, until: clock.elapsed() + pause })
      metrics?.count('twincast_step_failures_total', { step })
      log.error({ err: error, step, job: jobId, retryInMs: Math.round(pause) }, 'step failed for a job')
      return undefined
    }
  }
  const each: JobByJob['each'] = async (items, jobOf, work) => {
    for (const item of items) if (!rests(jobOf(item))) await attempt(jobOf(item), () => work(item))
  }
  return {
    each,
    async together(items, work) {
      // A failure is rare: nothing is looked up for each item otherwise.
      const resting = new Set(failing.size === 0 ? [] : items.filter(({ jobId }) => rests(jobId)))
      const ready = resting.size === 0 ? items : items.filter((item) => !resting.has(item))
      try {
        if (ready.length > 0) await work(ready)
        if (failing.size > 0) for (const { jobId } of ready) failing.delete(jobId)
        return [...resting]
      } catch (error) {
        if (isOutage(error)) throw error
      }
      const done = new Set<unknown>()
      await each(
        new Set(ready.map(({ jobId }) => jobId)),
        (id) => id,
        async (id) => {
          const ofJob = ready.filter(({ jobId }) => jobId === id)
          await work(ofJob)
          for (const item of ofJob) done.add(item)
        },
      )
      return items.filter((item) => !done.has(item))
    },
    attempt,
    rests,
    resting: () => [...failing.keys()].filter(rests),
    next() {
      const rest = Math.min(...[...failing.values()].map(({ until }) => until - clock.elapsed()).filter((ms) => ms > 0))
      return Number.isFinite(rest) ? new Date(clock.now().getTime() + Math.ceil(rest)) : undefined
    },
  }
}
