import type { ExecutionResult, GraphQLError } from 'graphql'
import { jsonPieces } from '../../json/json-text.ts'
import { limitExceeded } from '../limits.ts'

/** Prints the result of an operation. Never throws. */
export type PrintResult = (result: unknown) => string

/** The result as Yoga prints it by `print`. */
export const printedBy = <Result extends ExecutionResult>(print: PrintResult, result: Result) => ({
  ...result,
  stringify: print,
})

const sizeOf = (pieces: readonly string[]): number => pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)

/** How many bytes a result will have; none for one that cannot be printed, which becomes an error. */
export function bytesOf(result: unknown): number {
  try {
    return sizeOf(jsonPieces(result))
  } catch {
    return 0
  }
}

/**
 * How every result leaves, over HTTP and WebSocket. What cannot be printed becomes an error in its place, which `mask`
 * logs: an event may end nothing but itself. So does what has more than `maxBytes`, which is known before its pieces are
 * put together.
 */
export function createPrintResult(mask: (error: unknown) => GraphQLError, maxBytes: number): PrintResult {
  return (result) => {
    try {
      const pieces = jsonPieces(result)
      const bytes = sizeOf(pieces)
      if (bytes <= maxBytes) return pieces.join('')
      throw limitExceeded('answerBytes', maxBytes, bytes, 'Ask for fewer rows a page, or for fewer fields.')
    } catch (error) {
      const failed: ExecutionResult = { errors: [mask(error)] }
      return JSON.stringify(failed)
    }
  }
}
