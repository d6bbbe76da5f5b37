import type { ExecutionResult, GraphQLError } from 'graphql'
import { type JsonPiece, jsonPieces } from '../../json/json-text.ts'
import { answerTooLong } from '../limits.ts'

/** Prints the result of an operation. Never throws. */
export type PrintResult = (result: unknown) => string

/** The result in a form that Yoga prints by `print`. */
export const printedBy = <Result extends ExecutionResult>(print: PrintResult, result: Result) => ({
  ...result,
  stringify: print,
})

const sizeOf = (pieces: readonly JsonPiece[]): number =>
  pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)

/** The bytes of a printed result, or 0 for one that cannot be printed, which becomes an error. */
export function bytesOf(result: unknown): number {
  try {
    return sizeOf(jsonPieces(result))
  } catch {
    return 0
  }
}

/** Prints the result of an operation in pieces, of which long documents are one each. Never throws. */
export type PrintPieces = (result: unknown) => readonly JsonPiece[]

/**
 * Prints every result, over HTTP and WebSocket. A result that cannot be printed is replaced by an error, which `mask`
 * logs, so that one event cannot end a subscription. The same applies to a result of more than `maxBytes`, which is
 * measured before its pieces are joined.
 */
export function createPrintPieces(mask: (error: unknown) => GraphQLError, maxBytes: number): PrintPieces {
  return (result) => {
    try {
      const pieces = jsonPieces(result)
      const bytes = sizeOf(pieces)
      if (bytes <= maxBytes) return pieces
      throw answerTooLong(maxBytes, bytes)
    } catch (error) {
      const failed: ExecutionResult = { errors: [mask(error)] }
      return [JSON.stringify(failed)]
    }
  }
}

/** The same in one piece. */
export const inOnePiece =
  (print: PrintPieces): PrintResult =>
  (result) =>
    print(result).join('')
