import type { Duplex } from 'node:stream'

/** Answers a request for a WebSocket with an HTTP status, such as `403 Forbidden`, and the reason, and closes. */
export function refuseUpgrade(connection: Duplex, status: string, message = ''): void {
  const type = message === '' ? '' : 'Content-Type: text/plain; charset=utf-8\r\n'
  // A client that does not close its side would keep the connection.
  connection.once('finish', () => connection.destroy())
  connection.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\n${type}Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  )
}
