import * as http from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type Client, createClient } from 'graphql-ws'
import { WebSocket } from 'ws'
import type { TestDoor } from '../door.ts'

/** The door on a real port. */
export type OpenPort = {
  readonly url: string
  /** The server's ends of all connections there have been, in their order. */
  readonly connections: readonly Socket[]
  /** A client of graphql-ws that connects once and does not try again. */
  client(connectionParams?: Record<string, unknown>): Client
  /** A bare socket that speaks the protocol only as far as it is told to. */
  socket(options?: { headers?: Record<string, string>; protocol?: string }): Promise<BareSocket>
  close(): Promise<void>
}

export type BareSocket = {
  send(message: unknown): void
  /** The next message. */
  next(): Promise<Record<string, unknown>>
  /** The code and reason with which the server closes, or the HTTP status with which it refused. */
  readonly closed: Promise<{ code: number; reason: string }>
  readonly raw: WebSocket
}

export async function openPort(door: Pick<TestDoor, 'server'>): Promise<OpenPort> {
  const server = http.createServer(door.server.handle)
  server.on('upgrade', door.server.upgrade)
  const connections: Socket[] = []
  server.on('connection', (connection) => connections.push(connection))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const url = `ws://127.0.0.1:${port}/graphql`
  const clients: Client[] = []
  const sockets: WebSocket[] = []
  return {
    url,
    connections,
    client(connectionParams) {
      const client = createClient({
        url,
        webSocketImpl: WebSocket,
        retryAttempts: 0,
        onNonLazyError: () => {},
        ...(connectionParams && { connectionParams }),
      })
      clients.push(client)
      return client
    },
    async socket({ headers = {}, protocol = 'graphql-transport-ws' } = {}) {
      const raw = new WebSocket(url, protocol === '' ? [] : protocol, { headers })
      sockets.push(raw)
      const messages: Record<string, unknown>[] = []
      let arrived = (): void => {}
      raw.on('message', (data) => {
        messages.push(JSON.parse(String(data)))
        arrived()
      })
      const closed = new Promise<{ code: number; reason: string }>((resolve) => {
        raw.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
        raw.on('unexpected-response', (_request, response) => {
          resolve({ code: response.statusCode ?? 0, reason: '' })
          response.destroy()
        })
        raw.on('error', () => {})
      })
      await Promise.race([new Promise((resolve) => raw.once('open', resolve)), closed])
      return {
        raw,
        closed,
        send: (message) => raw.send(typeof message === 'string' ? message : JSON.stringify(message)),
        async next() {
          for (;;) {
            const message = messages.shift()
            if (message !== undefined) return message
            await new Promise<void>((resolve) => {
              arrived = resolve
            })
          }
        },
      }
    },
    async close() {
      for (const client of clients) await client.dispose()
      for (const socket of sockets) socket.terminate()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

/** Resolves when the condition holds; looks again after every turn of the event loop, for no longer than the test. */
export async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve))
}
