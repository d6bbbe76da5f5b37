import type { JobAroundFragment, JobTargets } from '../../../generated/console/graphql.ts'
import { formatDevices } from '../../format.ts'
import type { Tone } from '../../ui/status.ts'

type JobEvent = NonNullable<JobAroundFragment['history']>[number]

/** An event in words: what happened, a detail that follows it, and the colour of both. */
type DescribedEvent = { readonly what: string; readonly detail: string; readonly tone: Tone }

/**
 * Describes an event of a job, which has these devices by now. An unknown type or cause, from a newer hub, is shown by its name.
 */
export function describeEvent(
  {
    type,
    cause,
    actor,
    changed = [],
    wave = null,
    cancellation,
    deviceCount = null,
  }: Pick<JobEvent, 'type' | 'cause' | 'actor'> &
    Partial<Pick<JobEvent, 'changed' | 'wave' | 'cancellation' | 'deviceCount'>>,
  { deviceCount: allDevices, targets }: { readonly deviceCount: number; readonly targets: JobTargets },
): DescribedEvent {
  const who =
    {
      USER: actor ?? 'a client',
      SCHEDULE: 'the schedule',
      DEVICES: 'its devices',
      DEADLINE: 'the time limit',
      HUB: 'the hub',
      RULE: 'an abort rule',
      GATE: 'a gate',
    }[cause] ?? cause
  const byWhom = `by ${who}`
  // A decision is about the wave after the gate, whose number the event has.
  switch (type) {
    case 'SCHEDULED':
      return { what: 'Scheduled', detail: byWhom, tone: 'pending' }
    case 'APPROVED':
      return { what: wave === null ? 'Approved' : `Wave ${wave + 1} approved`, detail: byWhom, tone: 'pending' }
    case 'REJECTED':
      return { what: wave === null ? 'Rejected' : `Wave ${wave + 1} rejected`, detail: byWhom, tone: 'cancelled' }
    case 'QUEUED':
      return { what: 'Queued', detail: '– start time reached', tone: 'pending' }
    case 'WAITING':
      return { what: 'Waiting', detail: '– another job has some of the same devices', tone: 'pending' }
    case 'DEVICES_SELECTED':
      return { what: 'Devices selected', detail: `– ${devicesOf(deviceCount)}`, tone: 'pending' }
    case 'STARTED': {
      // Other targets were selected before, or are more by now.
      const detail = targets === 'AT_START' ? `– ${formatDevices(allDevices)} selected` : byWhom
      return { what: 'Started', detail, tone: 'running' }
    }
    case 'DEVICES_JOINED':
      return { what: 'Joined', detail: `– ${devicesOf(deviceCount)} that started to match`, tone: 'running' }
    case 'WAVE_OPENED':
      return { what: wave === null ? 'Wave opened' : `Wave ${wave} opened`, detail: byWhom, tone: 'running' }
    case 'GATE_PASSED':
      return {
        what: wave === null ? 'Gate passed' : `Gate of wave ${wave} passed`,
        detail: '– waits for an approval',
        tone: 'pending',
      }
    case 'PAUSED':
      return { what: 'Paused', detail: byWhom, tone: 'pending' }
    case 'RESUMED':
      return { what: 'Resumed', detail: byWhom, tone: 'running' }
    case 'UPDATED': {
      const members = changed.map((member) => memberWords[member] ?? member)
      return { what: 'Changed', detail: `${byWhom} – ${members.join(', ')}`, tone: 'pending' }
    }
    case 'DEVICES_CANCELLED': {
      const where = devicesOf(cancellation?.cancelledCount ?? null)
      return { what: 'Cancelled', detail: `on ${where} ${byWhom}`, tone: 'cancelled' }
    }
    case 'COMPLETED':
      if (allDevices === 0) return { what: 'Completed', detail: '– no devices matched', tone: 'pending' }
      return cause === 'DEADLINE'
        ? timeLimitReached
        : { what: 'Completed', detail: '– all devices finished', tone: 'succeeded' }
    case 'FAILED':
      return { what: 'Failed', detail: cause === 'DEADLINE' ? timeLimitReached.detail : byWhom, tone: 'failed' }
    case 'CANCELLED':
      return { what: 'Cancelled', detail: byWhom, tone: 'cancelled' }
    case 'ENDED':
      return cause === 'DEADLINE'
        ? timeLimitReached
        : { what: 'Ended', detail: '– last pending call finished', tone: 'cancelled' }
    default:
      return { what: String(type), detail: byWhom, tone: 'pending' }
  }
}

/** The number is unknown for a job that was not scheduled under the scope of the viewer. */
const devicesOf = (count: number | null): string => (count === null ? 'some devices' : formatDevices(count))

/** The number of events that the page reads. */
const mostEvents = 100

/** Whether these newest events of a job lack older ones. The first event of a job is that it was scheduled. */
export const lacksOlder = (events: readonly Pick<JobEvent, 'type'>[]): boolean =>
  events.length >= mostEvents && events[0]?.type !== 'SCHEDULED'

/** What the page calls the members of a job. */
const memberWords: Readonly<Record<string, string>> = { maxExecutionTimeInSeconds: 'time limit', rollout: 'limits' }

const timeLimitReached: DescribedEvent = { what: 'Ended', detail: '– time limit reached', tone: 'cancelled' }
