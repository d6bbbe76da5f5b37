/** A promise and the two ends of it, for an answer that comes by another way than the question went. */
export type Deferred<T> = {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: Error) => void
}

export const deferred = <T>(): Deferred<T> => {
  let ends: Omit<Deferred<T>, 'promise'> | undefined
  const promise = new Promise<T>((resolve, reject) => {
    ends = { resolve, reject }
  })
  // The executor has run by now; the compiler cannot know.
  if (ends === undefined) throw new Error('unreachable')
  return { promise, ...ends }
}
