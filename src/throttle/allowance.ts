import { type Bucket, fullBucket, spendFrom, takeFrom, unitsIn } from './bucket.ts'

/**
 * A number of units per second, and twice as many at once, for a rate that is checked very often: `left` can be used up
 * without reading the clock, on credit at the end, and then `renew` is due. At most one second's units are left and one
 * second's are in the bucket. It has a lifetime, so its fields change.
 */
export type Allowance = { left: number; bucket: Bucket }

/** Times are milliseconds since 1970 UTC. */
export function newAllowance(perSecond: number, now: number): Allowance {
  return { left: perSecond, bucket: fullBucket({ amount: perSecond, seconds: 1 }, now) }
}

/** Above the rate, units come in lots: this many per second. */
const lotsPerSecond = 10

/** Ensures that something is left, or returns the milliseconds until then. Credit is paid back first. */
export function renew(allowance: Allowance, now: number): number {
  if (allowance.left > 0) return 0
  const { bucket } = spendFrom(allowance.bucket, -allowance.left, now)
  allowance.left = unitsIn(bucket, now)
  allowance.bucket = spendFrom(bucket, allowance.left, now).bucket
  return allowance.left > 0 ? 0 : takeFrom(bucket, Math.ceil(bucket.rate.amount / lotsPerSecond), now).waitMs
}
