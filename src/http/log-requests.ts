import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Deps } from '../deps.ts'
import { addressOf } from '../limits/request-address.ts'
import type { AccessLog } from '../log/access-log.ts'
import { recordOf } from '../log/request-record.ts'

/** Follows requests until their ends, for the access log. */
export type LogRequests = {
  answer(request: IncomingMessage, response: ServerResponse): void
  /** A request that becomes a WebSocket, until that closes, or whose upgrade is refused. */
  upgrade(request: IncomingMessage): void
}

/** Undefined without an access log. */
export function logRequests({ clock }: Pick<Deps, 'clock'>, accessLog: AccessLog | undefined): LogRequests | undefined {
  if (accessLog === undefined) return undefined
  /** The bytes that a connection had written at the end of its last answer. Answers are written one after the other. */
  const writtenBefore = new WeakMap<IncomingMessage['socket'], number>()
  const lineOf = (request: IncomingMessage, begun: number) => ({
    protocol: 'HTTP' as const,
    record: recordOf(request),
    method: request.method,
    url: request.url,
    address: addressOf(request),
    ms: clock.elapsed() - begun,
  })
  return {
    answer(request, response) {
      const begun = clock.elapsed()
      const { socket } = request
      let bytes: number | undefined
      const count = (): void => {
        const written = socket.bytesWritten
        bytes ??= written - (writtenBefore.get(socket) ?? 0)
        writtenBefore.set(socket, written)
      }
      // Before the listener of Node, which writes the answer that waits for this one.
      response.prependOnceListener('finish', count)
      response.once('close', () => {
        if (bytes === undefined) count()
        accessLog({
          ...lineOf(request, begun),
          status: response.headersSent ? response.statusCode : undefined,
          bytes,
          ...(!response.writableFinished && { complete: false }),
        })
      })
    },
    upgrade(request) {
      const begun = clock.elapsed()
      const { socket } = request
      socket.once('close', () => accessLog({ ...lineOf(request, begun), bytes: socket.bytesWritten }))
    },
  }
}
