/**
 * How many device jobs of a job have which status. The counters are on the job's row and change with the facts they
 * count, in job/store; a check of the table ensures that they add up to `deviceCount`.
 */
export type DeviceJobStatistics = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  readonly failedCount: number
  readonly cancelledCount: number
}
