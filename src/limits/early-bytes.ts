import type { Duplex } from 'node:stream'

/**
 * Counts the bytes that a client sends on a connection before it is admitted, as they arrive: the protocol on the
 * connection sees a message only when it is complete, and stores its parts until then. `head` came with the upgrade.
 * `over` is called with every piece beyond `most` bytes, until the returned function is called.
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
