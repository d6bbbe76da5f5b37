import type { Deps } from '../deps.ts'
import type { DeviceJobKey, Marks } from '../job/store/facts.ts'
import { createWaitingCalls, type FoundCall, type TakenCall, type WaitingCalls } from './waiting-calls.ts'

/**
 * Device jobs that were found and not called yet, of jobs with limits of their own. Whether there is room is decided where
 * the calls are marked, under the lock on the job's row. What is held back there waits here: until the time that the rate says,
 * or until a call of the job ends, through whichever instance; with a budget, until a call of the group ends.
 */
export type LimitedQueues = {
  /** What is found of this job waits here from now on. What was found before is forgotten: it is looked for again. */
  open(jobId: string, limits: QueueLimits): void
  /** The job has ended, waits for nothing, or has no limits any more. */
  close(jobId: string): void
  has(jobId: string): boolean
  /** How many calls of the job could be taken. */
  readyOf(jobId: string): number
  isEmpty(jobId: string): boolean
  add(calls: readonly FoundCall[]): void
  /** Up to so many, of jobs that are not held back, in turn. Those that `reaches` denies are dropped: they are found again. */
  take(most: number, reaches: (deviceId: string) => boolean): LimitedCall[]
  /** Puts these back to the front. */
  putBack(calls: readonly LimitedCall[]): void
  /** Takes the result of a batch. Calls that were neither marked nor held back are not found again. */
  answer(calls: readonly LimitedCall[], marks: Marks): void
  /** Whether there are any that are not held back. */
  isOpen(): boolean
  /** When the first of the jobs must be tried again. */
  next(): Date | undefined
  stop(): void
}

export type QueueLimits = {
  /** For how many devices there may be room at once; with a ramp at first, and when its rate has risen. */
  readonly first: number
  readonly most: number
  /** Whether time makes room: the job has a rate. */
  readonly isRated: boolean
  /** Whether the end of a call makes room: the job has a maximum of calls in progress, or a ramp. */
  readonly isBounded: boolean
  /** Calls in progress at a time in a group; null without a budget. */
  readonly budget: number | null
  /** Within this many milliseconds a call ends. */
  readonly timeoutMs: number
}

/** What was taken. `queue` is where it goes back to, unless that was replaced. */
export type LimitedCall = TakenCall & { readonly queue: Queue }

type Queue = {
  readonly limits: QueueLimits
  readonly waiting: WaitingCalls
  /** How many are taken at once. It doubles as long as there is room for all of them: the rows know what a ramp has reached. */
  size: number
  heldUntil: number
  stop: () => void
  /** When to ask for all groups that are full, in case an event was lost. */
  lookAgain: number
}

/** Milliseconds after which a job is tried again whose calls should have ended, in case an event was lost. */
const longestHold = 5_000

const nothing = (): void => {}

