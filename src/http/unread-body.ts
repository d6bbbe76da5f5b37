import type { IncomingMessage, ServerResponse } from 'node:http'

/**
 * Closes the connection after an answer to a request whose body nobody reads. Otherwise Node reads the body to its end,
 * however long it is, because no other request can use the connection before. Called before the head of the answer.
 */
export function closeUnlessBodiless({ headers }: IncomingMessage, response: ServerResponse): void {
  const hasBody = headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0
  if (hasBody) response.setHeader('connection', 'close')
}
