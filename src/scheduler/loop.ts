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
  readonly wokenBy: readonly Work[]
  run(now: Date): Promise<Turn>
}

const pauses: BackOff = { first: 200, longest: 10_000 }

/** The turn of an instance whose clock is wrong: whatever it did now might be too early or too late. */
const noTurn: Turn = { done: 0, full: false }

/**
 * Repeats a step until the signal aborts: at once while it is full, otherwise after its interval, at its `next` time,
 * or when work of its kind is announced. After an error it backs off, with jitter, and continues: the rows are
 * unchanged.
 */
export async function loop(
  step: Step,
  deps: Pick<Deps, 'clock' | 'events' | 'lease' | 'log' | 'metrics'>,
  signal: AbortSignal,
): Promise<void> {
  let sleep = new AbortController()
  let woken = false
  const wake = (): void => {
    woken = true
    sleep.abort()
  }
  const stopListening = step.wokenBy.map((kind) => deps.events.listen('work', kind)(wake))
  signal.addEventListener('abort', wake, { once: true })

  deps.metrics?.count('twincast_step_failures_total', { step: step.name }, 0)
  let failures = 0
  while (!signal.aborted) {
    woken = false
    let pause = step.every
    try {
      const now = deps.clock.now()
      const turn = deps.lease.isClockRight() ? await step.run(now) : noTurn
      failures = 0
      if (turn.done > 0) deps.log.debug({ step: step.name, done: turn.done }, 'step')
      if (turn.full) continue
      if (turn.next !== undefined)
        pause = Math.min(pause, Math.max(turn.next.getTime() - deps.clock.now().getTime(), 1))
    } catch (error) {
      pause = backOff(pauses, failures++)
      deps.metrics?.count('twincast_step_failures_total', { step: step.name })
      deps.log.error({ err: error, step: step.name, retryInMs: Math.round(pause) }, 'step failed')
      woken = false // work announced from now on needs another turn
    }
    if (woken) continue
    sleep = new AbortController()
    await deps.clock.sleep(pause, sleep.signal)
  }
  for (const stop of stopListening) stop()
}
