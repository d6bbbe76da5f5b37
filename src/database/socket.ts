import net from 'node:net'

/** Kept so that it can be destroyed: a graceful close of a connection needs an answer. */
export function openSocket(sockets: Set<net.Socket>): net.Socket {
  const socket = new net.Socket()
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
  return socket
}
