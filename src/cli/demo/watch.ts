import { abortable, pause } from '../abortable.ts'
import type { HubClient } from '../hub-client.ts'
import { hasEnded, isWorthALine, legend, type Progress, progressBar, progressLine } from '../job-progress.ts'
import type { Screen } from '../terminal/screen.ts'
import { counted, seconds } from '../terminal/words.ts'
import type { DemoFleet } from './fleet.ts'
import { type EndedJob, followJob } from './follow.ts'
import { type DemoJob, maxExecutionTime } from './jobs.ts'
import type { PlannedDevice } from './plan.ts'

/**
 * When the late devices connect: milliseconds after the start of the jobs, and the milliseconds over which they are
 * spread.
 */
const lateDevices = { after: 4_000, within: 3_000 } as const
/** Milliseconds after a job's maximum execution time by which it must have ended. */
const patience = 15_000
const redrawMs = 100

/** The jobs to follow. `late` are the devices that are switched on while the jobs run. */
type Watched = {
  readonly client: HubClient
  readonly jobs: readonly DemoJob[]
  readonly startTime: Date
  readonly fleet: DemoFleet
  readonly late: readonly PlannedDevice[]
}

/** Follows the jobs by subscriptions until they end. A terminal shows bars; other outputs get lines. */
export async function watchJobs(screen: Screen, signal: AbortSignal, watched: Watched): Promise<EndedJob[]> {
  const { client, jobs, startTime, fleet, late } = watched
  const latest = new Map<string, Progress>()
  const elapsed = (): number => Date.now() - startTime.getTime()
  const draw = (): void => screen.live(drawing(screen, [...latest.values()], elapsed()))

  const follow = ({ jobId }: DemoJob): Promise<EndedJob> =>
    followJob(client, jobId, (progress) => {
      if (!screen.isLive && isWorthALine(latest.get(jobId), progress)) screen.print(progressLine(progress, elapsed()))
      latest.set(jobId, progress)
      draw()
    })
  const switchOn = async (signal: AbortSignal): Promise<void> => {
    await pause(lateDevices.after - elapsed(), signal)
    if (!screen.isLive) screen.print(`  ${seconds(elapsed())}  ${counted(late.length, 'device')} are switched on again`)
    await fleet.switchOn(late, lateDevices.within)
  }

  const overdue = AbortSignal.timeout(-elapsed() + maxExecutionTime * 1000 + patience)
  const either = AbortSignal.any([signal, overdue])
  screen.print('Following both with the subscription deviceJobStatistics; seconds since their start', '')
  const clock = setInterval(draw, redrawMs)
  try {
    const [ended] = await abortable(Promise.all([Promise.all(jobs.map(follow)), switchOn(either)]), either)
    const bars = screen.isLive ? [...ended.map((job) => progressBar(job, screen.width(), screen.style)), ''] : ['']
    screen.print(...bars)
    return ended
  } catch (error) {
    if (error !== overdue.reason || signal.aborted) throw error
    const open = jobs.filter(({ jobId }) => !isOver(latest.get(jobId))).map(({ jobId }) => jobId)
    throw new Error(`These jobs have not ended although their deadline has passed: ${open.join(', ')}.`)
  } finally {
    clearInterval(clock)
  }
}

const isOver = (progress: Progress | undefined): boolean => progress !== undefined && hasEnded(progress)

function drawing({ style, width }: Screen, all: readonly Progress[], elapsed: number): string[] {
  const time = elapsed < 0 ? `start in ${seconds(-elapsed)}` : `${seconds(elapsed)} since the start`
  return [
    ...all.map((progress) => progressBar(progress, width(), style)),
    '',
    legend(all, style),
    style.faint(`  ${time}`),
  ]
}
