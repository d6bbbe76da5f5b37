import type { DeviceJobRow } from '../job/device-job-store.ts'
import type { Json, JsonObject } from '../json.ts'

/** A device job as a row of `devices.jobs`. `startTimeUtc` and `endTimeUtc` are the time that was given to its job. */
export function deviceJobDocument(row: DeviceJobRow): JsonObject {
  const { responseStatus, responsePayload, errorCode, errorDescription } = row
  return {
    deviceId: row.deviceId,
    jobId: row.jobId,
    jobType: row.jobType,
    status: row.status,
    startTimeUtc: row.startTime.toISOString(),
    endTimeUtc: row.deadline.toISOString(),
    createdDateTimeUtc: row.createdTime.toISOString(),
    lastUpdatedDateTimeUtc: row.updatedTime.toISOString(),
    outcome:
      responseStatus === null
        ? {}
        : { deviceMethodResponse: { status: responseStatus, payload: payloadIn(responsePayload) } },
    ...(errorCode !== null && { error: { code: errorCode, description: errorDescription } }),
  }
}

/** It was checked to be JSON when the device answered. */
const payloadIn = (text: string | null): Json => (text === null ? null : JSON.parse(text))
