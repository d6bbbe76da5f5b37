import type { JobNowFragment } from '../../../generated/console/graphql.ts'
import { formatCount, formatMoment, formatRelative } from '../../format.ts'

type Blocker = JobNowFragment['blockers'][number]

/** What a job waits for, as a sentence; `now` in milliseconds since 1970. A reason of a newer hub in the hub's words. */
export function describeBlocker({ reason, message, until, position, deviceCount }: Blocker, now: number): string {
  switch (reason) {
    case 'START_TIME':
      return until === null
        ? message
        : `Waits for its time: it starts ${formatRelative(until, now)} (${formatMoment(until)}).`
    case 'SLOT':
      if (position === null) return message
      return position === 1
        ? 'Waits for one of the running jobs to make room. It is next.'
        : `Waits for running jobs to make room. It is number ${formatCount(position)} in the queue.`
    case 'DEVICES_NOT_CONNECTED':
      return deviceCount === null ? message : `Waits for ${devices(deviceCount)} to connect.`
    case 'CALLS_UNDER_WAY':
      return deviceCount === null ? message : `Waits for ${devices(deviceCount)} to answer.`
    default:
      return message
  }
}

function devices({ value, precision }: NonNullable<Blocker['deviceCount']>): string {
  const count = `${formatCount(value)} ${value === 1 ? 'device' : 'devices'}`
  return precision === 'AT_LEAST' ? `at least ${count}` : count
}
