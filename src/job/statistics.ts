/** How many device jobs of a job are in which status. The counters stand on the job's row. */
export type DeviceJobStatistics = {
  readonly deviceCount: number
  readonly pendingCount: number
  readonly runningCount: number
  readonly succeededCount: number
  readonly failedCount: number
  readonly canceledCount: number
}

/** The counters of a job that has not started. */
export const noDevices: DeviceJobStatistics = {
  deviceCount: 0,
  pendingCount: 0,
  runningCount: 0,
  succeededCount: 0,
  failedCount: 0,
  canceledCount: 0,
}

/** What always holds, for every reader at every moment: each device is counted once, and nothing is negative. */
export function addsUp(statistics: DeviceJobStatistics): boolean {
  const { deviceCount, ...counts } = statistics
  const parts = Object.values(counts)
  return parts.every((count) => count >= 0) && parts.reduce((sum, count) => sum + count, 0) === deviceCount
}

/** The job has started, or gone on starting: so many devices are targets now. */
export function expanded(statistics: DeviceJobStatistics, count: number): DeviceJobStatistics {
  const { deviceCount, pendingCount } = statistics
  return { ...statistics, deviceCount: deviceCount + count, pendingCount: pendingCount + count }
}

/** Method calls have been marked as sent. */
export function dispatched(statistics: DeviceJobStatistics, count: number): DeviceJobStatistics {
  const { pendingCount, runningCount } = statistics
  return { ...statistics, pendingCount: pendingCount - count, runningCount: runningCount + count }
}

/** Device jobs have ended: out of `running` when a call was sent, else (a twin update, a deleted device) out of `pending`. */
export function settled(
  statistics: DeviceJobStatistics,
  from: 'pending' | 'running',
  { succeeded, failed }: { readonly succeeded: number; readonly failed: number },
): DeviceJobStatistics {
  const counter = `${from}Count` as const
  return {
    ...statistics,
    [counter]: statistics[counter] - succeeded - failed,
    succeededCount: statistics.succeededCount + succeeded,
    failedCount: statistics.failedCount + failed,
  }
}

/** The job was cancelled: nothing more is sent, and what was sent may still be answered. */
export function cancelled(statistics: DeviceJobStatistics): DeviceJobStatistics {
  const { pendingCount, canceledCount } = statistics
  return { ...statistics, pendingCount: 0, canceledCount: canceledCount + pendingCount }
}

/** The job's time is up: whatever has not ended has failed. */
export function closed(statistics: DeviceJobStatistics): DeviceJobStatistics {
  const { pendingCount, runningCount, failedCount } = statistics
  return { ...statistics, pendingCount: 0, runningCount: 0, failedCount: failedCount + pendingCount + runningCount }
}
