/** Milliseconds by which the clocks of this machine and of the database may differ. */
export const clockTolerance = 1_000

/**
 * Milliseconds by which the clock of the database is at least ahead of that of this machine; negative when it is behind.
 * The database read its time between two readings here, so a slow answer makes no difference that does not exist.
 */
export function clockDifference({
  before,
  time,
  after,
}: {
  readonly before: number
  /** The time of the database. */
  readonly time: number
  readonly after: number
}): number {
  return Math.max(time - after, 0) + Math.min(time - before, 0)
}

/** What a difference beyond the tolerance means, as a sentence. */
export function clockFault(difference: number): string {
  const ms = Math.round(Math.abs(difference)).toLocaleString('en')
  const where = difference < 0 ? 'ahead of' : 'behind'
  return `The clock of this machine is ${ms} ms ${where} that of the database. An instance with such a clock starts no jobs and calls no devices.`
}
