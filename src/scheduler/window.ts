import type { Clock } from '../clock.ts'

/**
 * The calls of jobs under way through this process, by request id: at most `size`, so that neither the devices nor the
 * memory here are flooded. It is a pace, not a record: what must not be forgotten stands in the rows.
 */
export type Window = {
  readonly free: number
  add(requestId: string, jobId: string, deviceId: string, deadline: Date): void
  /** The job of a call under way to this device. */
  jobOf(requestId: string, deviceId: string): string | undefined
  /** The call has an outcome: there is room for another. */
  remove(requestId: string): void
  /** Gives up the calls whose deadline has passed. */
  expire(now: Date): void
  /** Waits until no call is under way any more, at most `ms`. */
  settled(clock: Clock, ms: number): Promise<void>
}

/** `onRoom` hears when a quarter of a full window is free again: often enough to keep it busy, seldom enough to batch. */
export function createWindow(size: number, onRoom: () => void): Window {
  const underWay = new Map<string, { jobId: string; deviceId: string; deadline: Date }>()
  let full = false
  const empty = new AbortController()
  let stopping = false
  const freed = (): void => {
    if (stopping && underWay.size === 0) empty.abort()
    if (full && underWay.size <= size * 0.75) {
      full = false
      onRoom()
    }
  }
  return {
    get free() {
      return Math.max(size - underWay.size, 0)
    },
    add(requestId, jobId, deviceId, deadline) {
      underWay.set(requestId, { jobId, deviceId, deadline })
      if (underWay.size >= size) full = true
    },
    jobOf(requestId, deviceId) {
      const call = underWay.get(requestId)
      return call?.deviceId === deviceId ? call.jobId : undefined
    },
    remove(requestId) {
      underWay.delete(requestId)
      freed()
    },
    expire(now) {
      for (const [requestId, { deadline }] of underWay) if (deadline <= now) underWay.delete(requestId)
      freed()
    },
    async settled(clock, ms) {
      stopping = true
      freed()
      await clock.sleep(ms, empty.signal)
    },
  }
}
