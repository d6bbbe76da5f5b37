import type { Clock } from '../clock.ts'
import { LimitExceededError } from '../errors.ts'
import { takeTurns } from '../fair-queue.ts'
import { createHeavyWork } from '../throttle/heavy-work.ts'
import type { Limits } from './limits.ts'

/**
 * The long turns of the event loop that are taken for clients. Nobody else is served during a turn, so each caller has
 * a small share of the time for them while there are other callers.
 */
export type LongTurns = {
  /** A request of the caller has arrived. While only one caller sends requests, its work does not wait. */
  arrived(caller: string): void
  /**
   * Does work that may take milliseconds before it gives way, when it is the caller's turn: one such work in a turn of
   * the event loop, and callers alternate. `bytes` of a request that the work is the first to look at count, too: they
   * were read, and their memory is collected later. Undefined when the signal aborts before. LimitExceededError when too
   * many such works of the caller wait.
   */
  take<T>(caller: string, work: () => T | Promise<T>, signal?: AbortSignal, bytes?: number): Promise<T | undefined>
  /** Does work at once that may take milliseconds. Later work of the caller waits the longer for its turn. */
  count<T>(caller: string, work: () => T): T
  /** Whether no other caller has sent a request in the last two seconds. */
  isAlone(caller: string | null, now: number): boolean
  /** Number of works that wait for their turns. */
  waiting(): number
}

/** Bytes from which on a request may take a long turn: nearly all requests of persons and programs are smaller. */
export const longRequestBytes = 4 * 1024

/** Milliseconds from which on a turn counts. Shorter ones delay nobody noticeably, unless there are many of them. */
const longFrom = 1
/** What shorter turns of a caller may take together before they count, too, as a multiple of the limit. */
const shortShare = 5
/** Bytes of a request that count as a millisecond, if its turn is not longer. */
const bytesPerMs = 64 * 1024
/** Milliseconds in which unused budget is kept: with the default of the limit, half a second of work. */
const memory = 100_000
/** The longest time between two long turns of a caller, in milliseconds. Clients give up after 10 seconds or more. */
const longestRest = 5_000
/** Milliseconds without a request of others after which a caller counts as the only one. */
const aloneAfter = 2_000
/** Waiting works of one caller. */
const mostWaiting = 1_000

export function createLongTurns(
  clock: Pick<Clock, 'elapsed' | 'sleep' | 'giveWay'>,
  { longTurns }: Pick<Limits, 'longTurns'>,
): LongTurns {
  const turns = createHeavyWork({ fromMs: 0, msPerSecond: longTurns, memory, longestRest })
  const shortTurns = createHeavyWork({ fromMs: 0, msPerSecond: shortShare * longTurns, longestRest: 1_000 })
  /** The last request, and the last one of any other caller before it. */
  let last = { caller: '', time: Number.NEGATIVE_INFINITY }
  let lastOfOthers = Number.NEGATIVE_INFINITY
  const isAlone = (caller: string | null, now: number): boolean =>
    (caller === last.caller ? lastOfOthers : last.time) <= now - aloneAfter

  const counted = <T>(work: () => T, add: (ms: number, now: number) => void): T => {
    const begun = clock.elapsed()
    try {
      return work()
    } finally {
      const now = clock.elapsed()
      add(now - begun, now)
    }
  }
  const addLong = (caller: string, ms: number, now: number): void => {
    if (ms >= longFrom) turns.count(caller, ms, now)
  }
  const addAny = (caller: string, ms: number, now: number): void => {
    if (ms < longFrom) {
      shortTurns.count(caller, ms, now)
      if (shortTurns.restOf(caller, now) === 0) return
    }
    turns.count(caller, ms, now)
  }
  const takeTurn = takeTurns(
    { most: 1, each: 1, waiting: mostWaiting },
    {
      clock,
      heavy: {
        // A turn ends later than its work, and is counted by the work.
        count() {},
        isBusy: turns.isBusy,
        restOf: (caller, now) => (isAlone(caller, now) ? 0 : turns.restOf(caller, now)),
      },
    },
  )
  return {
    arrived(caller) {
      if (caller !== last.caller) lastOfOthers = last.time
      last = { caller, time: clock.elapsed() }
    },
    isAlone,
    count: (caller, work) => counted(work, (ms, now) => addLong(caller, ms, now)),
    waiting: takeTurn.waiting,
    take: (caller, work, signal, bytes = 0) =>
      new Promise((resolve, reject) => {
        // The turn lasts until the event loop has gone on; what began in it is not waited for.
        const turn = async (): Promise<true> => {
          try {
            resolve(counted(work, (ms, now) => addAny(caller, Math.max(ms, bytes / bytesPerMs), now)))
          } catch (error) {
            reject(error)
          }
          await clock.giveWay()
          return true
        }
        void takeTurn(caller, turn, signal).then((done) => {
          if (done) return
          if (signal?.aborted) resolve(undefined)
          else reject(new LimitExceededError('Too many of your large requests wait. Send fewer of them at a time.', 1))
        })
      }),
  }
}
