import { parseZonedDateTime } from '../../date-time.ts'
import { findDeliveries } from '../../webhook/delivery-store.ts'
import { deliveryStatuses } from '../../webhook/event.ts'
import { findWebhook, findWebhooks, type WebhookPlace, type WebhookRow } from '../../webhook/store.ts'
import { isUuid } from '../../webhook/uuid.ts'
import { builder } from '../builder.ts'
import { forwardArguments, type KeysetList, pageComplexity, resolvePage, selectsRows } from '../connection.ts'
import { mayFail } from '../may-fail.ts'
import { requireWebhooks } from './all-devices.ts'
import { newestDeliveries, WebhookDeliveryConnection, WebhookDeliveryStatus, WebhookEvent } from './delivery.ts'

const WebhookDeliveryFilter = builder.inputType('WebhookDeliveryFilter', {
  description: 'Selects deliveries.',
  fields: (t) => ({
    status: t.field({
      type: [WebhookDeliveryStatus],
      description: 'The status is one of these. `[DEAD]` lists what was given up.',
    }),
  }),
})

/** A webhook, without its secret. */
export const Webhook = builder.node(builder.objectRef<WebhookRow>('Webhook'), {
  id: { resolve: ({ id }) => id },
  loadWithoutCache: async (id, { deps, viewer }) => {
    requireWebhooks(viewer)
    return isUuid(id) ? ((await findWebhook(deps.db, id)) ?? null) : null
  },
  description: 'An address to which the hub sends chosen events of all jobs. Its secret is shown only when it is set.',
  authScopes: { right: 'manageWebhooks' },
  fields: (t) => ({
    webhookId: t.exposeString('id', { description: 'The webhook ID.' }),
    url: t.exposeString('url', { description: 'The address of the receiver.' }),
    events: t.field({
      type: [WebhookEvent],
      description: 'The events of which it is notified.',
      resolve: ({ events }) => [...events],
    }),
    failureShare: t.exposeFloat('failureShare', {
      nullable: true,
      description:
        'For JOB_THRESHOLD: of the devices of a job that have finished, the share that failed or refused, which must be exceeded. Null without that event.',
    }),
    minimumDevices: t.exposeInt('minimumDevices', {
      nullable: true,
      description:
        'For JOB_THRESHOLD: the number of devices of a job that must have finished. Null without that event.',
    }),
    description: t.exposeString('description', { nullable: true, description: 'What it is for. Null when not given.' }),
    enabled: t.exposeBoolean('enabled', {
      description: 'Whether it is notified. While it is disabled, new events are not kept for it, and deliveries wait.',
    }),
    disabledReason: t.exposeString('disabledReason', {
      nullable: true,
      description: 'Why the hub disabled it. Null when it is enabled, or when a client disabled it.',
    }),
    createdTime: t.expose('createdTime', { type: 'DateTime', description: 'When it was created.' }),
    createdBy: t.exposeString('createdBy', { description: 'The name of the person or policy that created it.' }),
    deliveries: t.field({
      type: WebhookDeliveryConnection,
      complexity: (args) => pageComplexity(args),
      ...mayFail('Its deliveries, the newest events first.'),
      args: {
        filter: t.arg({ type: WebhookDeliveryFilter, description: 'Selects deliveries. All when omitted.' }),
        ...forwardArguments(),
      },
      resolve: ({ id }, { filter, ...page }, { deps }, info) =>
        resolvePage(
          newestDeliveries(id),
          page,
          async ({ cursor: after, limit }) => {
            const statuses = [...new Set(filter?.status ?? deliveryStatuses)]
            return selectsRows(info) ? findDeliveries(deps.db.reads, id, { statuses, after, limit }) : []
          },
          () => 0,
        ),
    }),
  }),
})

const oldestWebhooks: KeysetList<WebhookRow, WebhookPlace> = {
  name: 'webhooks',
  keysOf: ({ createdTime, id }) => [createdTime.toISOString(), id],
  parseKeys([timeText = '', id = '', ...others]) {
    const createdTime = parseZonedDateTime(timeText)
    return createdTime === undefined || !isUuid(id) || others.length > 0 ? undefined : { createdTime, id }
  },
}

const WebhookConnection = builder.connectionObject(
  { type: Webhook, name: 'WebhookConnection', description: 'A page of webhooks, the oldest first.' },
  { name: 'WebhookEdge', description: 'A webhook on a page, with its cursor.' },
)

builder.queryField('webhooks', (t) =>
  t.field({
    type: WebhookConnection,
    authScopes: { right: 'manageWebhooks' },
    complexity: (args) => pageComplexity(args),
    ...mayFail('All webhooks, the oldest first. Requires the right manageWebhooks and no scope.'),
    args: forwardArguments(),
    resolve: (_root, page, { deps, viewer }, info) => {
      requireWebhooks(viewer)
      deps.throttles.take('queries')
      return resolvePage(
        oldestWebhooks,
        page,
        async ({ cursor: after, limit }) => (selectsRows(info) ? findWebhooks(deps.db, { after, limit }) : []),
        () => 0,
      )
    },
  }),
)

builder.queryField('webhook', (t) =>
  t.field({
    type: Webhook,
    nullable: true,
    authScopes: { right: 'manageWebhooks' },
    description:
      'The webhook with this ID. Null when it does not exist. Requires the right manageWebhooks and no scope.',
    args: { webhookId: t.arg.string({ required: true, description: 'The webhook ID.' }) },
    resolve: async (_root, { webhookId }, { deps, viewer }) => {
      requireWebhooks(viewer)
      deps.throttles.take('queries')
      return isUuid(webhookId) ? ((await findWebhook(deps.db, webhookId)) ?? null) : null
    },
  }),
)
