import type { ExecutionResult, GraphQLError } from 'graphql'
import { smallAnswerBytes } from '../../limits/answer-budget.ts'
import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { createSource, isSource } from '../live/source.ts'
import { type PrintResult, printedBy } from './print-result.ts'

const nothing = (): void => {}

/**
 * Adapts subscriptions to Yoga, over HTTP. An error that ends a subscription early is sent as its last result: the
 * stream has no other way to report it, and Yoga would leave the connection open. A subscription whose client has
 * disconnected before it began is ended here, because Yoga no longer knows it.
 */
export function overHttp(
  subscribe: Subscribe,
  { mask, print }: { readonly mask: (error: unknown) => GraphQLError; readonly print: PrintResult },
): Subscribe {
  return async (args) => {
    const results = await subscribe(args)
    if (!isSource(results)) return results
    const { deps, caller, signal, whenTaken } = contextIn(args)
    /** Returns the room of the events before. */
    let release = nothing
    const printHeld: PrintResult = (result) => {
      const text = print(result)
      if (text.length <= smallAnswerBytes) return text
      const before = release
      const hold = deps.answerRoom.hold(caller, Buffer.byteLength(text))
      release = () => {
        before()
        hold.release()
      }
      return text
    }
    const releaseAll = (): void => {
      if (release === nothing) return
      const all = release
      release = nothing
      if (whenTaken === undefined) all()
      // The next event is asked for before the last one is written.
      else void deps.clock.giveWay().then(() => whenTaken(all))
    }
    const end = (): void => {
      releaseAll()
      void results.return()
    }
    if (signal.aborted) end()
    return createSource<ExecutionResult>((sink) => {
      releaseAll()
      results.take({
        done: () => sink.done(),
        next: (result) => sink.next(printedBy(printHeld, result)),
        fail: (error) => sink.next({ errors: [mask(error)] }),
      })
    }, end)
  }
}
