import { randomUUID } from 'node:crypto'
import { ConflictError, InvalidInputError, NotFoundError } from '../../errors.ts'
import type { JsonObject } from '../../json/json.ts'
import {
  createWebhook,
  deleteWebhook,
  redeliver,
  rotateWebhookSecret,
  updateWebhook,
  type WithSecret,
} from '../../webhook/commands.ts'
import { findDelivery } from '../../webhook/delivery-store.ts'
import type { WebhookEvent as Event } from '../../webhook/event.ts'
import { maxDescription, maxUrl, usualMinimum } from '../../webhook/request.ts'
import { secretRule } from '../../webhook/secret.ts'
import { findWebhook } from '../../webhook/store.ts'
import { builder } from '../builder.ts'
import type { Context } from '../context.ts'
import { resultUnion } from '../errors.ts'
import { readThroughOutage } from '../live/through-outage.ts'
import { mayFail } from '../may-fail.ts'
import { encodeNodeId } from '../node-id.ts'
import { requireWebhooks } from './all-devices.ts'
import { WebhookDelivery, WebhookEvent } from './delivery.ts'
import { Webhook } from './webhook.ts'

// Inputs

const url = `The address of the receiver: at most ${maxUrl} characters, \`https:\`, and public unless WEBHOOK_ALLOW_PRIVATE is true.`
const failureShare =
  'Required for JOB_THRESHOLD: of the devices of a job that have finished, the share that failed or refused, which must be exceeded. From 0 to less than 1, such as 0.05.'
const minimumDevices = `For JOB_THRESHOLD: the number of devices of a job that must have finished before. Default: ${usualMinimum}.`
const description = `What it is for: at most ${maxDescription} characters.`
const secret = `The secret: ${secretRule}. When omitted, the hub generates one.`

const CreateWebhookInput = builder.inputType('CreateWebhookInput', {
  description: 'The webhook to create.',
  fields: (t) => ({
    url: t.string({ required: true, description: url }),
    events: t.field({
      type: [WebhookEvent],
      required: true,
      description: 'The events of which it is notified. At least one.',
    }),
    failureShare: t.float({ description: failureShare }),
    minimumDevices: t.int({ description: minimumDevices }),
    description: t.string({ description }),
    enabled: t.boolean({ defaultValue: true, description: 'Whether it is notified.' }),
    secret: t.string({ description: secret }),
  }),
})

const UpdateWebhookInput = builder.inputType('UpdateWebhookInput', {
  description: 'A change to a webhook. Omitted fields keep their values.',
  fields: (t) => ({
    webhookId: t.string({ required: true, description: 'The webhook ID.' }),
    url: t.string({ description: url }),
    events: t.field({ type: [WebhookEvent], description: 'The events of which it is notified. At least one.' }),
    failureShare: t.float({
      description: `${failureShare} Set it to \`null\` when you remove that event.`,
    }),
    minimumDevices: t.int({ description: `${minimumDevices} Set it to \`null\` when you remove that event.` }),
    description: t.string({ description: `${description} \`null\` deletes it.` }),
    enabled: t.boolean({ description: 'Whether it is notified.' }),
  }),
})

const DeleteWebhookInput = builder.inputType('DeleteWebhookInput', {
  description: 'The webhook to delete.',
  fields: (t) => ({ webhookId: t.string({ required: true, description: 'The webhook ID.' }) }),
})

const RotateWebhookSecretInput = builder.inputType('RotateWebhookSecretInput', {
  description: 'The webhook whose secret is replaced.',
  fields: (t) => ({
    webhookId: t.string({ required: true, description: 'The webhook ID.' }),
    secret: t.string({ description: secret }),
  }),
})

const RedeliverWebhookInput = builder.inputType('RedeliverWebhookInput', {
  description: 'The delivery to repeat.',
  fields: (t) => ({ deliveryId: t.string({ required: true, description: 'The `deliveryId` of the delivery.' }) }),
})

// Payloads

/** Reads the webhook after its change is committed: an outage must not look like a failure of the mutation. */
async function readWebhook(context: Context, webhookId: string) {
  const row = await readThroughOutage(context, () => findWebhook(context.deps.db, webhookId))
  if (row === undefined) throw new NotFoundError('webhook', webhookId, 'The webhook was deleted in the meantime.')
  return row
}

const secretDescription = 'The secret of the webhook. It is not shown again.'

const withSecret = (name: string, description: string) =>
  builder.objectRef<WithSecret>(name).implement({
    description,
    fields: (t) => ({
      secret: t.exposeString('secret', { description: secretDescription }),
      webhook: t.field({
        type: Webhook,
        ...mayFail('The webhook.'),
        resolve: ({ webhookId }, _args, context) => readWebhook(context, webhookId),
      }),
    }),
  })

const CreateWebhookPayload = withSecret('CreateWebhookPayload', 'The webhook is stored, and gets events from now on.')
const RotateWebhookSecretPayload = withSecret(
  'RotateWebhookSecretPayload',
  'Messages are signed with the new secret, and for 24 hours also with the one before.',
)

const UpdateWebhookPayload = builder.objectRef<{ readonly webhookId: string }>('UpdateWebhookPayload').implement({
  description: 'The webhook is changed.',
  fields: (t) => ({
    webhook: t.field({
      type: Webhook,
      ...mayFail('The webhook after the change.'),
      resolve: ({ webhookId }, _args, context) => readWebhook(context, webhookId),
    }),
  }),
})

