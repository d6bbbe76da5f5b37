import type { Deps } from '../deps.ts'
import { readRequestKey } from '../job/store/jobs.ts'
import { closeDeletedDevices } from './close-deleted-devices.ts'
import { dispatchMethodCalls } from './dispatch-method-calls.ts'
import { dispatchTwinUpdates } from './dispatch-twin-updates.ts'
import { expireDeviceJobs } from './expire-device-jobs.ts'
import { finishJobs } from './finish-jobs.ts'
import { loop } from './loop.ts'
import { createOrphans } from './orphans.ts'
import { pruneHistory } from './prune-history.ts'
import { type MethodAnswer, settleDeviceJobs } from './settle-device-jobs.ts'
import { selectionsAtOnce, startDueJobs } from './start-due-jobs.ts'
import { createWindow } from './window.ts'

/** What the scheduler can be told. */
export type SchedulerSettings = {
  /** Jobs that run at a time on this database; the others are queued. */
  readonly maxRunning: number
  /** Calls of jobs under way at a time through this process. */
  readonly windowSize: number
  /** Days that jobs are kept after their end. */
  readonly historyDays: number
}

/** The scheduler at work. */
export type Scheduler = {
  /** False when the answer is not one to a job's call. */
  takeAnswer(answer: MethodAnswer): boolean
  /**
   * Sends nothing new; gives calls under way `graceMs` to be answered, unless in a `hurry`, and writes what was. `hangUp` is
   * called before the last write: an answer that is taken after that would be lost, so none may be read any more.
   */
  stop(graceMs: number, how?: { readonly hurry?: AbortSignal; readonly hangUp?: () => void }): Promise<void>
}

/** Starts every duty, each in a loop of its own; they meet in the rows. */
export async function startScheduler(deps: Deps, settings: SchedulerSettings): Promise<Scheduler> {
  const requestKey = await readRequestKey(deps.db)
  const window = createWindow(settings.windowSize, () => deps.events.publish('work', 'deviceJobs', {}))
  const settling = settleDeviceJobs(deps, { requestKey, window })
  const orphans = createOrphans()
  const dispatching = dispatchMethodCalls(deps, { requestKey, window, orphans })
  const expiring = expireDeviceJobs(deps, { window, orphans })
  const closing = closeDeletedDevices(deps)
  const starting = startDueJobs(deps, settings)
  const steps = [
    ...Array.from({ length: selectionsAtOnce(deps.limits) }, () => starting),
    dispatchTwinUpdates(deps),
    dispatching,
    expiring,
    finishJobs(deps),
    closing,
    pruneHistory(deps, settings),
  ]
  const stopping = new AbortController()
  const loops = steps.map((step) => loop(step, deps, stopping.signal))

  return {
    takeAnswer: (answer) => settling.take(answer),
    async stop(graceMs, { hurry, hangUp } = {}) {
      stopping.abort()
      starting.close()
      dispatching.close()
      expiring.close()
      closing.close()
      await Promise.all(loops)
      await window.settled(deps.clock, graceMs, hurry)
      hangUp?.()
      await settling.close()
    },
  }
}
