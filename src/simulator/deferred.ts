/** A promise with its resolve and reject functions, for an answer that arrives by another path than the request. */
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
  // The executor has run by now, but the compiler does not know that.
  if (ends === undefined) throw new Error('unreachable')
  return { promise, ...ends }
}
