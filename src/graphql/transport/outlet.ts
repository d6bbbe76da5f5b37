/** Reads and executions for one connection that may be under way at once. */
const mostUnderWay = 4

/**
 * Where all that one connection is told leaves. Who reads or executes something for it enters before, and leaves when it
 * is on its way: while too much waits to leave nobody enters, and what nobody has read takes no room.
 */
export type Outlet = {
  /** Whether one who enters now need not wait. */
  hasRoom(): boolean
  /** Whether there is room; if not, `start` is called when there is. Each that entered must leave. */
  enter(start: () => void): boolean
  leave(): void
  /** Waits no longer. */
  withdraw(start: () => void): void
}

/** Who ends an outlet, and tells it what it cannot see. */
export type OutletOwner = Outlet & {
  /** Something has left that waited. */
  relieve(): void
}

/** `waiting` answers how many bytes wait to leave; while they are `maxBytes` or more nobody enters. */
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

/** Resolves when it has entered, or, without, when `signal` aborts; answers whether it has. */
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
