import type { ExecutionResult, GraphQLError } from 'graphql'
import { contextIn, type Subscribe } from '../live/shared-subscribe.ts'
import { createSource, isSource } from '../live/source.ts'
import { type PrintResult, printedBy } from './print-result.ts'

/**
 * Subscriptions as Yoga can carry them, over HTTP. What ends one before its end is told as its last result: there is
 * nothing else to tell it by, and Yoga would leave the connection open without another word. And one whose client has
 * gone before it began is ended here, because Yoga has forgotten it.
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
          ...sink,
          next: (result) => sink.next(printedBy(print, result)),
          fail: (error) => sink.next({ errors: [mask(error)] }),
        }),
      end,
    )
  }
}
