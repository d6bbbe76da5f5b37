import { InvalidInputError, QueryConditionError } from '../errors.ts'
import { parseCondition } from '../query/parser.ts'
import { checkPercent } from './abort-rules.ts'
import { checkFlag } from './flag.ts'
import type { JobStatus } from './state.ts'
import type { DeviceJobStatistics } from './statistics.ts'

// A job with waves calls or updates only the devices of its open waves. The function `mark_calls` refuses all others, and
// twin updates read only those.

export const gateActions = ['pause', 'cancel'] as const
export type GateAction = (typeof gateActions)[number]

/** What has to happen before the next wave is opened. */
export type Gate = {
  /** The share of the wave's devices that have to succeed; left out when all have to end, with any result. */
  readonly succeededPercent?: number
  /** Seconds between the moment when that has happened and the opening. */
  readonly soakSeconds?: number
  /** Whether somebody else than who scheduled the job has to approve the opening. */
  readonly approval?: true
  /** What happens to the job when the share can no longer be reached, or when the approval is rejected. */
  readonly onFailure: GateAction
}

/** The size of a wave: a number of devices, a share of all devices of the job, or those that meet a condition. */
export type WaveSize = { readonly devices: number } | { readonly percent: number } | { readonly queryCondition: string }

/** A wave as it is stored. The last one has no size and no gate: it takes the rest. */
export type Wave = (WaveSize | { readonly rest: true }) & { readonly gate?: Gate }

/** Of a job. */
export const mostWaves = 20
const longestSoak = 30 * 24 * 60 * 60

/** The waves that a client requests. InvalidInputError or QueryConditionError with the path of the member. */
export function checkWaves(value: unknown, path: readonly string[]): readonly Wave[] {
  if (!Array.isArray(value)) throw new InvalidInputError(path, 'Waves must be a list.')
  if (value.length < 2 || value.length > mostWaves) {
    throw new InvalidInputError(
      path,
      `A job has 2 to ${mostWaves} waves, or none. The last one takes the rest of the devices.`,
    )
  }
  const waves = value.map((wave: unknown, index) =>
    checkWave(wave, [...path, String(index)], index === value.length - 1),
  )
  let sum = 0
  for (const [index, wave] of waves.entries()) {
    if (!('percent' in wave)) continue
    sum += hundredths(wave.percent)
    if (sum >= 10_000) {
      const message =
        'The percentages of the waves must be less than 100 together, because the last wave takes the rest.'
      throw new InvalidInputError([...path, String(index), 'percent'], message)
    }
  }
  return waves
}

function checkWave(value: unknown, path: readonly string[], isLast: boolean): Wave {
  if (typeof value !== 'object' || value === null) throw new InvalidInputError(path, 'A wave must be an object.')
  const { devices, percent, queryCondition, gate }: Readonly<Record<string, unknown>> = { ...value }
  const given = Object.entries({ devices, percent, queryCondition }).filter(
    ([, size]) => size !== undefined && size !== null,
  )
  if (isLast) {
    const [name] = [...given, ...(isGiven(gate) ? [['gate']] : [])].map(([member]) => String(member))
    if (name === undefined) return { rest: true }
    throw new InvalidInputError([...path, name], `The last wave takes the rest of the devices, so it has no ${name}.`)
  }
  const [size, other] = given
  if (size === undefined || other !== undefined) {
    throw new InvalidInputError(
      path,
      'Give one of devices, percent and queryCondition. Only the last wave has none of them.',
    )
  }
  const at = [...path, size[0]]
  const checked = isGiven(gate) ? { gate: checkGate(gate, [...path, 'gate']) } : {}
  if (size[0] === 'devices') return { devices: checkWhole(devices, 1, 2 ** 31 - 1, at), ...checked }
  if (size[0] === 'percent') return { percent: checkShare(percent, at), ...checked }
  return { queryCondition: checkCondition(queryCondition, at), ...checked }
}

