import type { DeviceJobRow } from '../job/store/device-jobs.ts'

/**
 * A device job as a row of `devices.jobs`. `startTimeUtc` and `endTimeUtc` are the time window of its job. `payload` is
 * the answer of its device.
 */
export function deviceJobDocument(row: DeviceJobRow, payload: unknown): object {
  const { responseStatus, errorCode, errorDescription } = row
  return {
    deviceId: row.deviceId,
    jobId: row.jobId,
    jobType: row.jobType,
    status: row.status,
    startTimeUtc: row.startTime.toISOString(),
    endTimeUtc: row.deadline.toISOString(),
    createdDateTimeUtc: row.createdTime.toISOString(),
    lastUpdatedDateTimeUtc: row.updatedTime.toISOString(),
    outcome: responseStatus === null ? {} : { deviceMethodResponse: { status: responseStatus, payload } },
    ...(errorCode !== null && { error: { code: errorCode, description: errorDescription } }),
  }
}
