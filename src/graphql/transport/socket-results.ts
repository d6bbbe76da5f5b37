import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import { smallAnswerBytes } from '../../limits/answer-budget.ts'
import { createSource, isSource, type Sink } from '../live/source.ts'
import { headOf, payloadOf, type Wire, writeMessage } from './next-message.ts'
import type { PrintResult } from './print-result.ts'

/**
 * The payloads of shared results, which are printed once. `last` is checked first, because all subscribers of a result
 * ask in turn.
 */
const printed = new WeakMap<object, Buffer>()
let last: { readonly result: unknown; readonly payload: Buffer } = { result: undefined, payload: Buffer.alloc(0) }

function printOnce(result: unknown, print: PrintResult): Buffer {
  if (last.result === result) return last.payload
  const shared = Object(result)
  const payload = printed.get(shared) ?? payloadOf(print(shared))
  printed.set(shared, payload)
  last = { result, payload }
  return payload
}

/** Where and how the results of one operation are sent. */
type Sending = {
  readonly id: string
  readonly socket: WebSocket
  /** The connection below the socket. */
  readonly connection: Duplex
  readonly print: PrintResult
  /** Counts a payload that subscriptions send, until the returned function is called. */
  readonly hold: (payload: Buffer) => () => void
}

/** Sends the single result of a query or mutation. */
export function sendResult(result: object, sending: Sending): AsyncIterableIterator<never> {
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
  return sendResults(once, { ...sending, isWhole: true })
}

/**
 * Sends the results of a subscription, which are a `Source`, as protocol messages. At most two results wait to be sent,
 * so a slow client gets fewer results instead of a growing queue. The returned iterator has no values: it ends when the
 * results or the socket end, and ends the results when it is ended. (graphql-ws itself would print each result for each
 * subscriber and create a dozen promises on the way.)
 */
export function sendResults(
  results: object,
  { id, socket, connection, print, hold, isWhole = false }: Sending & { readonly isWhole?: boolean },
): AsyncIterableIterator<never> {
  if (!isSource(results)) throw new Error('The results of a subscription must be a source.')
  const wire: Wire = { socket, connection, head: headOf(id) }
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
        const payload = printOnce(result, print)
        // If something already waits, the next result is taken when this one has been sent. Otherwise this one is
        // usually sent at once. A large answer ends only when it has been sent, because it holds its room until then.
        const isLarge = payload.length > smallAnswerBytes
        const mayWait = socket.bufferedAmount > 0 || (isWhole && isLarge)
        const release = isLarge && !isWhole ? hold(payload) : undefined
        if (mayWait) {
          writeMessage(wire, payload, (error) => {
            release?.()
            onLeft(error)
          })
        } else {
          writeMessage(wire, payload, release)
          takeNext()
        }
      },
      done,
      fail(error) {
        void results.return()
        fail(error)
      },
      shortcut: { wire, messageOf: (result) => printOnce(result, print) },
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
