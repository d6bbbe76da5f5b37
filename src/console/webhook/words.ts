import type {
  WebhookDeliveryError,
  WebhookDeliveryRowFragment,
  WebhookDeliveryStatus,
  WebhookEvent,
  WebhookNowFragment,
} from '../../generated/console/graphql.ts'
import type { Shown } from '../ui/status.ts'

/** The events, in the order in which a job reaches them. */
export const events: readonly { readonly value: WebhookEvent; readonly word: string }[] = [
  { value: 'JOB_STARTED', word: 'Job started' },
  { value: 'JOB_THRESHOLD', word: 'Too many failures' },
  { value: 'JOB_PAUSED', word: 'Job paused' },
  { value: 'JOB_RESUMED', word: 'Job resumed' },
  { value: 'JOB_ENDED', word: 'Job ended' },
]

/** The word for an event. One that a newer hub has added is shown by its name. */
export const wordOf = (event: WebhookEvent): string => events.find(({ value }) => value === event)?.word ?? event

/** The events of a webhook, and when it counts failures as too many: `Too many failures (over 5 %, from 20 devices)`. */
export function describeEvents({
  events: chosen,
  failureShare,
  minimumDevices,
}: Pick<WebhookNowFragment, 'events' | 'failureShare' | 'minimumDevices'>): string {
  const threshold = failureShare === null ? '' : ` (over ${percentOf(failureShare)} %, from ${minimumDevices} devices)`
  return events
    .filter(({ value }) => chosen.includes(value))
    .map(({ value, word }) => (value === 'JOB_THRESHOLD' ? word + threshold : word))
    .join(', ')
}

/** A share as a percentage, without the errors of binary fractions. */
export const percentOf = (share: number): number => Number((share * 100).toPrecision(12))

/** The statuses of deliveries, with their words in the address, in the order of the filter. */
export const deliveryStatuses: readonly { readonly value: WebhookDeliveryStatus; readonly key: string }[] = [
  { value: 'DEAD', key: 'dead' },
  { value: 'PENDING', key: 'pending' },
  { value: 'DELIVERED', key: 'delivered' },
]

/** The badge of a delivery. */
export function showDelivery(status: WebhookDeliveryStatus): Shown {
  switch (status) {
    case 'DELIVERED':
      return { tone: 'succeeded', icon: 'succeeded', word: 'Delivered' }
    case 'PENDING':
      return { tone: 'pending', icon: 'waiting', word: 'Pending' }
    case 'DEAD':
      return { tone: 'failed', icon: 'failed', word: 'Given up' }
    default:
      return { tone: 'pending', icon: 'pending', word: status }
  }
}

/** The badge of a webhook. */
export function showWebhook({ enabled }: Pick<WebhookNowFragment, 'enabled'>): Shown {
  return enabled
    ? { tone: 'succeeded', icon: 'succeeded', word: 'Enabled' }
    : { tone: 'refused', icon: 'cancelled', word: 'Disabled' }
}

const reasons: Readonly<Record<WebhookDeliveryError, string>> = {
  ADDRESS: 'The address is private or local.',
  GONE: 'The receiver no longer wants events.',
  REDIRECT: 'The receiver redirected.',
  STATUS: 'The receiver refused.',
  TIMEOUT: 'No response in time.',
  TLS: 'The certificate is not trusted, or TLS failed.',
  UNREACHABLE: 'The receiver could not be reached.',
}

/** The result of the last attempt, as sentences; empty before its end. */
export function describeAttempt({
  error,
  responseStatus,
}: Pick<WebhookDeliveryRowFragment, 'error' | 'responseStatus'>): string {
  const reason = error === null ? '' : (reasons[error] ?? error)
  return [reason, responseStatus === null ? '' : `Status ${responseStatus}.`].filter(Boolean).join(' ')
}
