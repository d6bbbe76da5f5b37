/** Work that is requested often and done rarely. */
export type Throttled = {
  /** Requests it: it runs soon, or when the pace allows. Requested while it runs, it runs once more. */
  wake(): void
  /** Drops what was requested. It can be requested again. */
  stop(): void
}

/** Milliseconds until the first run: requests come in bursts. */
const patience = 100

/** Does `work` at most once every `pace` milliseconds, and never twice at the same time. */
export function throttle(work: () => Promise<void>, pace: number): Throttled {
  let timer: ReturnType<typeof setTimeout> | undefined
  let isBusy = false
  let isWanted = false
  let last = Number.NEGATIVE_INFINITY
  const wake = (): void => {
    isWanted = true
    if (isBusy) return
    timer ??= setTimeout(() => void run(), Math.max(patience, last + pace - performance.now()))
  }
  const run = async (): Promise<void> => {
    timer = undefined
    isBusy = true
    isWanted = false
    last = performance.now()
    await work()
    isBusy = false
    if (isWanted) wake()
  }
  return {
    wake,
    stop() {
      isWanted = false
      clearTimeout(timer)
      timer = undefined
    },
  }
}
