/**
 * How many device jobs of a job have which status. The counters are on the job's row and change with the facts they
 * count, in job/store; a check of the table ensures that they add up to `deviceCount`. `refusedCount` is a part of
 * `succeededCount`: the devices answered, so the method ran, but with a status of 400 or more. So is `skippedCount`: the
 * twins already were as the patch requires.
 */
export type DeviceJobStatistics = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  readonly refusedCount: number
  readonly skippedCount: number
  readonly failedCount: number
  readonly cancelledCount: number
}
