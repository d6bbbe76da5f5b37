/** The part of a chunk that may be read: its first `length` bytes, in which `begun` packets begin. */
export type Stretch = { readonly length: number; readonly begun: number }

/**
 * Follows the bytes of one MQTT connection. Returns how much of a chunk may be read so that at most `most` packets
 * begin in it, and undefined once a packet announces more bytes than it may have. `limits` are the remaining lengths
 * [MQTT 3.1.1, 2.2.3] of the first packet and of later ones. The parser collects a whole packet of up to 256 MB before
 * it looks at it, even from unauthenticated clients, so the first may be far smaller. The rest of the chunk is passed
 * in again later.
 */
export function createPacketLimit(limits: { readonly first: number; readonly others: number }) {
  let limit = limits.first
  /** Bytes of the current packet that are still to come. */
  let remaining = 0
  let length = 0
  /** Bits of the length read so far; undefined before a packet's first byte. */
  let shift: number | undefined

  return (chunk: Uint8Array, most = Number.POSITIVE_INFINITY): Stretch | undefined => {
    let at = 0
    let begun = 0
    while (at < chunk.length) {
      if (remaining > 0) {
        const step = Math.min(remaining, chunk.length - at)
        remaining -= step
        at += step
        continue
      }
      if (shift === undefined) {
        if (begun >= most) break
        begun++
        at++
        shift = 0
        length = 0
        continue
      }
      const byte = chunk[at++] ?? 0
      length |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) {
        if (length > limit) return undefined
        limit = limits.others
        remaining = length
        shift = undefined
      } else if (shift > 21) return undefined
    }
    return { length: at, begun }
  }
}
