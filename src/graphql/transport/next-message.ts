import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

// A message `next` of the protocol graphql-transport-ws as one frame of a WebSocket (RFC 6455, section 5.2). All
// subscribers to an event get the same payload; only the id of the operation differs. ws would make a header and two
// writes for each of them, so these messages are written below ws, to the connection. All other frames are sent by ws. The
// two may follow each other in any order, because the hub sends neither compressed messages nor parts of messages.

/** The first byte of a whole text message. */
const wholeText = 0x81
/** Bytes of a message up to which it is copied: above, the payload is written from where it is. */
const copiedBytes = 4 * 1024

/** The part of the message that belongs to the operation. */
export const headOf = (id: string): Buffer => Buffer.from(`{"id":${JSON.stringify(id)},"type":"next","payload":`)

/** The part of the message that belongs to the result, including the end of the message. */
export const payloadOf = (result: string): Buffer => Buffer.from(`${result}}`)

/** Where the messages of one operation are written. */
export type Wire = {
  readonly socket: WebSocket
  /** The connection below the socket. */
  readonly connection: Duplex
  readonly head: Buffer
}

/** Whether the socket is open and nothing waits to be sent. */
export const isIdle = ({ socket, connection }: Wire): boolean =>
  socket.readyState === socket.OPEN && connection.writableLength === 0

/** Writes the message. `onLeft` is called when it has been passed to the system, or has failed. */
export function writeMessage(
  { connection, head }: Wire,
  payload: Buffer,
  onLeft?: (error?: Error | null) => void,
): void {
  const length = head.length + payload.length
  if (length <= copiedBytes) {
    const start = length < 126 ? 2 : 4
    const frame = Buffer.allocUnsafe(start + length)
    putFrameHeader(frame, length)
    frame.set(head, start)
    frame.set(payload, start + head.length)
    connection.write(frame, onLeft)
    return
  }
  const start = length < 65_536 ? 4 : 10
  const beginning = Buffer.allocUnsafe(start + head.length)
  putFrameHeader(beginning, length)
  beginning.set(head, start)
  connection.cork()
  connection.write(beginning)
  connection.write(payload, onLeft)
  connection.uncork()
}

function putFrameHeader(frame: Buffer, length: number): void {
  frame[0] = wholeText
  if (length < 126) frame[1] = length
  else if (length < 65_536) {
    frame[1] = 126
    frame.writeUInt16BE(length, 2)
  } else {
    frame[1] = 127
    frame.writeBigUInt64BE(BigInt(length), 2)
  }
}
