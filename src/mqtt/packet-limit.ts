/**
 * Watches the bytes of one MQTT connection go by and answers false once a packet announces itself as longer than it may
 * be; `limits` are the remaining lengths [MQTT 3.1.1, 2.2.3] of the first packet and of those after it. The parser gathers a whole packet before
 * it looks at it, of up to 256 MB, also from those who have not said who they are: so the first may be far smaller.
 */
export function createPacketLimit(limits: { readonly first: number; readonly others: number }) {
  let limit = limits.first
  /** Bytes of the present packet that are still to come. */
  let remaining = 0
  let length = 0
  /** Bits of the length read so far; undefined before a packet's first byte. */
  let shift: number | undefined

  return (chunk: Uint8Array): boolean => {
    let at = 0
    while (at < chunk.length) {
      if (remaining > 0) {
        const step = Math.min(remaining, chunk.length - at)
        remaining -= step
        at += step
        continue
      }
      const byte = chunk[at++] ?? 0
      if (shift === undefined) {
        shift = 0
        length = 0
        continue
      }
      length |= (byte & 0x7f) << shift
      shift += 7
      if (byte < 0x80) {
        if (length > limit) return false
        limit = limits.others
        remaining = length
        shift = undefined
      } else if (shift > 21) return false
    }
    return true
  }
}
