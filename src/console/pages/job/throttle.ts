/** Work that is requested often and runs at a limited rate. */
export type Throttled = {
  /** Requests the work. It runs soon, or when the pace allows. If it is running already, it runs once more. */
  wake(): void
  /** Cancels a request. The work can be requested again. */
  stop(): void
}

/** Milliseconds until the first run, because requests come in bursts. */
const patience = 100

/** Runs `work` at most once per `pace` milliseconds, and never twice at the same time. */
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
