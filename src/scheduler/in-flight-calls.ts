import type { Clock } from '../clock.ts'
import type { Span } from '../tracing.ts'

/** A call of a job that this process sent and that has no outcome yet. */
export type CallUnderWay = {
  readonly requestId: string
  readonly jobId: string
  readonly deviceId: string
  readonly attempt: number
  readonly deadline: Date
  /** Where calls are traced. */
  readonly span?: Span | undefined
}

/**
 * The jobs' calls under way through this process, bounded so that they flood neither the devices nor the memory here.
 * It paces and saves look-ups, but it is not a record: what must not be forgotten is in the rows.
 */
export type InFlightCalls = {
  readonly size: number
  /** How many more calls fit. */
  readonly free: number
  add(call: CallUnderWay): void
  /** The devices that have not answered. */
  devices(): Iterable<string>
  /** The call under way to this device with a request id. */
  callOf(requestId: string, deviceId: string): CallUnderWay | undefined
  /** The span of a call under way, where calls are traced. */
  spanOf(requestId: string): Span | undefined
  /** The call has an outcome: there is room for another. Ends its span. */
  remove(requestId: string): void
  /** Up to `limit` calls whose deadline has passed, except those of jobs that are left for later. */
  expired(now: Date, limit: number, isLeft: (jobId: string) => boolean): CallUnderWay[]
  /** Waits until no call is under way any more, for at most `ms` and only until `hurry` aborts. */
  settled(clock: Clock, ms: number, hurry?: AbortSignal): Promise<void>
}

/**
 * `onRoom` is called when a quarter of a full window is free again: often enough to keep it busy, seldom enough to
 * batch.
 */
export function createInFlightCalls(capacity: number, onRoom: () => void, isTraced = false): InFlightCalls {
  const underWay = new Map<string, CallUnderWay>()
  const empty = new AbortController()
  let full = false
  let stopping = false
  return {
    get size() {
      return underWay.size
    },
    get free() {
      return Math.max(capacity - underWay.size, 0)
    },
    add(call) {
      underWay.set(call.requestId, call)
      if (underWay.size >= capacity) full = true
    },
    *devices() {
      for (const { deviceId } of underWay.values()) yield deviceId
    },
    callOf(requestId, deviceId) {
      const call = underWay.get(requestId)
      return call?.deviceId === deviceId ? call : undefined
    },
    spanOf: (requestId) => underWay.get(requestId)?.span,
    remove(requestId) {
      if (isTraced) underWay.get(requestId)?.span?.end()
      underWay.delete(requestId)
      if (stopping && underWay.size === 0) empty.abort()
      if (full && underWay.size <= capacity * 0.75) {
        full = false
        onRoom()
      }
    },
    expired(now, limit, isLeft) {
      const expired: CallUnderWay[] = []
      for (const call of underWay.values()) {
        if (call.deadline <= now && !isLeft(call.jobId) && expired.push(call) === limit) break
      }
      return expired
    },
    async settled(clock, ms, hurry) {
      stopping = true
      if (underWay.size === 0) return
      await clock.sleep(ms, hurry === undefined ? empty.signal : AbortSignal.any([empty.signal, hurry]))
    },
  }
}
