/**
 * Lets at most `limit` pieces of work run at once; the others wait in order of arrival. When a whole fleet connects or
 * reads its twins at the same time, the scheduler must still find a database connection.
 */
export function createTurns(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    // Finished work passes its place on, so that no later work can slip in between.
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    else running++
    try {
      return await work()
    } finally {
      const next = waiting.shift()
      if (next === undefined) running--
      else next()
    }
  }
}
