import { EventEmitter, once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import { text } from 'node:stream/consumers'

/** A message as a receiver of webhooks gets it. */
export type Received = {
  readonly id: string
  readonly timestamp: string
  readonly signature: string
  readonly headers: IncomingMessage['headers']
  readonly body: string
}

/** A receiver of webhooks on this machine. */
export type Receiver = {
  readonly url: string
  readonly port: number
  readonly received: readonly Received[]
  /** What it does with further messages. The default answers 204. */
  answer(how: (response: ServerResponse, message: Received) => void): void
  /** Resolves when it has got this many messages. */
  count(messages: number): Promise<void>
  close(): Promise<void>
}

/** Opens a receiver; with `tls`, it has this certificate. `port` 0 means any. */
export async function openReceiver({
  port = 0,
  tls,
}: {
  readonly port?: number
  readonly tls?: { readonly cert: string; readonly key: string }
} = {}): Promise<Receiver> {
  const received: Received[] = []
  const arrivals = new EventEmitter().setMaxListeners(0)
  let answer: (response: ServerResponse, message: Received) => void = (response) => response.writeHead(204).end()
  const take = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { headers } = request
    const headerOf = (name: string): string => String(headers[name])
    const message = {
      id: headerOf('webhook-id'),
      timestamp: headerOf('webhook-timestamp'),
      signature: headerOf('webhook-signature'),
      headers,
      body: await text(request),
    }
    received.push(message)
    answer(response, message)
    arrivals.emit('message')
  }
  const listener = (request: IncomingMessage, response: ServerResponse): void => {
    take(request, response).catch(() => response.destroy())
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await once(server.listen(port, '127.0.0.1'), 'listening')
  const address = server.address()
  const bound = typeof address === 'object' ? (address?.port ?? 0) : 0
  return {
    url: `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${bound}/hook`,
    port: bound,
    received,
    answer(how) {
      answer = how
    },
    async count(messages) {
      while (received.length < messages) await once(arrivals, 'message')
    },
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}
