import type { Deps } from '../deps.ts'
import type { Metrics } from '../metrics/metrics.ts'
import { createDeliveries } from '../webhook/delivery-commands.ts'
import { countWebhooks } from '../webhook/store.ts'
import type { Step } from './loop.ts'

/** Milliseconds after which a hub without webhooks looks whether there are any, in case an event was lost. */
const lookInterval = 60_000

/** Events of jobs in the outbox → sent to webhooks. */
export function deliverWebhooks(
  deps: Pick<Deps, 'db' | 'clock' | 'events' | 'limits' | 'log' | 'allowPrivateWebhooks'>,
  metrics?: Metrics,
): Step & { close(): Promise<void> } {
  const { db, events } = deps
  const deliveries = createDeliveries(deps, metrics)
  /** Until then, there are no webhooks as far as this process knows, so jobs that move cost nothing. */
  let noneUntil = new Date(0)
  const stopListening = events.listen(
    'work',
    'webhooks',
  )(() => {
    noneUntil = new Date(0)
  })
  return {
    name: 'deliver-webhooks',
    every: 5_000,
    wokenBy: ['webhooks', 'deliveries', 'started', 'jobs'],
    async run(now) {
      if (now < noneUntil) return { done: 0, full: false }
      noneUntil = new Date(now.getTime() + lookInterval)
      if ((await countWebhooks(db)) === 0) return { done: 0, full: false }
      noneUntil = new Date(0)
      const { begun, next } = await deliveries.begin(now)
      return { done: begun, full: false, next }
    },
    async close() {
      stopListening()
      await deliveries.close()
    },
  }
}
