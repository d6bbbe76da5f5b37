import type { Clock } from '../../clock.ts'
import { jobEventInterval } from '../../events/events.ts'

/** How often states may be sent to subscribers that only need the newest one. */
export type DeliveryPace = {
  /** Counts milliseconds in which states were sent. */
  count(ms: number): void
  /** Milliseconds from one state of an object to its next one. 0: there is no need to wait. */
  pause(): number
}

/** While other work takes more than this part of the time, sending states takes at most that part. */
const busyFrom = 1 / 2
const mostSending = 1 / 20
/** The longest pause in milliseconds: two states per second are enough to follow progress. */
const longest = 500
/** Milliseconds after which the pause is computed again. */
const window = 500
/** Milliseconds after which what was measured is old: nothing was sent for a while. */
const old = 1_000

/**
 * A pause between the states of a job, as long as the event loop has much other work and sending takes a large part of its time.
 * Then a thousand subscribers would delay the very calls that they watch. Nothing is lost, because a later state replaces an
 * earlier one, and the last state is always sent. On a hub that has the time, all subscribers get each state.
 */
export function createDeliveryPace(clock: Pick<Clock, 'elapsed' | 'worked'>): DeliveryPace {
  let pause = 0
  let sending = 0
  let begin = { time: clock.elapsed(), worked: clock.worked() }
  const compute = (): void => {
    const end = { time: clock.elapsed(), worked: clock.worked() }
    const ms = end.time - begin.time
    if (ms < window) return
    const isBusy = ms <= old && end.worked - begin.worked - sending > ms * busyFrom
    // With a pause twice as long, sending takes half of the time.
    const needed = (Math.max(pause, jobEventInterval) * sending) / (ms * mostSending)
    pause = isBusy && needed > jobEventInterval ? Math.min(needed, longest) : 0
    sending = 0
    begin = end
  }
  return {
    count(ms) {
      sending += ms
    },
    pause() {
      compute()
      return pause
    },
  }
}

const paces = new WeakMap<object, DeliveryPace>()

/** The pace of all subscriptions of the process, which has one event loop and one clock. */
export function deliveryPaceOf(clock: Clock): DeliveryPace {
  const pace = paces.get(clock) ?? createDeliveryPace(clock)
  paces.set(clock, pace)
  return pace
}
