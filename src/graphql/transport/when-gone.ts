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

/** The client of a response. Its signal is made when it is first read: half of the requests need none. */
export class Client {
  private readonly response: ServerResponse
  private made: AbortSignal | undefined
  constructor(response: ServerResponse) {
    this.response = response
  }
  /** Aborts when the client has disconnected before it was answered. */
  get signal(): AbortSignal {
    this.made ??= whenGone(this.response)
    return this.made
  }
}
