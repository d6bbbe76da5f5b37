import type { Clock, Turns } from '../clock.ts'
import { LimitExceededError } from '../errors.ts'
import type { AnswerHold, PassedHold } from './answer-budget.ts'
import { createAnswerPace } from './answer-pace.ts'
import type { Limits } from './limits.ts'
import type { LongTurns } from './long-turns.ts'

/**
 * The memory for answers in progress, and their pace (`answer-pace.ts`). A client that reads slowly, or also selects
 * something slow, holds its share longer. Large answers of all protocols enter here, before their data is read.
 */
export type AnswerRoom = {
  /**
   * Waits for room for `bytes`. Answers enter in the order of their requests, but no answer waits for the share of
   * another caller. LimitExceededError when the wait is too long, when too many answers of the caller wait, and when
   * the signal aborts.
   */
  enter(caller: string, bytes: number, signal: AbortSignal): Promise<PassedHold>
  /**
   * The same for an event of a subscription, which waits until the signal aborts: an error would leave a gap. A client
   * has few subscriptions, so few of its events wait.
   */
  enterPatiently(caller: string, bytes: number, signal: AbortSignal): Promise<PassedHold>
  /** Counts bytes that are in memory already, without waiting. Answers that enter later wait for them. */
  hold(caller: string, bytes: number): AnswerHold
  /** Gives way in long work for an answer of the caller. */
  turnsOf(caller: string): Turns
  /** The caller with the most room left, by whom a read for all of them is counted. */
  roomiest(callers: Iterable<string>): string
  /** Number of answers that wait for room. */
  waiting(): number
}

/** The number of callers that can use their whole share at the same time. */
const callers = 4
/** Milliseconds. */
const longestWait = 10_000
/** Waiting answers of one caller. */
const mostWaiting = 1_000

type Waiting = { readonly caller: string; readonly bytes: number; begin(): void }

export function createAnswerRoom({
  clock,
  limits,
  longTurns,
}: {
  readonly clock: Clock
  readonly limits: Limits
  readonly longTurns: Pick<LongTurns, 'isAlone'>
}): AnswerRoom {
  const { answersBytes } = limits
  const pace = createAnswerPace(clock, limits, longTurns)
  const taken = new Map<string, number>()
  let total = 0
  const queue = new Set<Waiting>()
  const waitingOf = new Map<string, number>()
  const count = (counts: Map<string, number>, caller: string, change: number): void => {
    const left = (counts.get(caller) ?? 0) + change
    if (left > 0) counts.set(caller, left)
    else counts.delete(caller)
  }
  /** One answer always fits, even if the room is smaller. */
  const fits = (before: number, bytes: number, most: number): boolean => before === 0 || before + bytes <= most
  const isFull = (bytes: number): boolean => !fits(total, bytes, callers * answersBytes)
  const mayEnter = ({ caller, bytes }: Pick<Waiting, 'caller' | 'bytes'>): boolean =>
    !isFull(bytes) && fits(taken.get(caller) ?? 0, bytes, answersBytes)

  const change = (caller: string, bytes: number): void => {
    total += bytes
    count(taken, caller, bytes)
  }
  const leave = (one: Waiting): void => {
    if (queue.delete(one)) count(waitingOf, one.caller, -1)
  }
  const admitNext = (): void => {
    const behind = new Set<string>()
    for (const one of queue) {
      // Most waiting answers are of one caller.
      if (isFull(one.bytes) || behind.size === waitingOf.size) return
      if (behind.has(one.caller) || !mayEnter(one)) behind.add(one.caller)
      else {
        leave(one)
        one.begin()
      }
    }
  }
  const hold = (caller: string, bytes: number): AnswerHold => {
    let held = bytes
    change(caller, bytes)
    const keep = (left: number): void => {
      if (left >= held) return
      change(caller, left - held)
      held = left
      admitNext()
    }
    return { keep, release: () => keep(0) }
  }
  /** An answer that leaves without having been passed is counted as what it held. */
  const holdPassed = (caller: string, bytes: number, signal: AbortSignal): PassedHold => {
    let begun = clock.elapsed()
    const { keep, release } = hold(caller, bytes)
    let unpassed = bytes
    return {
      pass(size) {
        unpassed = 0
        const rest = pace.pass(caller, size, begun, signal)
        // Of an export, more may follow.
        begun = clock.elapsed()
        return rest
      },
      keep(left) {
        unpassed = Math.min(unpassed, left)
        keep(left)
      },
      release() {
        if (unpassed > 0) pace.countUnpassed(caller, unpassed, begun)
        unpassed = 0
        release()
      },
    }
  }
  const refusal = (): LimitExceededError =>
    new LimitExceededError('The answers in progress hold too many bytes. Read them, or request less data at a time.', 1)

  const canEnter = (caller: string, bytes: number): boolean => queue.size === 0 && mayEnter({ caller, bytes })
  /** `whenGivenUp` calls its argument when the wait is over. */
  const wait = (
    { caller, bytes, signal }: { readonly caller: string; readonly bytes: number; readonly signal: AbortSignal },
    whenGivenUp: (giveUp: () => void) => void,
  ): Promise<PassedHold> =>
    new Promise((resolve, reject) => {
      const one: Waiting = { caller, bytes, begin: () => resolve(holdPassed(caller, bytes, signal)) }
      queue.add(one)
      count(waitingOf, caller, 1)
      admitNext()
      whenGivenUp(() => {
        leave(one)
        reject(refusal())
      })
    })

  return {
    waiting: () => queue.size,
    async enter(caller, bytes, signal) {
      const rest = pace.begin(caller, signal)
      if (rest !== undefined) await rest
      if (signal.aborted) throw refusal()
      if (canEnter(caller, bytes)) return holdPassed(caller, bytes, signal)
      if ((waitingOf.get(caller) ?? 0) >= mostWaiting) throw refusal()
      const over = new AbortController()
      try {
        return await wait({ caller, bytes, signal }, (giveUp) => {
          void clock.sleep(longestWait, AbortSignal.any([over.signal, signal])).then(giveUp)
        })
      } finally {
        over.abort()
      }
    },
    async enterPatiently(caller, bytes, signal) {
      const rest = pace.begin(caller, signal)
      if (rest !== undefined) await rest
      if (signal.aborted) throw refusal()
      if (canEnter(caller, bytes)) return holdPassed(caller, bytes, signal)
      let stop = (): void => {}
      try {
        return await wait({ caller, bytes, signal }, (giveUp) => {
          stop = giveUp
          signal.addEventListener('abort', giveUp, { once: true })
        })
      } finally {
        signal.removeEventListener('abort', stop)
      }
    },
    hold,
    turnsOf: pace.turnsOf,
    roomiest(callers) {
      let best = ''
      let least = Number.POSITIVE_INFINITY
      for (const caller of callers) {
        const bytes = taken.get(caller) ?? 0
        if (bytes < least) {
          best = caller
          least = bytes
        }
      }
      return best
    },
  }
}
