import type { Deps } from '../deps.ts'
import type { DeviceJobKey } from '../job/store/facts.ts'

/**
 * Device jobs that were found and not called yet, of jobs with limits of their own. Whether there is room is decided where
 * the calls are marked, under the lock on the job's row. What is held back there waits here: until the time that the rate says,
 * or until a call of the job ends, through whichever instance.
 */
export type LimitedQueues = {
  sizeOf(jobId: string): number
  add(keys: readonly DeviceJobKey[]): void
  /** Up to so many of each job that is not held back. */
  take(mostOf: (jobId: string) => number): DeviceJobKey[]
  /** Puts these back to the front, and holds their jobs back. `waitMs`: null for until a call of the job ends. */
  hold(keys: readonly DeviceJobKey[], waitMs: number | null): void
  /** Forgets what was found of the job: it is looked for again. */
  reset(jobId: string): void
  /** Whether there are any that are not held back. */
  isOpen(): boolean
  /** When the first of the jobs must be tried again. */
  next(): Date | undefined
  close(): void
}

type Queue = { readonly keys: DeviceJobKey[]; heldUntil: number; stop: () => void }

/** Milliseconds after which a job is tried again whose calls should have ended, in case an event was lost. */
const longestHold = 5_000

const nothing = (): void => {}

export function createLimitedQueues({ clock, events }: Pick<Deps, 'clock' | 'events'>): LimitedQueues {
  const queues = new Map<string, Queue>()

  const queueOf = (jobId: string): Queue => {
    const known = queues.get(jobId)
    if (known !== undefined) return known
    const queue = { keys: [], heldUntil: 0, stop: nothing }
    queues.set(jobId, queue)
    return queue
  }

  const release = (queue: Queue): void => {
    queue.heldUntil = 0
    queue.stop()
    queue.stop = nothing
  }

  const reset = (jobId: string): void => {
    queues.get(jobId)?.stop()
    queues.delete(jobId)
  }

  const isOpen = ({ keys, heldUntil }: Queue): boolean => keys.length > 0 && heldUntil <= clock.elapsed()

  return {
    sizeOf: (jobId) => queues.get(jobId)?.keys.length ?? 0,
    add(keys) {
      for (const key of keys) queueOf(key.jobId).keys.push(key)
    },
    take(mostOf) {
      const taken: DeviceJobKey[] = []
      for (const [jobId, queue] of queues) {
        if (!isOpen(queue)) continue
        release(queue)
        taken.push(...queue.keys.splice(0, mostOf(jobId)))
      }
      return taken
    },
    hold(keys, waitMs) {
      for (const jobId of new Set(keys.map((key) => key.jobId))) {
        const queue = queueOf(jobId)
        queue.keys.unshift(...keys.filter((key) => key.jobId === jobId))
        release(queue)
        queue.heldUntil = clock.elapsed() + (waitMs ?? longestHold)
        if (waitMs !== null) continue
        queue.stop = events.listen(
          'job',
          jobId,
        )(() => {
          release(queue)
          events.publish('work', 'deviceJobs', {})
        })
      }
    },
    reset,
    isOpen: () => [...queues.values()].some(isOpen),
    next() {
      const waits = [...queues.values()].filter(({ keys }) => keys.length > 0).map(({ heldUntil }) => heldUntil)
      if (waits.length === 0) return undefined
      return new Date(clock.now().getTime() + Math.max(Math.min(...waits) - clock.elapsed(), 0))
    },
    close() {
      for (const jobId of [...queues.keys()]) reset(jobId)
    },
  }
}
