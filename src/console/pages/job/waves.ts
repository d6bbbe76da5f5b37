import type { JobNowFragment, WaveNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount, formatDevices, formatDuration } from '../../format.ts'
import { doneIn, endedOf, noDevices } from '../../ui/statistics.ts'
import type { Shown } from '../../ui/status.ts'

type Wave = WaveNowFragment
type Job = Pick<JobNowFragment, 'status' | 'endTime'>

/** The percentage that has to succeed; null when all devices have to finish. */
const shareOf = ({ gate }: Wave): number | null => gate?.succeededPercent ?? null
const countersOf = ({ deviceJobStatistics }: Wave) => deviceJobStatistics ?? noDevices

/** The number of devices of a wave or, before the start of the job, what it will take. */
export function describeSize({ devices: size, percent, queryCondition, deviceJobStatistics }: Wave): string {
  if (deviceJobStatistics !== null) return formatDevices(deviceJobStatistics.deviceCount)
  if (size !== null) return formatDevices(size)
  if (percent !== null) return `${percent} % of the devices`
  return queryCondition === null ? 'The other devices' : 'The devices that meet its condition'
}

/** The state of a wave: a word and a detail that follows it. `until`: when the soak ends that it is in. */
export type ShownWave = Shown & { readonly detail: string; readonly until?: string | undefined }

const cancelling: ShownWave = { tone: 'cancelled', icon: 'cancelled', word: 'Cancelling', detail: '' }

/** The state of a wave of a job. */
export function showWave(wave: Wave, waves: readonly Wave[], job: Job): ShownWave {
  const isCancelled = job.status === 'CANCELLED'
  const hasNext = waves.some(({ number, status }) => number > wave.number && status === 'NOT_OPEN')
  const isLast = wave.number === waves.length
  const counted = describeCounted(wave, isCancelled)
  const shared = `${counted}, ${describeShare(wave)}`
  switch (wave.status) {
    case 'NOT_OPEN':
      return isCancelled || job.endTime !== null
        ? { tone: 'cancelled', icon: 'cancelled', word: 'Not opened', detail: '' }
        : { tone: 'pending', icon: 'pending', word: 'Not opened yet', detail: isLast ? '' : describeGate(wave) }
    case 'OPEN':
      if (isCancelled) return cancelling
      return {
        tone: 'running',
        icon: 'running',
        word: 'Open',
        detail: hasNext ? `${shared}${describeRest(wave)}` : '',
      }
    case 'SOAKING':
      if (isCancelled) return cancelling
      return {
        tone: 'pending',
        icon: 'waiting',
        word: 'Soaking',
        detail: counted,
        until: wave.soakEndTime ?? undefined,
      }
    case 'WAITING_FOR_APPROVAL':
      if (isCancelled) return cancelling
      return {
        tone: 'pending',
        icon: 'waiting',
        word: 'Waits for approval',
        detail: `${counted}${describeAfterPause(wave, job)}`,
      }
    case 'GATE_FAILED': {
      const afterwards = describeAfterPause(wave, job)
      return wave.gateOutcome === 'REJECTED'
        ? {
            tone: 'failed',
            icon: 'failed',
            word: 'Rejected',
            detail: `Wave ${wave.number + 1} was not approved${afterwards}`,
          }
        : { tone: 'failed', icon: 'failed', word: 'Gate failed', detail: `${shared}${afterwards}` }
    }
    case 'DONE':
      if (countersOf(wave).deviceCount === 0) {
        return { tone: 'pending', icon: 'devices', word: 'No devices', detail: '' }
      }
      if (wave.closedTime !== null) {
        if (wave.gateOutcome === 'PASSED') {
          return { tone: 'succeeded', icon: 'succeeded', word: 'Passed', detail: counted }
        }
        return wave.gateOutcome === 'SKIPPED'
          ? { tone: 'refused', icon: 'partial', word: 'Gate skipped', detail: shared }
          : { tone: 'pending', icon: 'succeeded', word: 'Done', detail: counted }
      }
      return hasNext
        ? // Devices that ended with the job say nothing about a gate without a share.
          {
            tone: 'cancelled',
            icon: 'cancelled',
            word: 'Gate not passed',
            detail: shareOf(wave) === null ? '' : `${shared}${describeRest(wave)}`,
          }
        : { tone: 'pending', icon: 'succeeded', word: 'Finished', detail: '' }
    default:
      return { tone: 'pending', icon: 'pending', word: String(wave.status), detail: '' }
  }
}

