import type { ServerResponse } from 'node:http'
import type { Turns } from './clock.ts'
import type { JsonPiece } from './json/json-text.ts'

/** Bytes that are encoded or written in one turn of the event loop: less than a millisecond. */
const turnBytes = 256 * 1024

/**
 * The bytes of a text in pieces. A long text takes several turns: a response of megabytes would delay all other
 * requests, once while it is encoded and again while it is written.
 */
export async function bytesInTurns(turns: Turns, pieces: readonly JsonPiece[]): Promise<Buffer> {
  const [only] = pieces
  if (pieces.length === 1 && typeof only === 'object') return only
  const length = pieces.length === 1 ? 0 : pieces.reduce((sum, piece) => sum + Buffer.byteLength(piece), 0)
  if (length <= turnBytes) return Buffer.from(pieces.join(''))
  // A buffer of its own: it is passed on without its pool.
  const bytes = Buffer.allocUnsafeSlow(length)
  let at = 0
  let turnEnd = turnBytes
  for (const piece of pieces) {
    at += typeof piece === 'string' ? bytes.write(piece, at) : piece.copy(bytes, at)
    if (at < turnEnd) continue
    turnEnd = at + turnBytes
    await turns.giveWay()
  }
  return bytes
}

/** Ends a response with this body, whose length is in its head. A long one is written in several turns. */
export async function endInTurns(
  turns: Turns,
  response: Pick<ServerResponse, 'write' | 'end' | 'destroyed'>,
  body: Buffer,
): Promise<void> {
  let at = 0
  while (body.length - at > turnBytes && !response.destroyed) {
    response.write(body.subarray(at, at + turnBytes))
    at += turnBytes
    await turns.giveWay()
  }
  response.end(body.subarray(at))
}
