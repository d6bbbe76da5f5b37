import type { JobClient } from 'azure-iothub'

/** The next time at which it is 02:00 UTC. */
export function nextNight(now: Date): Date {
  const night = new Date(now)
  night.setUTCHours(2, 0, 0, 0)
  if (night <= now) night.setUTCDate(night.getUTCDate() + 1)
  return night
}

/** Schedules a reboot of all devices in a building for the next night. Resolves with the id of the job. */
export async function rebootAtNight(jobs: JobClient, building: number, now = new Date()): Promise<string> {
  const jobId = `reboot-${building}-${now.getTime()}`
  const method = { methodName: 'reboot', payload: { delay: 5 }, responseTimeoutInSeconds: 10 }
  await jobs.scheduleDeviceMethod(jobId, `tags.building = ${building}`, method, nextNight(now), 300)
  return jobId
}
