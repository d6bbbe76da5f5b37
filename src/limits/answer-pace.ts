import type { Clock, Turns } from '../clock.ts'
import { createHeavyWork } from '../throttle/heavy-work.ts'
import type { Limits } from './limits.ts'
import type { LongTurns } from './long-turns.ts'

/**
 * The pace of large answers. Megabytes take many turns of the event loop. Each of them is short, but what others ask for
 * needs several turns, too, and each of those waits for one of them. So while others send requests, a caller with many
 * large answers gets fewer turns for them and fewer answers.
 */
export type AnswerPace = {
  /** Gives way in long work for an answer of the caller. */
  turnsOf(caller: string): Turns
  /**
   * Counts an answer whose data was asked for at the time `begun`. The wait until the caller may have it; undefined when there
   * is nothing to wait for.
   */
  pass(caller: string, bytes: number, begun: number, signal: AbortSignal): Promise<void> | undefined
  /** Counts an answer that was not passed. The next one of the caller is not begun before this one is paid for. */
  countUnpassed(caller: string, bytes: number, begun: number): void
  /** The wait until the caller may begin an answer; undefined when there is nothing to wait for. */
  begin(caller: string, signal: AbortSignal): Promise<void> | undefined
}

/** Bytes from which on an answer is large: smaller ones take few turns, and neither wait nor count. */
export const largeAnswerBytes = 256 * 1024

/** Unused budget that is kept, in bytes. It comes back at a tenth of the rate. */
const atOnceBytes = 32 * 1024 * 1024
/** Milliseconds between two turns for one caller. */
const gap = 10
/** The longest wait for an answer, in milliseconds. Clients give up after 10 seconds or more. */
const longestRest = 5_000

export function createAnswerPace(
  clock: Pick<Clock, 'elapsed' | 'sleep' | 'giveWay'>,
  { largeAnswers }: Pick<Limits, 'largeAnswers'>,
  { isAlone }: Pick<LongTurns, 'isAlone'>,
): AnswerPace {
  // Bytes take the place of milliseconds of work.
  const rate = { fromMs: 0, msPerSecond: largeAnswers, memory: 0, longestRest }
  const passed = createHeavyWork(rate)
  const unpassed = createHeavyWork(rate)
  const slowRate = largeAnswers / 10
  const memory = (atOnceBytes * 1_000) / slowRate
  const atOnce = createHeavyWork({ fromMs: 0, msPerSecond: slowRate, memory, longestRest })
  const turns = createHeavyWork({ fromMs: 0, msPerSecond: 1_000, memory: 0, longestRest })
  const isPaced = (caller: string, now: number): boolean => atOnce.restOf(caller, now) > 0 && !isAlone(caller, now)
  /** What a caller gets while it is alone is not counted: it would wait for it as soon as somebody else comes. */
  const isCounted = (caller: string, bytes: number, now: number): boolean =>
    bytes >= largeAnswerBytes && !isAlone(caller, now)
  const wait = (ms: number, signal: AbortSignal): Promise<void> | undefined =>
    ms > 0 ? clock.sleep(ms, signal) : undefined

  return {
    turnsOf: (caller) => ({
      giveWay() {
        const now = clock.elapsed()
        if (!isPaced(caller, now)) return clock.giveWay()
        turns.count(caller, gap, now)
        return clock.sleep(turns.restOf(caller, now))
      },
    }),
    pass(caller, bytes, begun, signal) {
      const now = clock.elapsed()
      if (!isCounted(caller, bytes, now)) return undefined
      const isFree = !isPaced(caller, now)
      atOnce.count(caller, bytes, now)
      passed.count(caller, bytes, begun)
      return isFree ? undefined : wait(passed.restOf(caller, now), signal)
    },
    countUnpassed(caller, bytes, begun) {
      const now = clock.elapsed()
      if (!isCounted(caller, bytes, now)) return
      atOnce.count(caller, bytes, now)
      unpassed.count(caller, bytes, begun)
    },
    begin(caller, signal) {
      const now = clock.elapsed()
      return isPaced(caller, now) ? wait(unpassed.restOf(caller, now), signal) : undefined
    },
  }
}
