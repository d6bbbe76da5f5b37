import type { HubClient } from '../hub-client.ts'
import { SCHEDULE_METHOD, SCHEDULE_TWIN_UPDATE } from './documents.ts'
import { INTERVAL, OLD_PUMP_CONDITION, REBOOT_CONDITION, REBOOTED } from './plan.ts'

/** A job of the demo, as it is told and followed. */
export type DemoJob = {
  readonly jobId: string
  /** What it does and to whom, for people. */
  readonly does: string
  /** How many devices it should select. */
  readonly expected: number
}

/** Seconds that a device may take to answer: the shortest the hub allows. */
const RESPONSE_TIMEOUT = 5
/** Seconds until the reboot gives up on devices that are not there. */
export const MAX_EXECUTION_TIME = 11

/** The jobs, which start at `startTime`. An Error when the hub refuses one. */
export async function scheduleJobs(
  client: HubClient,
  startTime: Date,
  expected: { readonly rebooted: number; readonly oldPumps: number },
): Promise<readonly [reboot: DemoJob, interval: DemoJob]> {
  const common = { startTime: startTime.toISOString() }
  const reboot = {
    jobId: `reboot-building-${REBOOTED.building}-floor-${REBOOTED.floor}`,
    does: `calls "reboot" on every device where ${REBOOT_CONDITION}`,
    expected: expected.rebooted,
  }
  const interval = {
    jobId: 'interval-of-old-pumps',
    does: `sets ${INTERVAL.name} to ${INTERVAL.after} where ${OLD_PUMP_CONDITION}`,
    expected: expected.oldPumps,
  }
  const { scheduleDeviceMethod } = await client.execute(SCHEDULE_METHOD, {
    input: {
      ...common,
      jobId: reboot.jobId,
      queryCondition: REBOOT_CONDITION,
      maxExecutionTimeInSeconds: MAX_EXECUTION_TIME,
      cloudToDeviceMethod: {
        methodName: 'reboot',
        payload: { afterSeconds: 1 },
        responseTimeoutInSeconds: RESPONSE_TIMEOUT,
      },
    },
  })
  accepted(reboot.jobId, scheduleDeviceMethod)
  const { scheduleTwinUpdate } = await client.execute(SCHEDULE_TWIN_UPDATE, {
    input: {
      ...common,
      jobId: interval.jobId,
      queryCondition: OLD_PUMP_CONDITION,
      maxExecutionTimeInSeconds: MAX_EXECUTION_TIME,
      updateTwin: { properties: { desired: { [INTERVAL.name]: INTERVAL.after } } },
    },
  })
  accepted(interval.jobId, scheduleTwinUpdate)
  return [reboot, interval]
}

function accepted(jobId: string, result: { readonly __typename: string; readonly message?: string }): void {
  if (result.__typename !== 'ScheduleJobPayload') throw new Error(`The hub refused the job ${jobId}: ${result.message}`)
}
