import { InvalidInputError } from '../errors.ts'
import type { DeviceJobStatistics } from './statistics.ts'

/**
 * How the rate of a job rises: `from` devices per minute at first, and `factor` times as many after each `afterSucceeded` devices that
 * succeed, up to the maximum per minute of the job.
 */
export type Ramp = { readonly from: number; readonly factor: number; readonly afterSucceeded: number }

/** The rate of a job: its maximum per minute, null for none, and how it gets there, null for at once. */
export type Rate = { readonly maxPerMinute: number | null; readonly ramp: Ramp | null }

/** A ramp as it is stored, with the maximum per minute of its job: that column has the rate that is reached. */
export type StoredRamp = Ramp & { readonly maxPerMinute: number }

export const defaultRampFactor = 2
const largest = 1_000_000
const largestFactor = 10

/** The ramp as it is stored; null without one. */
export const storedRamp = ({ maxPerMinute, ramp }: Rate): StoredRamp | null =>
  ramp === null || maxPerMinute === null ? null : { ...ramp, maxPerMinute }

/** The rate of a stored job, which has reached `perMinute`. */
export function rateIn({
  perMinute,
  storedRamp,
}: {
  readonly perMinute: number | null
  readonly storedRamp: StoredRamp | null
}): Rate {
  if (storedRamp === null) return { maxPerMinute: perMinute, ramp: null }
  const { maxPerMinute, ...ramp } = storedRamp
  return { maxPerMinute, ramp }
}

const path = ['rollout', 'ramp']

/**
 * The ramp that a client gives, which stays as it was `before` when it is left out, and is taken away by null. InvalidInputError with
 * the path of the member, also when `maxPerMinute` does not fit.
 */
export function checkRamp(value: unknown, before: Ramp | null, maxPerMinute: number | null): Ramp | null {
  if (value === null) return null
  if (value === undefined) return before === null ? null : fitting(before, maxPerMinute, ['rollout', 'maxPerMinute'])
  if (typeof value !== 'object') throw new InvalidInputError(path, 'The ramp must be an object.')
  const { from, factor, afterSucceeded }: Readonly<Record<string, unknown>> = { ...value }
  const ramp = {
    from: checkWhole(from, [...path, 'from']),
    factor: checkFactor(factor ?? defaultRampFactor),
    afterSucceeded: checkWhole(afterSucceeded, [...path, 'afterSucceeded']),
  }
  return fitting(ramp, maxPerMinute, maxPerMinute === null ? path : [...path, 'from'])
}

function fitting(ramp: Ramp, maxPerMinute: number | null, at: readonly string[]): Ramp {
  if (maxPerMinute === null) {
    throw new InvalidInputError(at, 'A ramp needs maxPerMinute, up to which the rate rises. Give it, or no ramp.')
  }
  if (ramp.from <= maxPerMinute) return ramp
  const message = `The ramp begins at ${ramp.from} per minute, which is more than maxPerMinute (${maxPerMinute}).`
  throw new InvalidInputError(at, message)
}

function checkWhole(value: unknown, at: readonly string[]): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= largest) return value
  throw new InvalidInputError(at, `${at.at(-1)} must be a whole number from 1 to ${largest}.`)
}

function checkFactor(value: unknown): number {
  if (typeof value === 'number' && value > 1 && value <= largestFactor && Number(value.toFixed(2)) === value)
    return value
  throw new InvalidInputError(
    [...path, 'factor'],
    `factor must be a number above 1, up to ${largestFactor}, with at most two decimals: each rate is so many times the one before.`,
  )
}

/** Of the devices of a job that are next, so many have their turn at this rate; without a maximum it is null. `growth` is its part of the first. */
export type Stage = { readonly devices: number; readonly perMinute: number | null; readonly growth: number }

/** The rates at which `count` devices have their turn, when `succeeded` devices have succeeded before, and all of them do. */
export function stagesOf({ maxPerMinute, ramp }: Rate, succeeded: number, count: number): readonly Stage[] {
  if (maxPerMinute === null || ramp === null) return [{ devices: count, perMinute: maxPerMinute, growth: 1 }]
  const first = perMinuteAt({ ...ramp, maxPerMinute }, succeeded)
  const stages: Stage[] = []
  for (let done = 0; ; ) {
    const perMinute = perMinuteAt({ ...ramp, maxPerMinute }, succeeded + done)
    const untilNext = ramp.afterSucceeded - ((succeeded + done) % ramp.afterSucceeded)
    const devices = perMinute === maxPerMinute ? count - done : Math.min(untilNext, count - done)
    stages.push({ devices, perMinute, growth: perMinute / first })
    done += devices
    if (done >= count) return stages
  }
}

/** How many devices count for a ramp: one that refused has not succeeded, and one that was skipped shows nothing about the others. */
export const countedByRamp = ({
  succeededCount,
  refusedCount,
  skippedCount,
}: Pick<DeviceJobStatistics, 'succeededCount' | 'refusedCount' | 'skippedCount'>): number =>
  succeededCount - refusedCount - skippedCount

/** The next rate of a ramp, and how many more devices have to succeed before. */
export type RampStep = { readonly perMinute: number; readonly afterSucceeded: number }

/** The next rate after so many devices have succeeded; null when the maximum is reached. Rises that are rounded away are left out. */
export function nextStep(ramp: StoredRamp, succeeded: number): RampStep | null {
  const present = perMinuteAt(ramp, succeeded)
  if (present === ramp.maxPerMinute) return null
  // With the smallest factor, the smallest rate is another one after 70 steps.
  for (let at = succeeded - (succeeded % ramp.afterSucceeded); ; ) {
    at += ramp.afterSucceeded
    const perMinute = perMinuteAt(ramp, at)
    if (perMinute > present) return { perMinute, afterSucceeded: at - succeeded }
  }
}

/** Devices per minute after so many have succeeded. As `ramped_rate` in the migration ramp. */
export function perMinuteAt({ from, factor, afterSucceeded, maxPerMinute }: StoredRamp, succeeded: number): number {
  const steps = Math.floor(succeeded / afterSucceeded)
  if (steps * Math.log(factor) > 14) return maxPerMinute
  // So that 1.15 times 100 is 115.
  return Math.min(maxPerMinute, Math.floor(from * factor ** steps + 0.000001))
}
