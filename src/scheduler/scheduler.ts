import { setMaxListeners } from 'node:events'
import type { Deps } from '../deps.ts'
import { type InstanceRole, instanceRoles } from '../instance-roles.ts'
import { readRequestKey } from '../job/store/jobs.ts'
import type { Authority, ScheduleAuthor } from '../job-schedule/schedule.ts'
import type { MethodAnswer } from '../method/answer.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { closeDeletedDevices } from './close-deleted-devices.ts'
import { deleteOldAudit } from './delete-old-audit.ts'
import { deleteOldJobs } from './delete-old-jobs.ts'
import { deliverWebhooks } from './deliver-webhooks.ts'
import { dispatchMethodCalls } from './dispatch-method-calls.ts'
import { dispatchTwinUpdates } from './dispatch-twin-updates.ts'
import { expireDeviceJobs } from './expire-device-jobs.ts'
import { findExceededThresholds } from './find-exceeded-thresholds.ts'
import { finishJobs } from './finish-jobs.ts'
import { createInFlightCalls } from './in-flight-calls.ts'
import { joinDevices } from './join-devices.ts'
import { judgeGates } from './judge-gates.ts'
import { loop, type Step } from './loop.ts'
import { createOrphanCandidates } from './orphan-candidates.ts'
import { reportJobs } from './report-jobs.ts'
import { runSchedules } from './run-schedules.ts'
import { settleDeviceJobs } from './settle-device-jobs.ts'
import { startDueJobs } from './start-due-jobs.ts'
import { takeSamples } from './take-samples.ts'
import { turnWindows } from './turn-windows.ts'

/** Settings of the scheduler. */
export type SchedulerSettings = {
  /** What this instance does. Default: everything. */
  readonly roles?: readonly InstanceRole[]
  /** Maximum number of jobs that run at a time on this database; the others are queued. */
  readonly maxRunning: number
  /** Maximum number of jobs' calls under way at a time through this process. */
  readonly windowSize: number
  /** Days for which jobs are kept after their end. */
  readonly historyDays: number
  /** Days for which entries of the audit are kept. */
  readonly auditDays: number
  /** What the author of a job schedule may do now; undefined for nothing. */
  readonly authorityOf: (author: ScheduleAuthor) => Promise<Authority | undefined>
  /** Undefined when metrics are off. */
  readonly metrics?: Metrics | undefined
}

/** The running scheduler. */
export type Scheduler = {
  /** False when the answer does not belong to a job's call. */
  takeAnswer(answer: MethodAnswer): boolean
  /**
   * Sends nothing new, waits for `drain`, which may let devices go that have no call under way, waits up to `graceMs` for
   * the answers to calls under way (unless `hurry` aborts), and writes the answers. `hangUp` is called before the last
   * write: it must stop the reading of answers, because later ones would be lost.
   */
  stop(
    graceMs: number,
    how?: {
      readonly hurry?: AbortSignal
      readonly drain?: (called: () => Iterable<string>) => Promise<void>
      readonly hangUp?: () => void
    },
  ): Promise<void>
}

/**
 * Starts the steps of the instance's roles, each in a loop of its own. They communicate through the rows only. A gateway
 * calls its devices, and counts the time of their calls and of devices that are connected here. Answers are settled
 * where they arrive. A worker runs the other steps. An api has none.
 */
export async function startScheduler(deps: Deps, settings: SchedulerSettings): Promise<Scheduler> {
  const { roles = instanceRoles } = settings
  const [isGateway, isWorker] = [roles.includes('gateway'), roles.includes('worker')]
  const requestKey = await readRequestKey(deps.db)
  const onRoom = (): void => deps.events.publish('work', 'deviceJobs', {})
  const window = createInFlightCalls(settings.windowSize, onRoom, deps.tracing !== undefined)
  deps.metrics?.read('twincast_method_calls_in_flight', () => [{ labels: {}, value: window.size }])
  reportJobs(deps)
  for (const outcome of ['succeeded', 'refused', 'cancelled']) {
    deps.metrics?.count('twincast_device_jobs_total', { outcome, code: '' }, 0)
  }
  deps.metrics?.set('twincast_method_calls_limit', {}, settings.windowSize)
  const settling = settleDeviceJobs(deps, { requestKey, window })
  const orphans = createOrphanCandidates()
  const calling = isGateway ? dispatchMethodCalls(deps, { requestKey, window, orphans }) : undefined
  const expiring = isGateway || isWorker ? expireDeviceJobs(deps, { window, orphans, cleansUp: isWorker }) : undefined
  const work = isWorker ? createWork(deps, settings) : undefined
  const steps = [
    ...(calling === undefined ? [] : [calling]),
    ...(expiring === undefined ? [] : [expiring]),
    ...(work?.steps ?? []),
  ]
  const stopping = new AbortController()
  setMaxListeners(
    steps.reduce((sum, { atOnce = 1 }) => sum + atOnce, 0),
    stopping.signal,
  )
  const loops = steps.map((step) => loop(step, deps, stopping.signal))

  return {
    takeAnswer: (answer) => settling.take(answer),
    async stop(graceMs, { hurry, drain, hangUp } = {}) {
      stopping.abort()
      work?.close()
      calling?.close()
      expiring?.close()
      await Promise.all(loops)
      await drain?.(window.devices)
      await window.settled(deps.clock, graceMs, hurry)
      hangUp?.()
      await settling.close()
      await work?.lastDeliveries()
    },
  }
}

/** What a worker does: steps that need no device. */
function createWork(
  deps: Deps,
  settings: SchedulerSettings,
): { readonly steps: readonly Step[]; close(): void; lastDeliveries(): Promise<void> } {
  const starting = startDueJobs(deps, settings)
  const closing = closeDeletedDevices(deps)
  const joining = joinDevices(deps)
  const delivering = deliverWebhooks(deps, settings.metrics)
  return {
    steps: [
      starting,
      dispatchTwinUpdates(deps),
      finishJobs(deps),
      judgeGates(deps),
      turnWindows(deps),
      joining,
      takeSamples(deps),
      findExceededThresholds(deps),
      delivering,
      runSchedules(deps, settings.authorityOf),
      closing,
      deleteOldJobs(deps, settings),
      deleteOldAudit(deps, settings),
    ],
    close() {
      starting.close()
      closing.close()
      joining.close()
    },
    lastDeliveries: () => delivering.close(),
  }
}
