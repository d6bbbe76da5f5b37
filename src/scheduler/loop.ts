import { type BackOff, backOff } from '../back-off.ts'
import type { Deps } from '../deps.ts'
import type { Work } from '../events/topics.ts'

/**
 * The result of a turn for its loop: `full` when there is more to do at once, `next` when the step must run at a
 * certain time.
 */
export type Turn = { readonly done: number; readonly full: boolean; readonly next?: Date | undefined }

/** A step of the scheduler. A turn processes one batch, and bases every decision about time on `now`. */
export type Step = {
  readonly name: string
  /** Milliseconds between turns when nothing wakes it, in case an event was lost. */
  readonly every: number
  /** Turns at a time. Default: one. */
  readonly atOnce?: number
  readonly wokenBy: readonly Work[]
  run(now: Date): Promise<Turn>
}

/** The earlier of two times for the next turn. */
export const earlier = (one: Date | undefined, other: Date | undefined): Date | undefined =>
  one === undefined || (other !== undefined && other < one) ? other : one

const pauses: BackOff = { first: 200, longest: 10_000 }

/** The turn of an instance whose clock is wrong: whatever it did now might be too early or too late. */
const noTurn: Turn = { done: 0, full: false }

type LoopDeps = Pick<Deps, 'clock' | 'events' | 'lease' | 'log' | 'metrics'>

/**
 * Repeats a step until the signal aborts: at once while it is full, otherwise after its interval, at its `next` time,
 * or when work of its kind is announced. After an error it backs off, with jitter, and continues: the rows are
 * unchanged.
 */
export async function loop(step: Step, deps: LoopDeps, signal: AbortSignal): Promise<void> {
  deps.metrics?.count('twincast_step_failures_total', { step: step.name }, 0)
  const latest = { turn: deps.clock.elapsed() }
  await Promise.all(Array.from({ length: step.atOnce ?? 1 }, () => takeTurns(step, deps, signal, latest)))
}

/** One of the loops of a step. `latest` is when the last turn of any of them began: one poll per interval is enough. */
async function takeTurns(step: Step, deps: LoopDeps, signal: AbortSignal, latest: { turn: number }): Promise<void> {
  let sleep = new AbortController()
  let woken = false
  const wake = (): void => {
    woken = true
    sleep.abort()
  }
  const stopListening = step.wokenBy.map((kind) => deps.events.listen('work', kind)(wake))
  signal.addEventListener('abort', wake, { once: true })

  let failures = 0
  while (!signal.aborted) {
    woken = false
    let pause = step.every
    let isPoll = true
    latest.turn = deps.clock.elapsed()
    try {
      const now = deps.clock.now()
      const turn = deps.lease.isClockRight() ? await step.run(now) : noTurn
      failures = 0
      if (turn.done > 0) deps.log.debug({ step: step.name, done: turn.done }, 'step')
      if (turn.full) continue
      if (turn.next !== undefined) {
        const untilNext = Math.max(turn.next.getTime() - deps.clock.now().getTime(), 1)
        isPoll = untilNext > pause
        pause = Math.min(pause, untilNext)
      }
    } catch (error) {
      pause = backOff(pauses, failures++)
      isPoll = false
      deps.metrics?.count('twincast_step_failures_total', { step: step.name })
      deps.log.error({ err: error, step: step.name, retryInMs: Math.round(pause) }, 'step failed')
      woken = signal.aborted // work announced from now on needs another turn
    }
    while (!woken && pause > 0) {
      sleep = new AbortController()
      await deps.clock.sleep(pause, sleep.signal)
      pause = isPoll ? latest.turn + step.every - deps.clock.elapsed() : 0
    }
  }
  for (const stop of stopListening) stop()
}
