import { parseZonedDateTime } from '../../date-time.ts'
import { type DeliveryPlace, type DeliveryRow, findDelivery } from '../../webhook/delivery-store.ts'
import { isUuid } from '../../webhook/uuid.ts'
import { builder } from '../builder.ts'
import type { KeysetList } from '../connection.ts'
import { requireWebhooks } from './all-devices.ts'

/** The events that a webhook can get. */
export const WebhookEvent = builder.enumType('WebhookEvent', {
  description: 'An event of a job, of which a webhook is notified. New values may be added.',
  values: {
    JOB_STARTED: {
      value: 'job.started',
      description:
        'The devices of the job are selected, and there is at least one. Messages have the type `job.started`.',
    },
    JOB_THRESHOLD: {
      value: 'job.threshold',
      description:
        'The share of devices that failed or refused exceeds `failureShare` of the webhook, for the first time. Messages have the type `job.threshold`.',
    },
    JOB_PAUSED: {
      value: 'job.paused',
      description: 'The job was paused; each pause is an event. Messages have the type `job.paused`.',
    },
    JOB_RESUMED: {
      value: 'job.resumed',
      description: 'The job was resumed; each resumption is an event. Messages have the type `job.resumed`.',
    },
    JOB_ENDED: {
      value: 'job.ended',
      description: 'The job has ended, whatever its outcome. Messages have the type `job.ended`.',
    },
  } as const,
})

/** The states of deliveries. */
export const WebhookDeliveryStatus = builder.enumType('WebhookDeliveryStatus', {
  description: 'The status of a delivery.',
  values: {
    PENDING: { value: 'pending', description: 'It will be attempted, for the first time or again.' },
    DELIVERED: { value: 'delivered', description: 'The receiver has accepted it.' },
    DEAD: {
      value: 'dead',
      description:
        'It was given up: attempts failed for a day, or the receiver is gone. `redeliverWebhook` repeats it.',
    },
  } as const,
})

const WebhookDeliveryError = builder.enumType('WebhookDeliveryError', {
  description: 'Why an attempt failed. New values may be added.',
  values: {
    ADDRESS: {
      value: 'address',
      description: 'The name leads to a private or local address. WEBHOOK_ALLOW_PRIVATE allows these.',
    },
    UNREACHABLE: {
      value: 'unreachable',
      description: 'The name was not resolved, or the connection was refused or broke.',
    },
    TLS: { value: 'tls', description: 'The certificate of the receiver is not trusted, or TLS failed otherwise.' },
    TIMEOUT: { value: 'timeout', description: 'The receiver did not respond in time.' },
    REDIRECT: { value: 'redirect', description: 'The receiver responded with a redirect. Redirects are not followed.' },
    GONE: { value: 'gone', description: 'The receiver responded with 410. The webhook was disabled.' },
    STATUS: { value: 'status', description: 'The receiver responded with another status than 200 to 299.' },
  } as const,
})

/** A delivery: one event of one job for one webhook. */
export const WebhookDelivery = builder.node(builder.objectRef<DeliveryRow>('WebhookDelivery'), {
  id: { resolve: ({ id }) => id },
  loadWithoutCache: async (id, { deps, viewer }) => {
    requireWebhooks(viewer)
    return isUuid(id) ? ((await findDelivery(deps.db.reads, id)) ?? null) : null
  },
  description: 'The delivery of one event of one job to one webhook. It is deleted together with the job.',
  authScopes: { right: 'manageWebhooks' },
  fields: (t) => ({
    deliveryId: t.exposeString('id', {
      description: 'The ID of the message, which is the header `webhook-id`. The same in each attempt.',
    }),
    jobId: t.exposeString('jobId', { description: 'The job ID.' }),
    event: t.field({ type: WebhookEvent, description: 'The event.', resolve: ({ event }) => event }),
    status: t.field({ type: WebhookDeliveryStatus, description: 'The status.', resolve: ({ status }) => status }),
    createdTime: t.expose('createdTime', { type: 'DateTime', description: 'Time of the event.' }),
    attempts: t.exposeInt('attempts', {
      description: 'Number of attempts, including one in progress. Begins anew with `redeliverWebhook`.',
    }),
    nextAttemptTime: t.field({
      type: 'DateTime',
      nullable: true,
      description:
        'Time of the next attempt. During an attempt: when it is repeated if the hub is killed. Null unless `status` is PENDING.',
      resolve: ({ status, nextTime }) => (status === 'pending' ? nextTime : null),
    }),
    endTime: t.expose('endedTime', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was delivered or given up. Null while `status` is PENDING.',
    }),
    error: t.field({
      type: WebhookDeliveryError,
      nullable: true,
      description: 'Why the last attempt failed. Null when it succeeded, or before its end.',
      resolve: ({ error }) => error,
    }),
    responseStatus: t.exposeInt('responseStatus', {
      nullable: true,
      description: 'The HTTP status of the response to the last attempt. Null without a response.',
    }),
    responseText: t.exposeString('responseText', {
      nullable: true,
      description:
        'The first 200 characters of the response to the last attempt. Null without a response, or an empty one.',
    }),
  }),
})

/** The deliveries of a webhook, the newest first. */
export const newestDeliveries = (webhookId: string): KeysetList<DeliveryRow, DeliveryPlace> => ({
  name: `deliveries ${webhookId}`,
  keysOf: ({ createdTime, id }) => [createdTime.toISOString(), id],
  parseKeys([timeText = '', id = '', ...others]) {
    const createdTime = parseZonedDateTime(timeText)
    return createdTime === undefined || !isUuid(id) || others.length > 0 ? undefined : { createdTime, id }
  },
})

/** A page of deliveries. */
export const WebhookDeliveryConnection = builder.connectionObject(
  {
    type: WebhookDelivery,
    name: 'WebhookDeliveryConnection',
    description: 'A page of deliveries, the newest events first.',
  },
  { name: 'WebhookDeliveryEdge', description: 'A delivery on a page, with its cursor.' },
)
