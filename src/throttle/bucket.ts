/**
 * `amount` units per `seconds` seconds; as many may also come at once after a pause. Whole numbers, except for a part of
 * another rate.
 */
export type Rate = { readonly amount: number; readonly seconds: number }

/**
 * A token bucket with the capacity of its rate's seconds. `level` is counted in units times the milliseconds of the
 * rate, so that all numbers are whole if those of the rate are, and a computed wait is always long enough. It may be in
 * debt.
 */
export type Bucket = { readonly rate: Rate; readonly level: number; readonly time: number }

/** The result of taking from a bucket. `waitMs` is 0 when there was enough. */
export type Taken = { readonly bucket: Bucket; readonly waitMs: number }

const period = ({ seconds }: Rate): number => seconds * 1000

const capacity = (rate: Rate): number => rate.amount * period(rate)

/** Times are milliseconds since 1970 UTC. */
export function fullBucket(rate: Rate, now: number): Bucket {
  return { rate, level: capacity(rate), time: now }
}

/** A clock that was set back adds nothing, and counts from there. */
function refill({ rate, level, time }: Bucket, now: number): Bucket {
  return { rate, level: Math.min(capacity(rate), level + Math.max(now - time, 0) * rate.amount), time: now }
}

const untilLevel = ({ rate, level }: Bucket, wanted: number): number =>
  Math.max(Math.ceil((wanted - level) / rate.amount), 0)

/**
 * Takes `cost` units if they are available; otherwise takes nothing and returns when they will be. A cost that exceeds
 * the capacity is allowed when the bucket is full, and paid for afterwards.
 */
export function takeFrom(bucket: Bucket, cost: number, now: number): Taken {
  const present = refill(bucket, now)
  const price = cost * period(bucket.rate)
  const waitMs = untilLevel(present, Math.min(price, capacity(bucket.rate)))
  return { bucket: waitMs === 0 ? { ...present, level: present.level - price } : present, waitMs }
}

/** The longest time that a debt takes to be paid, in milliseconds. Beyond it credit is free: no wait is longer. */
export const longestDebt = 10_000

/**
 * Takes `cost` units, on credit if necessary, and returns when the debt will be paid. A negative cost is given back.
 */
export function spendFrom(bucket: Bucket, cost: number, now: number): Taken {
  const present = refill(bucket, now)
  const level = Math.max(present.level - cost * period(bucket.rate), -longestDebt * bucket.rate.amount)
  const after = { ...present, level }
  return { bucket: after, waitMs: untilLevel(after, 0) }
}

/** The part of a rate; at least one unit may come at once, or none would ever be available. */
export function partOf({ amount, seconds }: Rate, share: number): Rate {
  const part = amount * share
  return part >= 1 ? { amount: part, seconds } : { amount: 1, seconds: seconds / part }
}

/** The bucket with another rate. It gains no units by that, and loses those that no longer fit. */
export function withRate(bucket: Bucket, rate: Rate, now: number): Bucket {
  const units = refill(bucket, now).level / period(bucket.rate)
  return { rate, level: Math.min(units * period(rate), capacity(rate)), time: now }
}

/** How many whole units are available. */
export function unitsIn(bucket: Bucket, now: number): number {
  return Math.max(Math.floor(refill(bucket, now).level / period(bucket.rate)), 0)
}
