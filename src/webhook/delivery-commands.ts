import { type BackOff, backOff } from '../back-off.ts'
import type { Deps } from '../deps.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { failSpan } from '../tracing.ts'
import { version } from '../version.ts'
import {
  type AttemptResult,
  type ClaimedDelivery,
  claimDeliveries,
  countPending,
  nextDelivery,
  releaseDelivery,
  saveAttempt,
} from './delivery-store.ts'
import type { DeliveryStatus, WebhookEvent } from './event.ts'
import { printMessage } from './message.ts'
import { type Post, post } from './post-commands.ts'
import { signaturesOf } from './secret.ts'
import { disableWebhook } from './store.ts'

/** Between attempts. */
const pauses: BackOff = { first: 5_000, longest: 60 * 60 * 1000 }
/** Milliseconds for which attempts are repeated. */
const retryTime = 24 * 60 * 60 * 1000
/** Milliseconds after the timeout of an attempt within which its result must have been saved. */
const saveTime = 20_000

/** The deliveries of this process. */
export type Deliveries = {
  /** Begins the deliveries that are due. Resolves with their number, and when the next one is due. */
  begin(now: Date): Promise<{ readonly begun: number; readonly next: Date | undefined }>
  /** Breaks off what is under way; it is attempted again later. */
  close(): Promise<void>
}

/**
 * Delivers from the outbox. Each webhook has its own few attempts at a time, so that a slow receiver delays only its own
 * messages. A message is sent at least once: when this process is killed during an attempt, another attempt with the
 * same id follows when the lease of the first is over.
 */
export function createDeliveries(
  deps: Pick<Deps, 'db' | 'clock' | 'events' | 'limits' | 'log' | 'allowPrivateWebhooks' | 'tracing'>,
  metrics: Metrics | undefined,
): Deliveries {
  const { db, clock, limits, log, allowPrivateWebhooks: allowPrivate } = deps
  const underWay = new Map<string, number>()
  const running = new Set<Promise<void>>()
  const closing = new AbortController()
  metrics?.read('twincast_webhook_deliveries_pending', async () => [{ labels: {}, value: await countPending(db) }])

  const count = (webhookId: string, change: 1 | -1): void => {
    const sum = (underWay.get(webhookId) ?? 0) + change
    if (sum === 0) underWay.delete(webhookId)
    else underWay.set(webhookId, sum)
  }

  const attempt = async (delivery: ClaimedDelivery): Promise<void> => {
    const { id, url, secrets, event, createdTime, job, transition } = delivery
    const body = printMessage(event, createdTime, job, transition)
    const timestamp = Math.floor(clock.now().getTime() / 1000)
    const headers = {
      'content-type': 'application/json',
      'user-agent': `Twincast/${version}`,
      'webhook-id': id,
      'webhook-timestamp': String(timestamp),
      'webhook-signature': signaturesOf(secrets, { id, timestamp, body }),
    }
    const message = { url, headers, body, timeout: limits.webhookTimeout, allowPrivate }
    const result = await send(message, event)
    if (result === undefined) await db.autocommit((tx) => releaseDelivery(tx, delivery, clock.now()))
    else await save(delivery, result)
  }

  const send = async (message: Post, event: WebhookEvent): Promise<AttemptResult | undefined> => {
    const { tracing } = deps
    if (tracing === undefined) return post(clock, message, closing.signal)
    const attributes = { 'server.address': new URL(message.url).hostname, 'twincast.webhook.event': event }
    return tracing.inSpan('POST webhook', { kind: 'client', attributes }, async (span) => {
      const headers = { ...message.headers, ...tracing.headersOf(span) }
      const result = await post(clock, { ...message, headers }, closing.signal)
      const status = result?.responseStatus
      if (status != null) span.setAttribute('http.response.status_code', status)
      if (result?.error != null) failSpan(span, new Error(result.error))
      return result
    })
  }

  const save = async (delivery: ClaimedDelivery, result: AttemptResult): Promise<void> => {
    const time = clock.now()
    const next = new Date(time.getTime() + backOff(pauses, delivery.attempts - 1))
    const status = statusAfter(delivery, result, next)
    await db.autocommit((tx) => saveAttempt(tx, delivery, result, { status, time, next }))
    metrics?.count('twincast_webhook_attempts_total', { outcome: status === 'pending' ? 'failed' : status })
    const { id, webhookId: webhook, url, job } = delivery
    if (status === 'dead') {
      log.warn({ webhook, delivery: id, job: job.id, error: result.error }, 'webhook delivery given up')
    }
    if (result.error !== 'gone') return
    const reason = 'The receiver answered 410 Gone.'
    await db.autocommit((tx) => disableWebhook(tx, { id: webhook, url, reason }))
    log.warn({ webhook }, 'webhook disabled: the receiver answered 410 Gone')
  }

  const deliver = async (delivery: ClaimedDelivery): Promise<void> => {
    try {
      await attempt(delivery)
    } catch (error) {
      // When its lease is over, it is attempted again.
      log.error({ err: error, delivery: delivery.id }, 'webhook delivery could not be saved')
    }
    count(delivery.webhookId, -1)
    deps.events.publish('work', 'deliveries', {})
  }

  return {
    async begin(now) {
      const most = limits.webhookDeliveries
      const leaseEnd = new Date(now.getTime() + limits.webhookTimeout + saveTime)
      const claimed = await db.autocommit((tx) => claimDeliveries(tx, { now, leaseEnd, underWay, most }))
      for (const delivery of claimed) {
        count(delivery.webhookId, 1)
        const delivering = deliver(delivery)
        running.add(delivering)
        void delivering.then(() => running.delete(delivering))
      }
      const full = [...underWay].filter(([, attempts]) => attempts >= most).map(([id]) => id)
      return { begun: claimed.length, next: await nextDelivery(db, full) }
    },
    async close() {
      closing.abort()
      await Promise.all(running)
    },
  }
}

function statusAfter({ queuedTime }: ClaimedDelivery, { error }: AttemptResult, next: Date): DeliveryStatus {
  if (error === null) return 'delivered'
  const isOver = next.getTime() > queuedTime.getTime() + retryTime
  return error === 'gone' || isOver ? 'dead' : 'pending'
}
