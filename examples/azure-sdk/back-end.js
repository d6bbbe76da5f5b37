// Two jobs over all devices that meet a condition: a method call, then a change of their twins. Both are followed to
// their ends, and what came of each device is read.

import { randomUUID } from 'node:crypto'
import { setTimeout as pause } from 'node:timers/promises'
import iothub from 'azure-iothub'
import { dialPort } from './port.js'

const { IOTHUB_CONNECTION_STRING, IOTHUB_PORT } = process.env
if (!IOTHUB_CONNECTION_STRING) throw new Error('IOTHUB_CONNECTION_STRING is not set.')

const jobs = iothub.JobClient.fromConnectionString(IOTHUB_CONNECTION_STRING)
const registry = iothub.Registry.fromConnectionString(IOTHUB_CONNECTION_STRING)
if (IOTHUB_PORT) for (const client of [jobs, registry]) dialPort(client, Number(IOTHUB_PORT))

const queryCondition = "deviceId IN ['front-door']"
const maxExecutionTimeInSeconds = 300

/** Asks for a job until it has ended. */
async function followToEnd(jobId) {
  for (;;) {
    const { jobStatus } = await jobs.getJob(jobId)
    console.log(`  ${jobStatus.status}`)
    if (['completed', 'failed', 'cancelled'].includes(jobStatus.status)) return jobStatus
    await pause(500)
  }
}

/** All rows that a query answers, page by page. */
async function* rowsOf(sql) {
  const query = registry.createQuery(sql, 100)
  do {
    // In promise style the SDK goes on only when it is handed the token that it has itself.
    const { result } = await query.next(query.continuationToken)
    yield* result
  } while (query.hasMoreResults)
}

/** Follows a job that has been scheduled, then says how it went. */
async function showResults(jobId) {
  const { deviceJobStatistics: counts } = await followToEnd(jobId)
  console.log(`  ${counts.succeededCount} of ${counts.deviceCount} succeeded, ${counts.failedCount} failed`)
  for await (const row of rowsOf(`SELECT * FROM devices.jobs WHERE devices.jobs.jobId = '${jobId}'`)) {
    console.log(`  ${row.deviceId} ${row.status} ${JSON.stringify(row.error ?? row.outcome)}`)
  }
}

/** Waits until a device has reported that it does what its twin says. */
async function reported(deviceId, telemetryInterval) {
  for (;;) {
    const { responseBody: twin } = await registry.getTwin(deviceId)
    if (twin.properties.reported.telemetryInterval === telemetryInterval) return
    await pause(200)
  }
}

const methodJob = `lock-${randomUUID()}`
console.log(`method job ${methodJob}`)
await jobs.scheduleDeviceMethod(
  methodJob,
  queryCondition,
  { methodName: 'lockDoor', payload: { reason: 'night' }, responseTimeoutInSeconds: 15 },
  new Date(),
  maxExecutionTimeInSeconds,
)
await showResults(methodJob)

const twinJob = `twin-${randomUUID()}`
console.log(`twin job ${twinJob}`)
await jobs.scheduleTwinUpdate(
  twinJob,
  queryCondition,
  { etag: '*', tags: { building: '43', floor: 3 }, properties: { desired: { telemetryInterval: 120 } } },
  new Date(),
  maxExecutionTimeInSeconds,
)
await showResults(twinJob)

await reported('front-door', 120)
console.log('front-door has reported that it does so')
