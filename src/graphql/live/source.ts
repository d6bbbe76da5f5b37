/** Gets one value, or hears that there is none: exactly one call for each `take`. */
export type Sink<Value> = {
  next(value: Value): void
  done(): void
  fail(error: unknown): void
}

/**
 * Hands out values one at a time, each when it is asked for. An async iterator, and the same without its promises: with a
 * thousand subscribers to an event those are most of the work. Take the next only when the one before has come.
 */
export type Source<Value> = AsyncIterableIterator<Value> & {
  take(sink: Sink<Value>): void
  return(): Promise<IteratorResult<Value>>
}

/** Makes a source of how to take from it and how to end it. */
export function createSource<Value>(take: (sink: Sink<Value>) => void, end: () => void): Source<Value> {
  const source: Source<Value> = {
    [Symbol.asyncIterator]: () => source,
    take,
    next: () =>
      new Promise((resolve, reject) => {
        take({
          next: (value) => resolve({ done: false, value }),
          done: () => resolve({ done: true, value: undefined }),
          fail: reject,
        })
      }),
    async return() {
      end()
      return { done: true, value: undefined }
    },
  }
  return source
}

/** Whether it is one, for what has been through other hands. */
export const isSource = (value: object): value is Source<unknown> => 'take' in value
