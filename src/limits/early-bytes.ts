import type { Duplex } from 'node:stream'

/**
 * Counts what a client sends on a connection before it is let in, as it comes: what speaks on the connection sees a
 * message only when it is whole, and holds what there is of it until then. `head` came with the upgrade. `over` is called
 * with every piece beyond `most` bytes, until the function that this answers is called.
 */
export function countEarlyBytes(
  connection: Duplex,
  { head, most, over }: { readonly head: Buffer; readonly most: number; readonly over: () => void },
): () => void {
  let bytes = head.length
  const count = (piece: Buffer): void => {
    bytes += piece.length
    if (bytes > most) over()
  }
  connection.on('data', count)
  return () => void connection.off('data', count)
}