/**
 * What counts for the gate: `98 of 100 succeeded`. Devices that were cancelled one by one do not count. In a cancelled job
 * those are counted that its end has cancelled, too.
 */
function describeCounted(wave: Wave, isCancelled: boolean): string {
  const counters = countersOf(wave)
  const { deviceCount, cancelledCount } = counters
  const count = formatCount(isCancelled ? deviceCount : deviceCount - cancelledCount)
  return shareOf(wave) === null
    ? `${formatCount(endedOf(counters) - cancelledCount)} of ${count} finished`
    : `${formatCount(doneIn(counters))} of ${count} succeeded`
}

function describeShare(wave: Wave): string {
  const percent = shareOf(wave)
  return percent === null ? 'needs all' : `needs ${percent} %`
}

/** What follows once the share is reached. */
function describeRest({ gate }: Wave): string {
  const soak = gate !== null && gate.soakSeconds > 0 ? `, then a soak of ${formatDuration(gate.soakSeconds)}` : ''
  return gate?.approval ? `${soak}, then an approval` : soak
}

/** What the gate of a wave needs. */
function describeGate(wave: Wave): string {
  const percent = shareOf(wave)
  const share = percent === null ? 'all have to finish' : `${percent} % have to succeed`
  return `Gate: ${share}${describeRest(wave)}`
}

function describeAfterPause({ number, gate }: Wave, { status }: Job): string {
  if (status !== 'PAUSED') return ''
  return `. Resume the job before you ${gate?.approval ? 'approve' : 'open'} wave ${number + 1}`
}

/** What a person can do now: open the next wave, or decide about its approval. */
export type WaveStep = {
  readonly kind: 'open' | 'decide'
  /** The last open wave, whose gate decides otherwise. */
  readonly open: Wave
  readonly next: Wave
}

/** What a person can do about the waves of a job now; undefined when there is nothing. */
export function findStep(waves: readonly Wave[], { status }: Pick<Job, 'status'>): WaveStep | undefined {
  if (status !== 'RUNNING') return undefined
  const next = waves.find((wave) => wave.status === 'NOT_OPEN')
  const open = waves.find(({ number }) => number + 1 === next?.number)
  if (next === undefined || open === undefined) return undefined
  if (!open.gate?.approval) return { kind: 'open', open, next }
  const isDecidable = open.status === 'WAITING_FOR_APPROVAL' || open.status === 'GATE_FAILED'
  return isDecidable ? { kind: 'decide', open, next } : undefined
}

/** What the opening of the next wave by hand skips, and what it leads to. */
export function describeOpening({ open, next }: WaveStep): string {
  const shared = `${describeCounted(open, false)}, ${describeShare(open)}`
  const count = countersOf(next).deviceCount
  return [
    open.status === 'GATE_FAILED'
      ? `The gate of wave ${open.number} has failed: ${shared}.`
      : open.status === 'SOAKING'
        ? `This skips the rest of the soak of wave ${open.number}.`
        : `This skips the gate of wave ${open.number}: ${shared}${describeRest(open)}.`,
    count === 0
      ? `Wave ${next.number} has no devices, so the next wave with devices is opened, too.`
      : `The ${formatDevices(count)} of wave ${next.number} ${count === 1 ? 'has its' : 'have their'} turn at once.`,
    'An open wave cannot be closed again.',
  ].join(' ')
}
