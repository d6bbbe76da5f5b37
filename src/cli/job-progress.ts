import { bar, type Part } from './terminal/bar.ts'
import type { Style } from './terminal/style.ts'
import { number, seconds } from './terminal/words.ts'

/** The counters of a job, as the subscription sends them. */
export type Counts = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  /** A part of `succeededCount`. */
  readonly refusedCount: number
  readonly failedCount: number
  readonly cancelledCount: number
}

/** The state of a job at one moment. */
export type Progress = {
  readonly jobId: string
  readonly status: string
  readonly outcome: string | null
  readonly counts: Counts
}

/** The number of spaces around and between the parts of a line with a bar. */
const spaces = 6
const barColumns = { fewest: 10, most: 40 } as const

/** How many device jobs have ended, with whatever outcome. */
export const endedOf = ({ succeededCount, failedCount, cancelledCount }: Counts): number =>
  succeededCount + failedCount + cancelledCount

/** Whether the counters add up to the number of devices. */
export const addsUp = (counts: Counts): boolean =>
  endedOf(counts) + counts.pendingCount + counts.runningCount === counts.deviceCount

/** Whether the state of the job is final. */
export const hasEnded = ({ status, counts }: Progress): boolean =>
  ['COMPLETED', 'FAILED', 'CANCELLED'].includes(status) && counts.pendingCount + counts.runningCount === 0

/** A job in one line of at most `width` columns, with a bar if there is room for one. */
export function progressBar(progress: Progress, width: number, style: Style): string {
  const { jobId, status, counts } = progress
  const name = jobId.padEnd(longestId)
  const done = `${number(endedOf(counts)).padStart(5)} of ${number(counts.deviceCount).padEnd(5)}`
  const state = isBeforeStart(status) ? status.toLowerCase().padEnd(done.length) : done
  const room = width - name.length - state.length - spaces
  const middle = room < barColumns.fewest ? '' : `${bar(partsOf(counts), Math.min(room, barColumns.most), style)}  `
  return `  ${style.strong(name)}  ${middle}${state}`
}

/** How many devices did what was asked. */
export const doneIn = ({ succeededCount, refusedCount }: Counts): number => succeededCount - refusedCount

/** The meaning of the signs in the bars, with the sums over all jobs. */
export function legend(all: readonly Progress[], style: Style): string {
  const sumOf = (count: (counts: Counts) => number): number =>
    all.reduce((total, { counts }) => total + count(counts), 0)
  const sum = (name: keyof Counts): number => sumOf((counts) => counts[name])
  return [
    `  ${style.good('█')} ${number(sumOf(doneIn))} succeeded`,
    `${style.busy('█')} ${number(sum('refusedCount'))} refused`,
    `${style.bad('█')} ${number(sum('failedCount'))} failed`,
    `${style.busy('▒')} ${number(sum('runningCount'))} called`,
    `${style.faint('░')} ${number(sum('pendingCount'))} waiting`,
  ].join('   ')
}

const longestId = 'reboot-building-43-floor-3'.length

const partsOf = (counts: Counts): Part[] => [
  { count: doneIn(counts), sign: '█', paint: 'good' },
  { count: counts.refusedCount, sign: '█', paint: 'busy' },
  { count: counts.failedCount, sign: '█', paint: 'bad' },
  { count: counts.cancelledCount, sign: '▓', paint: 'faint' },
  { count: counts.runningCount, sign: '▒', paint: 'busy' },
  { count: counts.pendingCount, sign: '░', paint: 'faint' },
]

/** A job in one line without a bar, `elapsed` milliseconds after the start of the demo's jobs. */
export function progressLine({ jobId, status, counts }: Progress, elapsed: number): string {
  const parts = [
    [doneIn(counts), 'succeeded'],
    [counts.refusedCount, 'refused'],
    [counts.failedCount, 'failed'],
    [counts.cancelledCount, 'cancelled'],
    [counts.runningCount, 'called'],
    [counts.pendingCount, 'waiting'],
  ] as const
  const shown = parts.filter(([count]) => count > 0).map(([count, what]) => `${number(count)} ${what}`)
  return `  ${seconds(Math.max(elapsed, 0)).padStart(6)}  ${jobId}: ${[status.toLowerCase(), ...shown].join(', ')}`
}

const isBeforeStart = (status: string): boolean => status === 'SCHEDULED' || status === 'QUEUED'

const steps = 4

/**
 * Whether an output that is not a terminal gets a line for this change: the status has changed, another quarter of the
 * devices has ended, or the job has ended.
 */
export function isWorthALine(before: Progress | undefined, after: Progress): boolean {
  if (isBeforeStart(after.status)) return false
  if (before === undefined || before.status !== after.status || hasEnded(before) !== hasEnded(after)) return true
  return stepOf(before.counts) !== stepOf(after.counts)
}

const stepOf = (counts: Counts): number =>
  counts.deviceCount === 0 ? 0 : Math.floor((endedOf(counts) * steps) / counts.deviceCount)
