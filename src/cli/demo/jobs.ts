import type { HubClient } from '../hub-client.ts'
import { ScheduleTwinUpdate, scheduleMethod } from './documents.ts'
import { newInterval, oldPumpCondition, rebootCondition, rebootedFloor, rebootMethod } from './plan.ts'

/** A job of the demo. */
export type DemoJob = {
  readonly jobId: string
  /** What the job does on which devices, as a text for users. */
  readonly does: string
  /** How many devices the job must select. */
  readonly expected: number
}

/** Seconds within which a device must answer: the minimum that the hub allows. */
const responseTimeout = 5
/** The maximum execution time of both jobs, in seconds. So long the reboot waits for devices that are not connected. */
export const maxExecutionTime = 11

/** Schedules the jobs for `startTime`. Rejects with an Error when the hub refuses one. */
export async function scheduleJobs(
  client: HubClient,
  startTime: Date,
  expected: { readonly rebooted: number; readonly oldPumps: number },
): Promise<readonly [reboot: DemoJob, interval: DemoJob]> {
  const common = { startTime: startTime.toISOString() }
  const reboot = {
    jobId: `reboot-building-${rebootedFloor.building}-floor-${rebootedFloor.floor}`,
    does: `calls "reboot" on every device where ${rebootCondition}`,
    expected: expected.rebooted,
  }
  const interval = {
    jobId: 'interval-of-old-pumps',
    does: `sets ${newInterval.name} to ${newInterval.after} where ${oldPumpCondition}`,
    expected: expected.oldPumps,
  }
  const { scheduleDeviceMethod } = await client.execute(scheduleMethod, {
    input: {
      ...common,
      jobId: reboot.jobId,
      queryCondition: rebootCondition,
      maxExecutionTimeInSeconds: maxExecutionTime,
      cloudToDeviceMethod: {
        methodName: rebootMethod,
        payload: { afterSeconds: 1 },
        responseTimeoutInSeconds: responseTimeout,
      },
    },
  })
  accepted(reboot.jobId, scheduleDeviceMethod)
  const { scheduleTwinUpdate } = await client.execute(ScheduleTwinUpdate, {
    input: {
      ...common,
      jobId: interval.jobId,
      queryCondition: oldPumpCondition,
      maxExecutionTimeInSeconds: maxExecutionTime,
      updateTwin: { properties: { desired: { [newInterval.name]: newInterval.after } } },
    },
  })
  accepted(interval.jobId, scheduleTwinUpdate)
  return [reboot, interval]
}

type Result = { readonly __typename: string; readonly message?: string } | null | undefined

/** Throws an Error unless the hub has done what it was asked for. */
export function accepted(jobId: string, result: Result): void {
  if (result?.__typename.endsWith('Payload')) return
  throw new Error(`The hub refused the job ${jobId}: ${result?.message}`)
}
