import type { Deps } from '../deps.ts'
import { queueExceeded } from '../job/store/webhook-outbox.ts'
import type { Step } from './loop.ts'

/** Milliseconds between two looks at the failures of running jobs. */
const lookInterval = 1_000

/**
 * More failures than the threshold of a webhook → an event in the outbox. It sleeps unless a job runs and there is such
 * a webhook.
 */
export function findExceededThresholds(deps: Pick<Deps, 'db' | 'events'>): Step {
  return {
    name: 'find-exceeded-thresholds',
    every: 60 * 60 * 1000,
    wokenBy: ['started', 'webhooks'],
    async run(now) {
      const { queued, isAnyLeft } = await deps.db.autocommit((tx) => queueExceeded(tx, now))
      if (queued > 0) deps.events.publish('work', 'deliveries', {})
      return { done: queued, full: false, next: isAnyLeft ? new Date(now.getTime() + lookInterval) : undefined }
    },
  }
}
