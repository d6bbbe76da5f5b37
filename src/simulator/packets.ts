/**
 * The few MQTT 3.1.1 packets that a simulated device writes and reads. Hand-written: a fleet shares a machine with the
 * hub it measures, and a general codec costs as much as everything else a device does.
 */

/** The fields of a device's CONNECT. `keepAliveSeconds` 0 turns keep-alive off [MQTT-3.1.2-24]. */
export type ConnectFields = {
  readonly clientId: string
  readonly userName: string
  readonly password: string
  readonly keepAliveSeconds: number
  readonly cleanSession: boolean
}

/** Handles received packets. The payload is valid only during the call. */
export type PacketHandler = {
  connack(sessionPresent: boolean, returnCode: number): void
  /** One granted QoS per filter, 0x80 for a refused one. */
  suback(returnCodes: readonly number[]): void
  publish(topic: string, payload: Buffer): void
  pingresp(): void
}

/** The hub sent something that is not MQTT 3.1.1, or that must not be sent to a device that subscribes at QoS 0. */
export class MalformedPacketError extends Error {
  override readonly name = 'MalformedPacketError'
}

export const pingRequestPacket: Buffer = Buffer.of(0xc0, 0)
export const disconnectPacket: Buffer = Buffer.of(0xe0, 0)

/** CONNECT with user name and password and without a will. */
export const connectPacket = (fields: ConnectFields): Buffer => {
  const flags = 0xc0 | (fields.cleanSession ? 0x02 : 0)
  const { keepAliveSeconds: seconds } = fields
  return packet(
    0x10,
    Buffer.concat([
      text('MQTT'),
      Buffer.of(4, flags, seconds >> 8, seconds & 0xff),
      text(fields.clientId),
      text(fields.userName),
      text(fields.password),
    ]),
  )
}

/** SUBSCRIBE to all `filters` at QoS 0. */
export const subscribePacket = (packetId: number, filters: readonly string[]): Buffer =>
  packet(
    0x82,
    Buffer.concat([
      Buffer.of(packetId >> 8, packetId & 0xff),
      ...filters.flatMap((filter) => [text(filter), Buffer.of(0)]),
    ]),
  )

/** PUBLISH at QoS 0. */
export const publishPacket = (topic: string, payload: Buffer): Buffer => {
  const topicLength = Buffer.byteLength(topic)
  const remaining = 2 + topicLength + payload.length
  const bytes = Buffer.allocUnsafe(1 + lengthBytes(remaining) + remaining)
  bytes[0] = 0x30
  let at = writeLength(bytes, remaining)
  bytes[at++] = topicLength >> 8
  bytes[at++] = topicLength & 0xff
  at += bytes.write(topic, at)
  bytes.set(payload, at)
  return bytes
}

/**
 * Passes every whole packet in `bytes[0..end)` to `handler` and returns how many bytes they took; the rest is the
 * beginning of an incomplete packet.
 */
export const readPackets = (bytes: Buffer, end: number, handler: PacketHandler): number => {
  let start = 0
  while (start < end) {
    const head = bytes[start] ?? 0
    // Before the length is used: data that is not MQTT would keep the device waiting for a packet that never ends.
    if (!readable.has(head)) throw new MalformedPacketError(`a packet that begins with 0x${head.toString(16)}`)
    let at = start + 1
    let length = 0
    let shift = 0
    let byte: number
    do {
      if (at === end) return start
      if (shift > 21) throw new MalformedPacketError('a remaining length of more than four bytes')
      byte = bytes[at++] ?? 0
      length |= (byte & 0x7f) << shift
      shift += 7
    } while (byte >= 0x80)
    if (end - at < length) return start
    readPacket(bytes, head, at, at + length, handler)
    start = at + length
  }
  return start
}

/** CONNACK, PUBLISH at QoS 0 with and without RETAIN, SUBACK, PINGRESP. */
const readable: ReadonlySet<number> = new Set([0x20, 0x30, 0x31, 0x90, 0xd0])

const readPacket = (bytes: Buffer, head: number, from: number, to: number, handler: PacketHandler): void => {
  switch (head) {
    case 0x30:
    case 0x31: {
      const payload = from + 2 + (to - from < 2 ? 0 : bytes.readUInt16BE(from))
      if (payload > to) throw new MalformedPacketError('a PUBLISH shorter than its topic')
      handler.publish(bytes.toString('utf8', from + 2, payload), bytes.subarray(payload, to))
      return
    }
    case 0x20:
      if (to - from !== 2) throw new MalformedPacketError('a CONNACK that is not two bytes')
      handler.connack(bytes[from] === 1, bytes[from + 1] ?? 0)
      return
    case 0x90:
      if (to - from < 3) throw new MalformedPacketError('a SUBACK without return codes')
      handler.suback([...bytes.subarray(from + 2, to)])
      return
    case 0xd0:
      handler.pingresp()
  }
}

const packet = (head: number, body: Buffer): Buffer => {
  const bytes = Buffer.alloc(1 + lengthBytes(body.length) + body.length)
  bytes[0] = head
  bytes.set(body, writeLength(bytes, body.length))
  return bytes
}

/** A string, preceded by its length in two bytes. */
const text = (value: string): Buffer => {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

const lengthBytes = (remaining: number): number =>
  remaining < 0x80 ? 1 : remaining < 0x4000 ? 2 : remaining < 0x20_0000 ? 3 : 4

/** Writes the remaining length after the first byte [MQTT 3.1.1, 2.2.3] and returns where the body begins. */
const writeLength = (bytes: Buffer, remaining: number): number => {
  let at = 1
  let rest = remaining
  while (rest >= 0x80) {
    bytes[at++] = (rest & 0x7f) | 0x80
    rest >>= 7
  }
  bytes[at++] = rest
  return at
}
