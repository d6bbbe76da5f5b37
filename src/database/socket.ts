import net from 'node:net'

/** Bytes that Node reads at a time. When there are fewer, it reads no more in this turn of the event loop. */
const readBytes = 64 * 1024
/** Reads of so many bytes in one turn. Decoding what they bring takes less than a millisecond. */
const readsPerTurn = 2

/** Kept so that it can be destroyed: a graceful close of a connection needs an answer. */
export function openSocket(sockets: Set<net.Socket>): net.Socket {
  const socket = new net.Socket()
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}

/**
 * Gives way to other work while a long result is read. Node reads up to 32 times at once, which would take ten milliseconds. Not
 * for `COPY`, whose stream must be the only reader of its socket.
 */
export function readInTurns(socket: net.Socket): void {
  let reads = 0
  socket.on('data', (chunk: Buffer) => {
    if (chunk.length < readBytes) return
    if (reads === 0) {
      setImmediate(() => {
        reads = 0
        if (socket.isPaused()) socket.resume()
      })
    }
    reads++
    if (reads === readsPerTurn) socket.pause()
  })
}
