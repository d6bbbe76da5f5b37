/** Maximum number of concurrent reads and executions for one connection. */
const mostUnderWay = 4

/**
 * The outlet of one connection, which all its results pass. A read or an execution enters before it begins, and leaves
 * when its result is on its way. While too many bytes wait to be sent, nothing enters, and what is not read takes no
 * memory.
 */
export type Outlet = {
  /** Whether a caller could enter now without waiting. */
  hasRoom(): boolean
  /**
   * Enters if there is room. Otherwise returns false and calls `start` when it has entered. Each that entered must
   * leave.
   */
  enter(start: () => void): boolean
  leave(): void
  /** Stops waiting. */
  withdraw(start: () => void): void
}

/** The outlet for its owner, which reports what the outlet cannot see. */
export type OutletOwner = Outlet & {
  /** Waiting bytes have been sent. */
  relieve(): void
}

/** `waiting` returns the number of bytes that wait to be sent. At `maxBytes` or more, nothing enters. */
export function createOutlet(waiting: () => number, maxBytes: number): OutletOwner {
  const queue = new Set<() => void>()
  let underWay = 0
  const isFree = (): boolean => underWay < mostUnderWay && waiting() < maxBytes
  const relieve = (): void => {
    for (const start of queue) {
      if (!isFree()) return
      queue.delete(start)
      underWay++
      start()
    }
  }
  return {
    hasRoom: () => queue.size === 0 && isFree(),
    enter(start) {
      if (queue.size === 0 && isFree()) {
        underWay++
        return true
      }
      queue.add(start)
      return false
    },
    leave() {
      underWay--
      relieve()
    },
    withdraw: (start) => queue.delete(start),
    relieve,
  }
}

/** Resolves to true when it has entered, or to false when `signal` aborts before. */
export function entered(outlet: Outlet, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const start = (): void => {
      signal.removeEventListener('abort', giveUp)
      resolve(true)
    }
    const giveUp = (): void => {
      outlet.withdraw(start)
      resolve(false)
    }
    if (signal.aborted) resolve(false)
    else if (outlet.enter(start)) resolve(true)
    else signal.addEventListener('abort', giveUp, { once: true })
  })
}
