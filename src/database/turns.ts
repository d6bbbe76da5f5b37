/**
 * How much work may run at a time in total (`most`) and per caller (`each`), and how much of one caller may wait
 * (`waiting`).
 */
export type Turns = { readonly most: number; readonly each: number; readonly waiting: number }

/** The running and waiting work of one caller. */
type Line = { under: number; readonly waiting: Set<() => void> }

/**
 * Lets `most` pieces of work run at a time, and at most `each` of one caller. The caller with the least running work
 * comes next, so that a caller with many requests comes after those with few. Returns undefined at once for work that
 * exceeds a caller's queue, and for waiting work whose `signal` aborts.
 */
export function takeTurns({ most, each, waiting }: Turns) {
  const lines = new Map<string, Line>()
  let under = 0

  const next = (): void => {
    let first: [string, Line] | undefined
    if (under < most) {
      for (const entry of lines) {
        const line = entry[1]
        if (line.waiting.size > 0 && line.under < each && line.under < (first?.[1].under ?? each)) first = entry
      }
    }
    if (first === undefined) return
    const [caller, line] = first
    // Among callers with the same amount of running work, the one that had a turn last comes last.
    lines.delete(caller)
    lines.set(caller, line)
    const [begin] = line.waiting
    if (begin === undefined) return
    line.waiting.delete(begin)
    line.under++
    under++
    begin()
    next()
  }

  return <T>(caller: string, work: () => Promise<T>, signal?: AbortSignal): Promise<T | undefined> => {
    const line = lines.get(caller) ?? { under: 0, waiting: new Set() }
    if (signal?.aborted || line.waiting.size >= waiting) return Promise.resolve(undefined)
    lines.set(caller, line)
    const leave = (): void => {
      if (line.under === 0 && line.waiting.size === 0) lines.delete(caller)
    }
    const run = async (): Promise<T> => {
      try {
        return await work()
      } finally {
        line.under--
        under--
        leave()
        next()
      }
    }
    return new Promise((resolve) => {
      const begin = (): void => {
        signal?.removeEventListener('abort', give)
        resolve(run())
      }
      const give = (): void => {
        line.waiting.delete(begin)
        leave()
        resolve(undefined)
      }
      line.waiting.add(begin)
      signal?.addEventListener('abort', give, { once: true })
      next()
    })
  }
}
