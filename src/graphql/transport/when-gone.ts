import type { ServerResponse } from 'node:http'

/** Aborts when the client has disconnected before it was answered. */
export function whenGone(response: ServerResponse): AbortSignal {
  const gone = new AbortController()
  if (response.destroyed) gone.abort()
  response.once('close', () => {
    if (!response.writableFinished) gone.abort()
  })
  return gone.signal
}
