import type { Clock } from '../clock.ts'

/** The handshakes that wait for their clients. */
export type Handshakes = {
  /** Counts a handshake of this network until the returned function is called. `cut` ends its connection. */
  begin(network: string, cut: () => void): () => void
}

/**
 * Milliseconds for which a handshake may wait for its client while its network has too many of them. A whole fleet that
 * connects from one network at once has more for a moment, but each of its devices proceeds.
 */
export const handshakePatience = 2_000

/**
 * A network may have `most` handshakes that wait for their clients. Above that, the oldest that have waited for the
 * patience are cut, so that new ones take place as before. `onCut` is called for each.
 */
export function createHandshakes(
  clock: Clock,
  { most, onCut }: { readonly most: number; readonly onCut: (network: string) => void },
): Handshakes {
  /** The handshakes of each network, the oldest first. */
  const waiting = new Map<string, Set<() => void>>()
  const relieved = new Set<Set<() => void>>()
  const relieve = async (network: string, handshakes: Set<() => void>): Promise<void> => {
    relieved.add(handshakes)
    while (handshakes.size > most) {
      const seen = [...handshakes]
      await clock.sleep(handshakePatience)
      for (const cut of seen) {
        if (handshakes.size <= most) break
        if (!handshakes.delete(cut)) continue
        onCut(network)
        cut()
      }
    }
    relieved.delete(handshakes)
  }
  return {
    begin(network, cut) {
      const handshakes = waiting.get(network) ?? new Set()
      waiting.set(network, handshakes)
      // The same function may cut several.
      const handshake = (): void => cut()
      handshakes.add(handshake)
      if (handshakes.size > most && !relieved.has(handshakes)) void relieve(network, handshakes)
      return () => {
        handshakes.delete(handshake)
        if (handshakes.size === 0 && waiting.get(network) === handshakes) waiting.delete(network)
      }
    },
  }
}
