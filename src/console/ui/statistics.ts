import type { JobOutcome } from '../../generated/console/graphql.ts'
import type { Tone } from './status.ts'

/** The counters of a job, as `DeviceJobStatistics` has them. */
export type Statistics = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  /** A part of `succeededCount`. */
  readonly refusedCount: number
  readonly failedCount: number
  readonly cancelledCount: number
}

/** The counters without any device. */
export const noDevices: Statistics = {
  deviceCount: 0,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 0,
  refusedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
}

/** Why the hub shows this viewer no counters of a job or of a family of jobs. */
export const whyNotCounted = 'Not scheduled under your scope, and too large to count its devices in your scope.'

/** How many devices did what was asked. */
export function doneIn({ succeededCount, refusedCount }: Statistics): number {
  return succeededCount - refusedCount
}

/** The parts of the bar, from succeeded to pending. Their counts add up to `deviceCount`. */
export function partsOf(
  statistics: Statistics,
): readonly { readonly tone: Tone; readonly word: string; readonly count: number }[] {
  return [
    { tone: 'succeeded', word: 'succeeded', count: doneIn(statistics) },
    { tone: 'refused', word: 'refused', count: statistics.refusedCount },
    { tone: 'failed', word: 'failed', count: statistics.failedCount },
    { tone: 'cancelled', word: 'cancelled', count: statistics.cancelledCount },
    { tone: 'running', word: 'running', count: statistics.runningCount },
    { tone: 'pending', word: 'pending', count: statistics.pendingCount },
  ]
}

/** How many devices are in a state; `–` if the hub does not count them for the viewer. */
export function describeCount(
  statistics: Statistics | null,
  tone: Tone,
  formatCount: (count: number) => string,
): string {
  if (statistics === null) return '–'
  return formatCount(partsOf(statistics).find((part) => part.tone === tone)?.count ?? 0)
}

/** How many device jobs have ended, with whatever outcome. */
export function endedOf({ succeededCount, failedCount, cancelledCount }: Statistics): number {
  return succeededCount + failedCount + cancelledCount
}

/** How many devices have finished. Those that were cancelled were not contacted, or wait no longer. */
export function finishedIn({ succeededCount, failedCount }: Statistics): number {
  return succeededCount + failedCount
}

/** Why a job that has ended has no devices: `Not started: 1,001 devices, limit 1,000`. */
export function describeEmpty(
  {
    outcome,
    matchedCount,
    maxDevices,
  }: {
    readonly outcome: JobOutcome | null
    readonly matchedCount: number | null
    readonly maxDevices: number | null
  },
  formatCount: (count: number) => string,
): string {
  if (outcome === 'NO_DEVICES') return 'No devices'
  if (matchedCount === null || maxDevices === null) return 'Not started'
  return `Not started: ${formatCount(matchedCount)} devices, limit ${formatCount(maxDevices)}`
}

/** All counters in a sentence. */
export function describeStatistics(statistics: Statistics, formatCount: (count: number) => string): string {
  if (statistics.deviceCount === 0) return 'No devices yet'
  const parts = partsOf(statistics).filter(({ count }) => count > 0)
  const shown = parts.map(({ word, count }) => `${formatCount(count)} ${word}`).join(', ')
  return `${formatCount(finishedIn(statistics))} of ${formatCount(statistics.deviceCount)} finished: ${shown}`
}
