import type { WebSocket } from 'ws'
import { createSource, isSource, type Sink } from '../live/source.ts'
import type { PrintResult } from './print-result.ts'

/** Results that subscribers share are printed once, too; those of the last result are asked for one after the other. */
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

/** Bytes that a connection takes at once on which nothing waits. */
const leavesAtOnce = 16 * 1024

/** Bytes, which ws passes on as they are; a text it would measure and copy for each socket. */
const asText = { binary: false }

/** Sends the one result of an operation that is no subscription. */
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
 * Sends the results of a subscription, which are a `Source`, as messages of the protocol. At most two of them wait to
 * leave, which is what makes a slow client get fewer of them instead of a growing queue. What it answers has no members:
 * it is over when the results or the socket are, and ends them when it is ended. (graphql-ws itself would print each
 * result for each subscriber, and make a dozen promises on the way.)
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
        // Something waits already: the next is asked for when this has left. Else it leaves at once, as a rule. The end of
        // a large answer is that it has left: it holds its room as long.
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
