/** The part of a chunk that may be read: its first `length` bytes, in which `begun` packets begin. */
export type Stretch = { readonly length: number; readonly begun: number }

/**
 * Watches the bytes of one MQTT connection go by. Answers how far a chunk may be read so that not more than `most` packets
 * begin in it, and undefined once a packet announces itself as longer than it may be; `limits` are the remaining lengths
 * [MQTT 3.1.1, 2.2.3] of the first packet and of those after it. The parser gathers a whole packet before it looks at it,
 * of up to 256 MB, also from those who have not said who they are: so the first may be far smaller. What is not read now
 * is given again later.
 */
export function createPacketLimit(limits: { readonly first: number; readonly others: number }) {
  let limit = limits.first
  /** Bytes of the present packet that are still to come. */
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
