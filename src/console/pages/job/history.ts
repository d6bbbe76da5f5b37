import type { JobAroundFragment } from '../../../generated/console/graphql.ts'
import type { Tone } from '../../ui/status.ts'

type JobEvent = JobAroundFragment['history'][number]

/**
 * An event of a job with so many devices in words, and the colour of what it is about. What a newer hub tells is told by
 * its name.
 */
export function describeEvent(
  { type, cause, actor }: Pick<JobEvent, 'type' | 'cause' | 'actor'>,
  deviceCount: number,
): { readonly what: string; readonly who: string; readonly tone: Tone } {
  const who =
    {
      USER: actor ?? 'a client',
      SCHEDULE: 'its time or turn',
      DEVICES: 'its devices',
      DEADLINE: 'its deadline',
      HUB: 'the hub',
    }[cause] ?? cause
  switch (type) {
    case 'SCHEDULED':
      return { what: 'Scheduled', who: `by ${who}`, tone: 'pending' }
    case 'QUEUED':
      return { what: 'Queued', who: 'its start time came', tone: 'pending' }
    case 'STARTED':
      return { what: 'Started', who: 'its devices were fixed', tone: 'running' }
    case 'COMPLETED':
      if (deviceCount === 0) return { what: 'Completed', who: 'no device met its condition', tone: 'pending' }
      return {
        what: 'Completed',
        who: cause === 'DEADLINE' ? 'its time was up' : 'every device job has ended',
        tone: 'succeeded',
      }
    case 'FAILED':
      return { what: 'Failed', who: cause === 'DEADLINE' ? 'its time was up' : `by ${who}`, tone: 'failed' }
    case 'CANCELLED':
      return { what: 'Cancelled', who: `by ${who}`, tone: 'cancelled' }
    case 'ENDED':
      return {
        what: 'Ended',
        who: cause === 'DEADLINE' ? 'its time was up' : 'the last call under way has ended',
        tone: 'cancelled',
      }
    default:
      return { what: String(type), who: `by ${who}`, tone: 'pending' }
  }
}
