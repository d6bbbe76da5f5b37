/**
 * How many device jobs of a job are in which status. The counters stand on the job's row and change with the facts they
 * count, in job/store/jobs.ts; a check of the table holds that they add up to `deviceCount`.
 */
export type DeviceJobStatistics = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  readonly failedCount: number
  readonly cancelledCount: number
}
