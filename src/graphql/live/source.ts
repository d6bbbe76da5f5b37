import type { Wire } from '../transport/next-message.ts'

/** Receives one value, the end or an error: exactly one call for each `take`. */
export type Sink<Value> = {
  next(value: Value): void
  done(): void
  fail(error: unknown): void
  /** The same in all sinks of a source. */
  readonly shortcut?: Shortcut<Value> | undefined
}

/** How values reach a waiting taker without `next`, any number of them; see `broadcast.ts`. */
export type Shortcut<Value> = {
  readonly wire: Wire
  /** The payload of the value's message, which all takers of the value share. May throw. */
  messageOf(value: Value): Buffer | Promise<Buffer>
}

/**
 * Provides values one at a time, each on request. It is an async iterator, and also works without promises: with a
 * thousand subscribers to an event, the promises are most of the work. Take the next value only after the previous one
 * has arrived.
 */
export type Source<Value> = AsyncIterableIterator<Value> & {
  take(sink: Sink<Value>): void
  return(): Promise<IteratorResult<Value>>
}

/** A class, because its methods are not objects of each of the thousands of sources. */
class GivenSource<Value> implements Source<Value> {
  readonly take: (sink: Sink<Value>) => void
  readonly #end: () => void

  constructor(take: (sink: Sink<Value>) => void, end: () => void) {
    this.take = take
    this.#end = end
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<Value>> {
    return new Promise((resolve, reject) => {
      this.take({
        next: (value) => resolve({ done: false, value }),
        done: () => resolve({ done: true, value: undefined }),
        fail: reject,
      })
    })
  }

  async return(): Promise<IteratorResult<Value>> {
    this.#end()
    return { done: true, value: undefined }
  }
}

/** Creates a source from a function that takes a value and a function that ends it. */
export const createSource = <Value>(take: (sink: Sink<Value>) => void, end: () => void): Source<Value> =>
  new GivenSource(take, end)

/** Whether a value is a source, after it has passed through other libraries. */
export const isSource = (value: object): value is Source<unknown> => 'take' in value