function checkGate(value: unknown, path: readonly string[]): Gate {
  if (typeof value !== 'object') throw new InvalidInputError(path, 'A gate must be an object.')
  const { succeededPercent, soakSeconds, approval, onFailure }: Readonly<Record<string, unknown>> = { ...value }
  const needsApproval = checkFlag(approval ?? false, [...path, 'approval'])
  if (isGiven(onFailure) && !isGiven(succeededPercent) && !needsApproval) {
    throw new InvalidInputError(
      [...path, 'onFailure'],
      'A gate with neither succeededPercent nor approval cannot fail. Give one of them, or no onFailure.',
    )
  }
  return {
    ...(isGiven(succeededPercent) && {
      succeededPercent: checkPercent(succeededPercent, [...path, 'succeededPercent']),
    }),
    ...(isGiven(soakSeconds) && { soakSeconds: checkWhole(soakSeconds, 0, longestSoak, [...path, 'soakSeconds']) }),
    ...(needsApproval && { approval: true }),
    onFailure: checkAction(onFailure ?? 'pause', [...path, 'onFailure']),
  }
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null

function checkWhole(value: unknown, least: number, most: number, path: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  throw new InvalidInputError(path, `${path.at(-1)} must be a whole number from ${least} to ${most}.`)
}

function checkShare(value: unknown, path: readonly string[]): number {
  const percent = checkPercent(value, path)
  if (percent > 0) return percent
  throw new InvalidInputError(path, 'A wave of 0 % would have no devices.')
}

function checkAction(value: unknown, path: readonly string[]): GateAction {
  const action = gateActions.find((known) => known === value)
  if (action !== undefined) return action
  throw new InvalidInputError(path, 'A gate that fails pauses or cancels the job.')
}

function checkCondition(value: unknown, path: readonly string[]): string {
  if (typeof value !== 'string') throw new InvalidInputError(path, 'A query condition must be a string.')
  try {
    parseCondition(value)
    return value
  } catch (error) {
    if (!(error instanceof QueryConditionError)) throw error
    throw new InvalidInputError(path, error.message)
  }
}

/** When the soak of a gate ends; null while its share is not reached. */
export const soakEnd = (gate: Gate | null, reachedTime: Date | null): Date | null =>
  reachedTime === null ? null : new Date(reachedTime.getTime() + (gate?.soakSeconds ?? 0) * 1000)

/** Device jobs of a wave that wait for their turn, or did when the job ended. */
export const waitingOf = (wave: WaveCounts): number =>
  wave.deviceCount - wave.runningCount - wave.succeededCount - wave.failedCount - wave.cancelledCount

/** The counters of a wave as those of a job. What is open when the job ends has failed, or was cancelled before its turn. */
export function statisticsOf(
  counts: WaveCounts & Pick<DeviceJobStatistics, 'skippedCount'>,
  { status, hasEnded }: { readonly status: JobStatus; readonly hasEnded: boolean },
): DeviceJobStatistics {
  const { deviceCount, runningCount, succeededCount, refusedCount, skippedCount, failedCount, cancelledCount } = counts
  const waiting = waitingOf(counts)
  const isCancelled = status === 'cancelled'
  return {
    deviceCount,
    pendingCount: isCancelled || hasEnded ? 0 : waiting,
    runningCount: hasEnded ? 0 : runningCount,
    succeededCount,
    refusedCount,
    skippedCount,
    failedCount: failedCount + (hasEnded ? runningCount : 0) + (hasEnded && !isCancelled ? waiting : 0),
    cancelledCount: cancelledCount + (isCancelled ? waiting : 0),
  }
}

/**
 * How a gate was decided: its share was reached and its approval given, a client has opened the next wave nonetheless, its share was
 * lost, or its approval was rejected.
 */
export type GateOutcome = 'passed' | 'skipped' | 'failed' | 'rejected'

/** How far a wave has come. */
export type WaveStatus = 'notOpen' | 'open' | 'soaking' | 'waitingForApproval' | 'gateFailed' | 'done'

/** The times of a wave, as they are stored. */
export type WaveTimes = {
  readonly openedTime: Date | null
  readonly reachedTime: Date | null
  readonly approvalTime: Date | null
  readonly failedTime: Date | null
  readonly closedTime: Date | null
}

/** The status of a wave. `isOver`: the job has ended, or all devices of the wave, which is the last. */
export function waveStatus(times: WaveTimes | undefined, isOver: boolean): WaveStatus {
  if (times === undefined || times.openedTime === null) return 'notOpen'
  if (times.closedTime !== null) return 'done'
  if (times.failedTime !== null) return 'gateFailed'
  if (isOver) return 'done'
  if (times.approvalTime !== null) return 'waitingForApproval'
  return times.reachedTime === null ? 'open' : 'soaking'
}

/** Whether a job that has started has waves that are not open. */
export const hasLaterWaves = ({
  rollout,
  openWave,
}: {
  readonly rollout: { readonly waves?: readonly Wave[] } | null
  readonly openWave: number | null
}): boolean => openWave !== null && openWave < (rollout?.waves?.length ?? 0)

/** A percentage in hundredths of a percent, without rounding errors. */
export const hundredths = (percent: number): number => Math.round(percent * 100)

/** The devices of a share, rounded up, so that a share of a few devices is not empty. */
export const devicesIn = (percent: number, deviceCount: number): number =>
  Math.ceil((hundredths(percent) * deviceCount) / 10_000)

/**
 * The sizes of the waves of a job with so many devices. `chosen`: the number of devices that each wave has by its condition, by the
 * place of the wave from 0. It may be counted later than the devices, and so be larger than their number.
 */
export function waveSizes(waves: readonly Wave[], deviceCount: number, chosen: ReadonlyMap<number, number>): number[] {
  let left = Math.max(deviceCount - [...chosen.values()].reduce((sum, count) => sum + count, 0), 0)
  return waves.map((wave, place) => {
    if ('queryCondition' in wave) return chosen.get(place) ?? 0
    const wanted = 'devices' in wave ? wave.devices : 'percent' in wave ? devicesIn(wave.percent, deviceCount) : left
    const size = Math.min(wanted, left)
    left -= size
    return size
  })
}

/** The counters of a wave, as they are stored: what is not there has had no turn, or not before the job ended. */
export type WaveCounts = {
  readonly deviceCount: number
  readonly runningCount: number
  readonly succeededCount: number
  readonly refusedCount: number
  readonly failedCount: number
  /** Those that a client has cancelled one by one, and not with the job. */
  readonly cancelledCount: number
}

/** What a gate says. `hasFailed`: the share can no longer be reached. */
export type GateFinding = { readonly isReached: boolean; readonly hasFailed: boolean }

/**
 * Judges the share of a gate by the counters of its wave. Devices whose part a client has cancelled do not count. A device that
 * refused did not succeed. A device that has succeeded stays so, so what was reached once stays reached.
 */
export function judgeGate(gate: Gate | null, counts: WaveCounts): GateFinding {
  const { succeededCount, refusedCount, failedCount } = counts
  const deviceCount = counts.deviceCount - counts.cancelledCount
  const percent = gate?.succeededPercent
  if (percent === undefined) return { isReached: succeededCount + failedCount === deviceCount, hasFailed: false }
  const needed = hundredths(percent) * deviceCount
  const lost = failedCount + refusedCount
  return {
    isReached: (succeededCount - refusedCount) * 10_000 >= needed,
    hasFailed: (deviceCount - lost) * 10_000 < needed,
  }
}

/** How far a gate has come. `secondsReached`: since its share was reached; null before. */
export type GateState = {
  readonly secondsReached: number | null
  readonly waitsForApproval: boolean
  readonly hasFailed: boolean
}

/** What is to be done about a gate now. */
export type GateStep = 'wait' | 'soak' | 'askForApproval' | 'open' | 'fail'

/** The next step of a gate that has not led to an opening yet. After a failure, only people can open the next wave. */
export function nextStep(gate: Gate | null, counts: WaveCounts, state: GateState): GateStep {
  const { secondsReached, waitsForApproval, hasFailed } = state
  if (waitsForApproval || hasFailed) return 'wait'
  const { soakSeconds = 0, approval = false } = gate ?? {}
  if (secondsReached === null) {
    const finding = judgeGate(gate, counts)
    if (finding.hasFailed) return 'fail'
    if (!finding.isReached) return 'wait'
    if (soakSeconds > 0) return 'soak'
  } else if (secondsReached < soakSeconds) return 'wait'
  return approval ? 'askForApproval' : 'open'
}

/** The gate in words, for the history and for people. */
export function describeShare(gate: Gate | null, wave: number, counts: WaveCounts): string {
  const { succeededCount, refusedCount, failedCount } = counts
  const deviceCount = counts.deviceCount - counts.cancelledCount
  const devices = `${deviceCount} ${deviceCount === 1 ? 'device' : 'devices'}`
  if (gate?.succeededPercent === undefined) {
    return `${succeededCount + failedCount} of ${devices} of wave ${wave} have ended.`
  }
  return `${succeededCount - refusedCount} of ${devices} of wave ${wave} succeeded, ${failedCount + refusedCount} did not. The gate needs ${gate.succeededPercent} %.`
}