export function createLimitedQueues({ clock, events }: Pick<Deps, 'clock' | 'events'>): LimitedQueues {
  const queues = new Map<string, Queue>()

  const release = (queue: Queue): void => {
    queue.heldUntil = 0
    queue.stop()
    queue.stop = nothing
  }

  /** `waitMs` is the first time at which a rate leaves room, that of this job or of another one in the batch. */
  const hold = (jobId: string, queue: Queue, waitMs: number | null): void => {
    release(queue)
    const { isRated, isBounded } = queue.limits
    const isTimed = isRated && waitMs !== null
    const longest = isBounded ? longestHold : Number.POSITIVE_INFINITY
    queue.heldUntil = clock.elapsed() + (isTimed ? Math.min(waitMs, longest) : longestHold)
    if (isTimed && !isBounded) return
    queue.stop = events.listen(
      'job',
      jobId,
    )(() => {
      release(queue)
      events.publish('work', 'deviceJobs', {})
    })
  }

  const close = (jobId: string): void => {
    queues.get(jobId)?.stop()
    queues.delete(jobId)
  }

  const isOpen = ({ waiting, heldUntil }: Queue): boolean => waiting.ready() > 0 && heldUntil <= clock.elapsed()

  /** A full group is asked for again when its calls must have ended, so that a lost event costs that wait only. */
  const freeOverdue = (queue: Queue): void => {
    if (queue.lookAgain > clock.elapsed()) return
    queue.lookAgain = clock.elapsed() + queue.limits.timeoutMs + longestHold
    if (queue.limits.budget !== null) queue.waiting.free()
  }

  /** When there may be something to take; undefined when nothing waits. */
  const dueOf = ({ waiting, heldUntil, lookAgain }: Queue): number | undefined => {
    if (waiting.ready() > 0) return heldUntil
    return waiting.isAnyFull() ? Math.max(heldUntil, lookAgain) : undefined
  }

  const stopListening = [
    events.listen('budgetGroups')(({ groups }) => {
      const freed = groups.map((text) => {
        const slash = text.indexOf('/')
        return queues.get(text.slice(0, slash))?.waiting.free(text.slice(slash + 1))
      })
      if (freed.includes(true)) events.publish('work', 'deviceJobs', {})
    }),
    events.listen('missed')(() => {
      for (const { waiting } of queues.values()) waiting.free()
      events.publish('work', 'deviceJobs', {})
    }),
  ]

  /** Those of the calls that the queue still waits for. */
  const current = (calls: readonly LimitedCall[]): readonly LimitedCall[] =>
    calls.filter(({ jobId, queue }) => queues.get(jobId) === queue)

  return {
    open(jobId, limits) {
      close(jobId)
      queues.set(jobId, {
        limits,
        waiting: createWaitingCalls(limits.budget ?? Number.POSITIVE_INFINITY),
        size: limits.first,
        heldUntil: 0,
        stop: nothing,
        lookAgain: clock.elapsed() + limits.timeoutMs + longestHold,
      })
    },
    close,
    has: (jobId) => queues.has(jobId),
    readyOf: (jobId) => queues.get(jobId)?.waiting.ready() ?? 0,
    isEmpty: (jobId) => queues.get(jobId)?.waiting.isEmpty() ?? true,
    add(calls) {
      for (const call of calls) queues.get(call.jobId)?.waiting.add(call)
    },
    take(most, reaches) {
      const taken: LimitedCall[] = []
      for (const [jobId, queue] of [...queues]) {
        freeOverdue(queue)
        if (!isOpen(queue) || taken.length >= most) continue
        release(queue)
        const calls = queue.waiting.take(Math.min(queue.size, most - taken.length), reaches)
        for (const call of calls) taken.push({ ...call, queue })
        // To the end: the others have their turn first.
        queues.delete(jobId)
        queues.set(jobId, queue)
      }
      return taken
    },
    putBack(calls) {
      for (const call of [...current(calls)].reverse()) call.queue.waiting.putBack(call)
    },
    answer(calls, { marked, held, full, waitMs }) {
      const [isMarked, isHeld, isFull] = [setOf(marked), setOf(held), setOf(full)]
      const mine = [...current(calls)].reverse()
      for (const call of mine.filter((call) => isFull.has(printKey(call)))) call.queue.waiting.refused(call)
      for (const call of mine) {
        const key = printKey(call)
        // A device that was found twice was marked once.
        if (isMarked.delete(key)) call.queue.waiting.marked(call)
        else if (isHeld.has(key)) call.queue.waiting.putBack(call)
        else if (!isFull.has(key)) call.queue.waiting.drop(call)
      }
      const heldJobs = new Set(held.map((key) => key.jobId))
      for (const queue of new Set(mine.filter(({ jobId }) => !heldJobs.has(jobId)).map((call) => call.queue))) {
        queue.size = Math.min(2 * queue.size, queue.limits.most)
      }
      for (const jobId of heldJobs) {
        const queue = queues.get(jobId)
        if (queue !== undefined) hold(jobId, queue, waitMs)
      }
    },
    isOpen: () => [...queues.values()].some(isOpen),
    next() {
      const dues = [...queues.values()].flatMap((queue) => dueOf(queue) ?? [])
      if (dues.length === 0) return undefined
      return new Date(clock.now().getTime() + Math.max(Math.min(...dues) - clock.elapsed(), 0))
    },
    stop() {
      for (const stop of stopListening) stop()
      for (const jobId of [...queues.keys()]) close(jobId)
    },
  }
}

const printKey = ({ jobId, deviceId }: DeviceJobKey): string => `${jobId}\n${deviceId}`

const setOf = (keys: readonly DeviceJobKey[]): Set<string> => new Set(keys.map(printKey))
