/**
 * Lets `most` pieces of work go on at a time, and as many as `waiting` wait for their turn, the first of them first. What
 * comes when the line is full is not done, and undefined is answered for it at once.
 */
export function takeTurns({ most, waiting }: { readonly most: number; readonly waiting: number }) {
  const line: (() => void)[] = []
  let under = 0
  return async <T>(work: () => Promise<T>): Promise<T | undefined> => {
    if (under >= most) {
      if (line.length >= waiting) return undefined
      // Whoever has finished hands its place over: nobody who comes meanwhile can take it.
      await new Promise<void>((resolve) => line.push(resolve))
    } else under++
    try {
      return await work()
    } finally {
      const next = line.shift()
      if (next === undefined) under--
      else next()
    }
  }
}
