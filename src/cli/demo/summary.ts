import { parseDateTime } from '../../date-time.ts'
import { doneIn } from '../job-progress.ts'
import type { Style } from '../terminal/style.ts'
import { table } from '../terminal/table.ts'
import { counted, number, seconds } from '../terminal/words.ts'
import type { EndedJob } from './follow.ts'
import type { ResultGroup } from './results.ts'

/** A table of the jobs with their counters. */
export function jobTable(jobs: readonly EndedJob[], style: Style): string[] {
  const rows = jobs.map(({ jobId, outcome, startTime, endTime, counts }) => [
    jobId,
    outcome?.toLowerCase().replaceAll('_', ' ') ?? '',
    number(counts.deviceCount),
    style.good(number(doneIn(counts))),
    counts.refusedCount > 0 ? style.busy(number(counts.refusedCount)) : number(counts.refusedCount),
    counts.failedCount > 0 ? style.bad(number(counts.failedCount)) : number(counts.failedCount),
    number(counts.cancelledCount),
    endTime === null ? '' : seconds(millisecondsOf(endTime) - millisecondsOf(startTime)),
  ])
  const head = ['job', 'outcome', 'devices', 'succeeded', 'refused', 'failed', 'cancelled', 'took'].map(style.faint)
  return indent(table([head, ...rows], 2))
}

const millisecondsOf = (time: string): number => parseDateTime(time)?.getTime() ?? Number.NaN

/** A line per status of the answers. */
export function answerLines(groups: readonly ResultGroup[], style: Style): string[] {
  return indent(
    table(
      groups.map(({ name, example, deviceIds }) => [
        Number(name) < 400 ? style.good(name) : style.busy(name),
        counted(deviceIds.length, 'device'),
        `e.g. ${example} from ${deviceIds[0]}`,
      ]),
    ),
  )
}

/** Two lines per cause of failures. */
export function failureLines(groups: readonly ResultGroup[], style: Style): string[] {
  return groups.flatMap(({ name, example, deviceIds }) => [
    `  ${style.bad(name)}: ${counted(deviceIds.length, 'device')}, e.g. ${deviceIds[0]}`,
    `    ${style.faint(example)}`,
  ])
}

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
