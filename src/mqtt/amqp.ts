import type { Duplex } from 'node:stream'

/** The WebSocket subprotocol names of AMQP, in lower case. */
export const amqpSubprotocols: readonly string[] = ['amqpwsb10', 'amqp']

const condition = 'amqp:not-implemented'
const description = 'This hub does not support AMQP. Connect the device by MQTT, on port 8883 or over WebSocket.'

/** The protocol that a header announces (AMQP 1.0, 2.2 and 5.3.1). */
const plain = 0
const saslHeader = 3
const header = (protocol: number): Buffer => Buffer.from([0x41, 0x4d, 0x51, 0x50, protocol, 1, 0, 0])
const headerLength = 8
/** Maximum number of bytes that a client sends before it is answered. */
const maxFrame = 16 * 1024

// AMQP 1.0, 1.6: a described list, a text and a symbol, all shorter than 256 bytes.
const list = (descriptor: number, ...fields: readonly Buffer[]): Buffer => {
  const content = Buffer.concat(fields)
  return Buffer.concat([Buffer.of(0, 0x53, descriptor, 0xc0, content.length + 1, fields.length), content])
}
const short = (code: number, value: string): Buffer =>
  Buffer.concat([Buffer.of(code, value.length), Buffer.from(value)])
const text = (value: string): Buffer => short(0xa1, value)
const symbol = (value: string): Buffer => short(0xa3, value)
const symbols = (...values: readonly string[]): Buffer => {
  const content = Buffer.concat(values.map((value) => symbol(value).subarray(1)))
  return Buffer.concat([Buffer.of(0xe0, content.length + 2, values.length, 0xa3), content])
}
const frame = (type: number, body: Buffer): Buffer => {
  const bytes = Buffer.concat([Buffer.alloc(4), Buffer.of(2, type, 0, 0), body])
  bytes.writeUInt32BE(bytes.length)
  return bytes
}

const saslMechanisms = frame(1, list(0x40, symbols('ANONYMOUS', 'EXTERNAL', 'MSSBCBS', 'PLAIN')))
const saslOk = frame(1, list(0x44, Buffer.of(0x50, 0)))
const open = frame(0, list(0x10, text('twincast')))
const close = frame(0, list(0x18, list(0x1d, symbol(condition), text(description))))

/**
 * Answers a client that speaks AMQP, which the hub does not support, in AMQP: the connection is opened and closed at
 * once, with an error that the SDKs treat as final. They would treat a closed socket, or silence, as a network fault
 * and retry for minutes. Other protocols are left to the next reader of `stream`. `noticed` is called for an AMQP
 * client.
 */
export function answerAmqp(stream: Duplex, noticed: () => void): void {
  const read = stream.read.bind(stream)
  let expects: 'anything' | 'header' | 'sasl' | 'nothing' | 'no AMQP' = 'anything'
  let pending: Buffer = Buffer.alloc(0)

  const take = (length: number): Buffer | undefined => {
    if (pending.length < length) return undefined
    const taken = pending.subarray(0, length)
    pending = pending.subarray(length)
    return taken
  }
  const takeFrame = (): Buffer | undefined => (pending.length < 4 ? undefined : take(pending.readUInt32BE()))
  const last = (...answer: readonly Buffer[]): void => {
    expects = 'nothing'
    stream.end(Buffer.concat(answer))
  }
  const answer = (): void => {
    if (expects === 'header') {
      const protocol = take(headerLength)?.[4]
      if (protocol === undefined) return
      if (protocol === saslHeader) {
        expects = 'sasl'
        stream.write(Buffer.concat([header(saslHeader), saslMechanisms]))
        answer()
      } else if (protocol === plain) last(header(plain), open, close)
      else last(header(plain))
    } else if (expects === 'sasl' && takeFrame() !== undefined) {
      // Any identity: this grants nothing.
      expects = 'header'
      stream.write(saslOk)
      answer()
    }
  }

  stream.read = (size) => {
    const chunk: Buffer | null = read(size)
    if (chunk === null) return null
    if (expects === 'anything') {
      expects = isAmqp(chunk) ? 'header' : 'no AMQP'
      if (expects === 'header') noticed()
    }
    if (expects === 'no AMQP') return chunk
    if (expects === 'nothing') return null
    pending = Buffer.concat([pending, chunk])
    answer()
    if (pending.length > maxFrame) stream.destroy()
    return null
  }
}

const isAmqp = (chunk: Buffer): boolean => chunk.subarray(0, 4).equals(header(plain).subarray(0, 4))
