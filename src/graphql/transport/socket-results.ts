import type { WebSocket } from 'ws'
import { createSource, isSource, type Sink } from '../live/source.ts'
import type { PrintResult } from './print-result.ts'

/**
 * The texts of shared results, which are printed once. `last` is checked first, because all subscribers of a result ask
 * in turn.
 */
const printed = new WeakMap<object, string>()
let last: { readonly result: unknown; readonly text: string } = { result: undefined, text: '' }

function printOnce(result: unknown, print: PrintResult): string {
  if (last.result === result) return last.text
  const shared = Object(result)
  const text = printed.get(shared) ?? print(shared)
  printed.set(shared, text)
  last = { result, text }
  return text
}

/** Bytes that an idle connection accepts at once. */
const leavesAtOnce = 16 * 1024

/** The data is bytes, which ws passes on. It would measure and copy a string for each socket. */
const asText = { binary: false }

/** Sends the single result of a query or mutation. */
export function sendResult(
  result: object,
  { id, socket, print }: { readonly id: string; readonly socket: WebSocket; readonly print: PrintResult },
): AsyncIterableIterator<never> {
  let sent = false
  const once = createSource<object>(
    (sink) => {
      if (sent) sink.done()
      else {
        sent = true
        sink.next(result)
      }
    },
    () => {
      sent = true
    },
  )
  return sendResults(once, { id, socket, print, isWhole: true })
}

/**
 * Sends the results of a subscription, which are a `Source`, as protocol messages. At most two results wait to be sent,
 * so a slow client gets fewer results instead of a growing queue. The returned iterator has no values: it ends when the
 * results or the socket end, and ends the results when it is ended. (graphql-ws itself would print each result for each
 * subscriber and create a dozen promises on the way.)
 */
export function sendResults(
  results: object,
  {
    id,
    socket,
    print,
    isWhole = false,
  }: { readonly id: string; readonly socket: WebSocket; readonly print: PrintResult; readonly isWhole?: boolean },
): AsyncIterableIterator<never> {
  if (!isSource(results)) throw new Error('The results of a subscription must be a source.')
  const head = `{"id":${JSON.stringify(id)},"type":"next","payload":`
  const run = (done: () => void, fail: (error: unknown) => void): void => {
    const takeNext = (): void => results.take(sink)
    const onLeft = (error?: Error | null): void => {
      if (error) sink.fail(error)
      else takeNext()
    }
    const sink: Sink<unknown> = {
      next(result) {
        if (socket.readyState !== socket.OPEN) {
          void results.return()
          done()
          return
        }
        const data = Buffer.from(`${head}${printOnce(result, print)}}`)
        // If something already waits, the next result is taken when this one has been sent. Otherwise this one is
        // usually sent at once. A large answer ends only when it has been sent, because it holds its room until then.
        const mayWait = socket.bufferedAmount > 0 || (isWhole && data.length > leavesAtOnce)
        if (mayWait) socket.send(data, asText, onLeft)
        else {
          socket.send(data, asText)
          takeNext()
        }
      },
      done,
      fail(error) {
        void results.return()
        fail(error)
      },
    }
    takeNext()
  }
  const sending: AsyncIterableIterator<never> = {
    [Symbol.asyncIterator]: () => sending,
    next: () => new Promise((resolve, reject) => run(() => resolve({ done: true, value: undefined }), reject)),
    async return() {
      await results.return()
      return { done: true, value: undefined }
    },
  }
  return sending
}
