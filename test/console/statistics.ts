/** The counters of a running job whose other devices wait. */
export const statisticsWith = (deviceCount: number, succeededCount: number) => ({
  deviceCount,
  pendingCount: deviceCount - succeededCount,
  runningCount: 0,
  succeededCount,
  refusedCount: 0,
  failedCount: 0,
  cancelledCount: 0,
})
