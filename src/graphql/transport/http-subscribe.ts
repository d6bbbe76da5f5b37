import type { ExecutionResult, GraphQLError } from 'graphql'
import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { createSource, isSource } from '../live/source.ts'
import { type PrintResult, printedBy } from './print-result.ts'

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
    const end = (): void => void results.return()
    if (contextIn(args).signal.aborted) end()
    return createSource<ExecutionResult>(
      (sink) =>
        results.take({
          done: () => sink.done(),
          next: (result) => sink.next(printedBy(print, result)),
          fail: (error) => sink.next({ errors: [mask(error)] }),
        }),
      end,
    )
  }
}
