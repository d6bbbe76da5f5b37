import { parseDateTime } from '../../date-time.ts'
import { graphql } from '../../generated/commands/gql.ts'
import type { WatchJobSubscription } from '../../generated/commands/graphql.ts'
import { pause } from '../abortable.ts'
import { ExitError } from '../exit-error.ts'
import type { HubClient } from '../hub-client.ts'
import { HubUnreachableError } from '../hub-errors.ts'
import { doneIn, hasEnded, isWorthALine, legend, type Progress, progressBar, progressLine } from '../job-progress.ts'
import { createScreen, type Screen } from '../terminal/screen.ts'
import { counted, number } from '../terminal/words.ts'

const WatchJob = graphql(`
  subscription WatchJob($jobId: String!, $after: Int) {
    deviceJobStatistics(jobId: $jobId, after: $after) {
      version
      job { jobId status outcome startTime endTime failureReason }
      deviceJobStatistics { deviceCount pendingCount runningCount succeededCount refusedCount skippedCount failedCount cancelledCount }
    }
  }
`)

/** The exit codes of a job that has ended, in addition to 0 for a job in which every device succeeded. */
export const jobExitCodes = '3 when some devices did not succeed, 4 when no device did'

type Update = WatchJobSubscription['deviceJobStatistics']

/** Milliseconds before a lost connection is opened again. */
const reconnectMs = 1_000

export type Watching = {
  readonly signal: AbortSignal
  /** Whether the hub has this job for certain: then a hub that cannot be reached at first is waited for too. */
  readonly isKnown: boolean
}

/**
 * Shows the progress of a job on standard error until it has ended: a bar on a terminal, otherwise a line for each quarter
 * of the devices. Returns its last state. A connection that is lost is opened again, also when the hub restarts, and the
 * progress continues with the changes since then. When the signal aborts, the job goes on.
 */
export async function watchJob(client: HubClient, jobId: string, { signal, isKnown }: Watching): Promise<Update> {
  const screen = createScreen(process.stderr, process.env)
  const close = (): void => screen.close()
  const sayHowToGoOn = (): void => {
    screen.print(`The job ${jobId} goes on. "twincast jobs watch ${jobId}" shows it again.`)
  }
  process.on('exit', close)
  signal.addEventListener('abort', sayHowToGoOn)
  try {
    return await watch(client, jobId, { screen, signal, isKnown })
  } finally {
    signal.removeEventListener('abort', sayHowToGoOn)
    process.off('exit', close)
    close()
  }
}

async function watch(
  client: HubClient,
  jobId: string,
  { screen, signal, isKnown }: Watching & { readonly screen: Screen },
): Promise<Update> {
  let last: Update | undefined
  let shown: Progress | undefined
  let isLost = false
  const show = (update: Update): void => {
    const progress = progressOf(update)
    const now = Date.now()
    const elapsed = now - (parseDateTime(update.job.startTime)?.getTime() ?? now)
    if (screen.isLive) {
      screen.live([progressBar(progress, screen.width(), screen.style), legend([progress], screen.style)])
    } else if (isWorthALine(shown, progress)) screen.print(progressLine(progress, elapsed))
    shown = progress
  }

  for (;;) {
    try {
      const after = last === undefined ? {} : { after: last.version }
      for await (const { deviceJobStatistics: update } of client.subscribe(WatchJob, { jobId, ...after })) {
        last = update
        isLost = false
        show(update)
      }
      if (last === undefined) throw new Error(`The hub has sent no state of the job ${jobId}.`)
    } catch (error) {
      if (!(error instanceof HubUnreachableError) || !(isKnown || last !== undefined)) throw error
    }
    if (shown !== undefined && last !== undefined && hasEnded(shown)) {
      if (screen.isLive) {
        screen.print(progressBar(shown, screen.width(), screen.style), legend([shown], screen.style))
      }
      return last
    }
    // A hub that stops may also end the subscription, so its end alone is not the end of the job.
    const lost = 'The connection to the hub is lost. Connecting again …'
    if (screen.isLive) screen.live([lost])
    else if (!isLost) screen.print(lost)
    isLost = true
    await pause(reconnectMs, signal)
  }
}

/** The outcome of a job that has ended, as a row. */
export function outcomeRow({ job, deviceJobStatistics: counts }: Update) {
  return { jobId: job.jobId, status: job.status, outcome: job.outcome ?? null, endTime: job.endTime ?? null, ...counts }
}

/** Throws an ExitError unless every device of the job succeeded. */
export function checkOutcome(update: Update): void {
  const { job } = update
  if (job.outcome === 'SUCCEEDED') return
  const { counts } = progressOf(update)
  const done = doneIn(counts)
  const message =
    counts.deviceCount === 0
      ? (job.failureReason ?? 'No device met the condition when the job started.')
      : `${number(done)} of ${counted(counts.deviceCount, 'device')} succeeded. "twincast jobs results ${job.jobId}" lists the others.`
  throw new ExitError(done > 0 ? 3 : 4, message)
}

const noCounts = {
  deviceCount: 0,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 0,
  refusedCount: 0,
  skippedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
}

const progressOf = ({ job, deviceJobStatistics }: Update): Progress => ({
  jobId: job.jobId,
  status: job.status,
  outcome: job.outcome ?? null,
  counts: deviceJobStatistics ?? noCounts,
})
