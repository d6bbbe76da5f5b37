/** Work that is asked for often and done seldom. */
export type Throttled = {
  /** Asks for it: it is done soon, or when the pace allows it again. Asked for while it is done, it is done once more. */
  wake(): void
  /** Does no more of what was asked for. It can be asked for again. */
  stop(): void
}

/** Milliseconds until the first: what asks for it comes by the dozen. */
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
