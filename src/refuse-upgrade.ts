import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { recordOf, requestIdHeader } from './log/request-record.ts'

/** Answers a request for a WebSocket with an HTTP status, such as `403 Forbidden`, and the reason, and closes. */
export function refuseUpgrade(
  request: Pick<IncomingMessage, 'headers'>,
  connection: Duplex,
  {
    status,
    message = '',
    headers = {},
  }: {
    readonly status: string
    readonly message?: string
    readonly headers?: Readonly<Record<string, string>>
  },
): void {
  const type = message === '' ? '' : 'Content-Type: text/plain; charset=utf-8\r\n'
  const record = recordOf(request)
  record.status = Number.parseInt(status, 10)
  const id = `${requestIdHeader}: ${record.id}\r\n`
  const more = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  // A client that does not close its side would keep the connection.
  connection.once('finish', () => connection.destroy())
  connection.end(
    `HTTP/1.1 ${status}\r\nConnection: close\r\n${id}${more.join('')}${type}Content-Length: ${Buffer.byteLength(message)}\r\n\r\n${message}`,
  )
}
