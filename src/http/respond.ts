import type { ServerResponse } from 'node:http'

/** Answers with JSON and nothing else. */
export function respond(
  response: ServerResponse,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    'content-type': 'application/json; charset=utf-8',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
    ...headers,
  })
  // Node itself omits the body of an answer to HEAD.
  response.end(text)
}
