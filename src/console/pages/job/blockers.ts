import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount, formatPlanned, formatRelative, showTimes } from '../../format.ts'

type Blocker = NonNullable<JobNowFragment['blockers']>[number]

/**
 * What a job is waiting for, as text. `now` is in milliseconds since 1970. An unknown reason is shown by the hub's name
 * for it.
 */
export function describeBlocker({ reason, message, until, position, job, deviceCount }: Blocker, now: number): string {
  switch (reason) {
    case 'START_TIME':
      return until === null ? message : `Scheduled for ${formatPlanned(until, now)}`
    case 'SOAK':
      return until === null ? message : `The next wave waits until ${formatPlanned(until, now)}`
    case 'MAX_CONCURRENT':
      return 'Waiting for calls to end: as many are in progress as the job may have'
    case 'BUDGET':
      return deviceCount === null ? message : `${devices(deviceCount)} waiting for others of their group`
    case 'SLOT':
      if (position === null) return message
      return position === 1
        ? 'Waiting for a running job to finish (next in the queue)'
        : `Waiting for running jobs to finish (number ${formatCount(position)} in the queue)`
    case 'JOB':
      return job === null ? message : `Waiting for job ${job.jobId}, which has some of the same devices`
    case 'DEVICES_NOT_CONNECTED':
      return deviceCount === null ? message : `Waiting for ${devices(deviceCount, 'offline ')}`
    case 'CALLS_UNDER_WAY':
      return deviceCount === null ? message : `Waiting for ${devices(deviceCount)} to respond`
    case 'NEW_DEVICES':
      return until === null ? message : `Waiting for devices that start to match, until ${formatPlanned(until, now)}`
    case 'RETRY':
      if (deviceCount === null || until === null) return message
      return `${devices(deviceCount)} waiting for another attempt, the first ${formatRelative(until, now)}`
    default:
      return showTimes(message)
  }
}

function devices({ value, precision }: NonNullable<Blocker['deviceCount']>, kind = ''): string {
  const count = `${formatCount(value)} ${kind}${value === 1 ? 'device' : 'devices'}`
  return precision === 'AT_LEAST' ? `at least ${count}` : count
}
