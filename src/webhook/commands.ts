import { randomBytes, randomUUID } from 'node:crypto'
import type { Actor } from '../actor.ts'
import { inTransaction } from '../database/client.ts'
import type { Deps } from '../deps.ts'
import { ConflictError, NotFoundError } from '../errors.ts'
import { requeueDelivery } from './delivery-store.ts'
import { checkSecret, checkWebhook, type WebhookInput } from './request.ts'
import { secretBytes, secretOf } from './secret.ts'
import { insertWebhook, lockNumberOfWebhooks, lockWebhook, removeWebhook, saveSecret, saveWebhook } from './store.ts'
import { isUuid } from './uuid.ts'

/** Milliseconds for which messages are also signed with the secret before a rotation. */
const overlap = 24 * 60 * 60 * 1000

/** A webhook, and the secret that its receiver needs. */
export type WithSecret = { readonly webhookId: string; readonly secret: string }

const newSecret = (given: string | null | undefined): string =>
  given == null ? secretOf(randomBytes(secretBytes)) : checkSecret(given)

function requireUuid(kind: 'webhook' | 'delivery', text: string): void {
  if (!isUuid(text)) throw new NotFoundError(kind, text)
}

/**
 * Creates a webhook. It gets the events of all jobs from now on. Without a secret, one is generated. InvalidInputError,
 * ConflictError when there are as many as allowed.
 */
export async function createWebhook(
  deps: Deps,
  by: Actor,
  input: WebhookInput & { readonly secret?: string | null | undefined },
  id: string = randomUUID(),
): Promise<WithSecret> {
  const settings = checkWebhook(input, { allowPrivate: deps.allowPrivateWebhooks })
  const secret = newSecret(input.secret)
  const webhook = { ...settings, id, secret, createdTime: deps.clock.now(), createdBy: by.name }
  await inTransaction(deps, async (tx, afterCommit) => {
    const most = deps.limits.webhooks
    if ((await lockNumberOfWebhooks(tx)) >= most) {
      throw new ConflictError(`The hub has ${most} webhooks, which is the maximum (LIMIT_WEBHOOKS). Delete one first.`)
    }
    await insertWebhook(tx, webhook)
    afterCommit(() => announce(deps))
  })
  return { webhookId: id, secret }
}

/** Changes the settings that are given. NotFoundError, InvalidInputError. */
export async function updateWebhook(deps: Deps, webhookId: string, input: WebhookInput): Promise<void> {
  requireUuid('webhook', webhookId)
  await inTransaction(deps, async (tx, afterCommit) => {
    const before = await lockWebhook(tx, webhookId)
    if (before === undefined) throw new NotFoundError('webhook', webhookId)
    await saveWebhook(tx, webhookId, checkWebhook(input, { before, allowPrivate: deps.allowPrivateWebhooks }))
    afterCommit(() => announce(deps))
  })
}

/** Deletes a webhook: nothing more is sent to it, apart from attempts under way. NotFoundError. */
export async function deleteWebhook(deps: Deps, webhookId: string): Promise<void> {
  requireUuid('webhook', webhookId)
  await inTransaction(deps, async (tx, afterCommit) => {
    if (!(await removeWebhook(tx, webhookId))) throw new NotFoundError('webhook', webhookId)
    afterCommit(() => announce(deps))
  })
}

/**
 * Replaces the secret. For a day, messages are also signed with the one before, so that the receiver can be changed
 * without losing any. NotFoundError, InvalidInputError.
 */
export async function rotateWebhookSecret(deps: Deps, webhookId: string, given?: string | null): Promise<WithSecret> {
  requireUuid('webhook', webhookId)
  const secret = newSecret(given)
  const previousUntil = new Date(deps.clock.now().getTime() + overlap)
  await inTransaction(deps, async (tx) => {
    if (!(await saveSecret(tx, webhookId, { secret, previousUntil }))) throw new NotFoundError('webhook', webhookId)
  })
  return { webhookId, secret }
}

/**
 * Delivers again, with the same message id, what was delivered or given up, or at once what is pending. Attempts are
 * repeated for another day. NotFoundError.
 */
export async function redeliver(deps: Deps, deliveryId: string): Promise<void> {
  requireUuid('delivery', deliveryId)
  await inTransaction(deps, async (tx, afterCommit) => {
    const isKnown = await requeueDelivery(tx, deliveryId, deps.clock.now())
    if (!isKnown) throw new NotFoundError('delivery', deliveryId)
    afterCommit(() => announce(deps))
  })
}

/** The scheduler of each instance looks at the webhooks and the outbox again. */
const announce = ({ events }: Pick<Deps, 'events'>): void => events.publish('work', 'webhooks', {})
