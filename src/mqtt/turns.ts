/**
 * Lets at most `limit` pieces of work run at once; the others wait in the order they came. When a whole fleet connects
 * or asks for its twins at the same time, the scheduler must still find a database connection.
 */
export function createTurns(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  const waiting: (() => void)[] = []
  let running = 0
  return async (work) => {
    // Whoever is done hands its place on, so that nobody who comes later can slip in between.
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
