import type { ExecutionResult, GraphQLError } from 'graphql'
import { type AnswerHold, smallAnswerBytes } from '../../limits/answer-budget.ts'
import { eventIdOf } from '../live/event-id.ts'
import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { createSource, isSource } from '../live/source.ts'
import { type PrintResult, printedBy } from './print-result.ts'

/**
 * Adapts subscriptions to Yoga, over HTTP. An error that ends a subscription early is sent as its last result: the
 * stream has no other way to report it, and Yoga would leave the connection open. A subscription whose client has
 * disconnected before it began is ended here, because Yoga no longer knows it. Yoga writes events without an id, so the
 * id is a line after their data.
 */
export function overHttp(
  subscribe: Subscribe,
  { mask, print }: { readonly mask: (error: unknown) => GraphQLError; readonly print: PrintResult },
): Subscribe {
  return async (args) => {
    const results = await subscribe(args)
    if (!isSource(results)) return results
    const { deps, caller, signal, whenTaken } = contextIn(args)
    /** The room of large events that the connection has not taken yet. */
    let unsent: AnswerHold[] = []
    const printHeld: PrintResult = (result) => {
      const text = print(result)
      if (text.length > smallAnswerBytes) unsent.push(deps.answerRoom.hold(caller, Buffer.byteLength(text)))
      return text
    }
    const releaseWhenTaken = (): void => {
      if (unsent.length === 0) return
      const holds = unsent
      unsent = []
      const release = (): void => {
        for (const hold of holds) hold.release()
      }
      if (whenTaken === undefined) release()
      // The next event is asked for before the last one is written.
      else void deps.clock.giveWay().then(() => whenTaken(release))
    }
    const end = (): void => {
      releaseWhenTaken()
      void results.return()
    }
    if (signal.aborted) end()
    return createSource<ExecutionResult>((sink) => {
      releaseWhenTaken()
      results.take({
        done: () => sink.done(),
        next(result) {
          const id = eventIdOf(result)
          const printWithId: PrintResult = (value) => `${printHeld(value)}\nid: ${id}`
          sink.next(printedBy(id === undefined ? printHeld : printWithId, result))
        },
        fail: (error) => sink.next({ errors: [mask(error)] }),
      })
    }, end)
  }
}