const DeleteWebhookPayload = builder.objectRef<{ readonly webhookId: string }>('DeleteWebhookPayload').implement({
  description: 'The webhook is deleted, with its deliveries.',
  fields: (t) => ({
    webhookId: t.exposeString('webhookId', { description: 'The webhook ID.' }),
    id: t.id({
      description: 'The global ID of the deleted webhook, for client caches.',
      resolve: ({ webhookId }) => encodeNodeId('Webhook', webhookId),
    }),
  }),
})

const RedeliverWebhookPayload = builder
  .objectRef<{ readonly deliveryId: string }>('RedeliverWebhookPayload')
  .implement({
    description: 'The delivery is attempted at once, and if it fails, again for a day.',
    fields: (t) => ({
      delivery: t.field({
        type: WebhookDelivery,
        ...mayFail('The delivery.'),
        resolve: async ({ deliveryId }, _args, context) => {
          const row = await readThroughOutage(context, () => findDelivery(context.deps.db.reads, deliveryId))
          if (row !== undefined) return row
          throw new NotFoundError('delivery', deliveryId, 'The delivery was deleted in the meantime.')
        },
      }),
    }),
  })

// Mutations

/** What the audit keeps of settings. The path of a URL may be a secret. */
function settingsDetail(input: {
  readonly url?: string | null | undefined
  readonly events?: readonly Event[] | null | undefined
  readonly enabled?: boolean | null | undefined
}): JsonObject {
  const { url: text, events, enabled } = input
  return {
    ...(text != null && URL.canParse(text) && { origin: new URL(text).origin }),
    ...(events != null && { events: [...new Set(events)] }),
    ...(enabled != null && { enabled }),
  }
}

/** What every mutation of webhooks requires before anything else. */
function admit({ deps, viewer }: Context): void {
  requireWebhooks(viewer)
  deps.throttles.take('jobOperations')
}

builder.mutationField('createWebhook', (t) =>
  t.field({
    type: resultUnion(
      'CreateWebhookResult',
      CreateWebhookPayload,
      [InvalidInputError, ConflictError],
      'The result of `createWebhook`.',
    ),
    authScopes: { right: 'manageWebhooks' },
    audit: { target: () => null, detail: ({ input }) => settingsDetail(input) },
    ...mayFail('Creates a webhook. A ConflictError when there are as many as allowed.'),
    args: { input: t.arg({ type: CreateWebhookInput, required: true, description: 'The webhook to create.' }) },
    resolve: (_root, { input }, context) => {
      admit(context)
      const webhookId = randomUUID()
      context.note?.({ webhookId })
      return createWebhook(context.deps, context.viewer, input, webhookId)
    },
  }),
)

builder.mutationField('updateWebhook', (t) =>
  t.field({
    type: resultUnion(
      'UpdateWebhookResult',
      UpdateWebhookPayload,
      [NotFoundError, InvalidInputError],
      'The result of `updateWebhook`.',
    ),
    authScopes: { right: 'manageWebhooks' },
    audit: { target: ({ input }) => input.webhookId, detail: ({ input }) => settingsDetail(input) },
    ...mayFail('Changes a webhook. Enabled again, it gets the deliveries that waited.'),
    args: { input: t.arg({ type: UpdateWebhookInput, required: true, description: 'The change.' }) },
    resolve: async (_root, { input: { webhookId, ...input } }, context) => {
      admit(context)
      await updateWebhook(context.deps, webhookId, input)
      return { webhookId }
    },
  }),
)

builder.mutationField('deleteWebhook', (t) =>
  t.field({
    type: resultUnion('DeleteWebhookResult', DeleteWebhookPayload, [NotFoundError], 'The result of `deleteWebhook`.'),
    authScopes: { right: 'manageWebhooks' },
    audit: { target: ({ input }) => input.webhookId },
    ...mayFail('Deletes a webhook and its deliveries. Messages that are being sent may still arrive.'),
    args: { input: t.arg({ type: DeleteWebhookInput, required: true, description: 'The webhook to delete.' }) },
    resolve: async (_root, { input: { webhookId } }, context) => {
      admit(context)
      await deleteWebhook(context.deps, webhookId)
      return { webhookId }
    },
  }),
)

builder.mutationField('rotateWebhookSecret', (t) =>
  t.field({
    type: resultUnion(
      'RotateWebhookSecretResult',
      RotateWebhookSecretPayload,
      [NotFoundError, InvalidInputError],
      'The result of `rotateWebhookSecret`.',
    ),
    authScopes: { right: 'manageWebhooks' },
    audit: { target: ({ input }) => input.webhookId },
    ...mayFail(
      'Replaces the secret of a webhook. For 24 hours, messages have a second signature, with the secret before.',
    ),
    args: {
      input: t.arg({ type: RotateWebhookSecretInput, required: true, description: 'The webhook, and its new secret.' }),
    },
    resolve: (_root, { input: { webhookId, secret: given } }, context) => {
      admit(context)
      return rotateWebhookSecret(context.deps, webhookId, given)
    },
  }),
)

builder.mutationField('redeliverWebhook', (t) =>
  t.field({
    type: resultUnion(
      'RedeliverWebhookResult',
      RedeliverWebhookPayload,
      [NotFoundError],
      'The result of `redeliverWebhook`.',
    ),
    authScopes: { right: 'manageWebhooks' },
    audit: { target: ({ input }) => input.deliveryId },
    ...mayFail(
      'Delivers an event again, with the same message ID: one that was given up or delivered, or at once one that is pending.',
    ),
    args: { input: t.arg({ type: RedeliverWebhookInput, required: true, description: 'The delivery to repeat.' }) },
    resolve: async (_root, { input: { deliveryId } }, context) => {
      admit(context)
      await redeliver(context.deps, deliveryId)
      return { deliveryId }
    },
  }),
)
