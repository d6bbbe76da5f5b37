import type { ExecutionResult, GraphQLError } from 'graphql'

/** Prints the result of an operation. Never throws. */
export type PrintResult = (result: unknown) => string

/** The result as Yoga prints it by `print`. */
export const printedBy = <Result extends ExecutionResult>(print: PrintResult, result: Result) => ({
  ...result,
  stringify: print,
})

/**
 * How every result leaves, over HTTP and WebSocket. What cannot be printed becomes an error in its place, which `mask`
 * logs: an event may end nothing but itself.
 */
export function createPrintResult(mask: (error: unknown) => GraphQLError): PrintResult {
  return (result) => {
    try {
      return JSON.stringify(result)
    } catch (error) {
      const failed: ExecutionResult = { errors: [mask(error)] }
      return JSON.stringify(failed)
    }
  }
}
