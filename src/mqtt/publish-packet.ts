/**
 * A PUBLISH packet at QoS 0 [MQTT 3.1.1, 3.3] in one piece. A general encoder gives the socket five pieces, which costs
 * a fifth of a whole method call. The topic may have up to 65,535 bytes, the packet up to 256 MB.
 */
export function encodePublish(topic: string, payload: string): Uint8Array {
  const topicLength = Buffer.byteLength(topic)
  const remaining = 2 + topicLength + Buffer.byteLength(payload)
  const bytes = Buffer.allocUnsafe(1 + lengthBytes(remaining) + remaining)
  bytes[0] = 0x30
  let at = 1
  let rest = remaining
  while (rest > 0x7f) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>= 7
  }
  bytes[at++] = rest
  at = bytes.writeUInt16BE(topicLength, at)
  at += bytes.write(topic, at)
  bytes.write(payload, at)
  return bytes
}

/** Seven bits of the length per byte [MQTT 3.1.1, 2.2.3]. */
const lengthBytes = (length: number): number => (length < 2 ** 7 ? 1 : length < 2 ** 14 ? 2 : length < 2 ** 21 ? 3 : 4)
