import type { Clock } from '../clock.ts'
import type { DeviceJobKey, LaterCall } from '../job/store/facts.ts'

/**
 * Calls to devices of this instance whose next attempt has to wait. The rows say so; here is only when to look for them again.
 * Whether the wait is over is decided where they are marked, by the clock of the database.
 */
export type LaterCalls = {
  add(calls: readonly LaterCall[]): void
  /** Those whose wait should be over. They are forgotten. */
  due(): DeviceJobKey[]
  /** When the first wait should be over; undefined without any. */
  next(): Date | undefined
}

/** Calls are kept by the time at which they are due, in milliseconds: rounded up to this, or to the other for a long wait. */
const precision = { short: 50, long: 1_000 }
const longWait = 10_000

export function createLaterCalls(clock: Pick<Clock, 'now' | 'elapsed'>): LaterCalls {
  const byTime = new Map<number, Map<string, DeviceJobKey>>()
  const known = new Set<string>()
  let soonest = Number.POSITIVE_INFINITY
  return {
    add(calls) {
      const now = clock.elapsed()
      for (const { jobId, deviceId, waitMs } of calls) {
        // A job id contains no line break.
        const name = `${jobId}\n${deviceId}`
        // It is not due before what is known.
        if (known.has(name)) continue
        known.add(name)
        const step = waitMs > longWait ? precision.long : precision.short
        const time = waitMs <= 0 ? now : Math.ceil((now + waitMs) / step) * step
        const group = byTime.get(time)
        if (group === undefined) byTime.set(time, new Map([[name, { jobId, deviceId }]]))
        else group.set(name, { jobId, deviceId })
        soonest = Math.min(soonest, time)
      }
    },
    due() {
      const now = clock.elapsed()
      if (now < soonest) return []
      const due: DeviceJobKey[] = []
      soonest = Number.POSITIVE_INFINITY
      for (const [time, group] of byTime) {
        if (time > now) {
          soonest = Math.min(soonest, time)
          continue
        }
        byTime.delete(time)
        for (const [name, call] of group) {
          known.delete(name)
          due.push(call)
        }
      }
      return due
    },
    next: () =>
      soonest === Number.POSITIVE_INFINITY
        ? undefined
        : new Date(clock.now().getTime() + Math.max(soonest - clock.elapsed(), 0)),
  }
}
