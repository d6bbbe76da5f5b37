import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { onTestFinished } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'

/** A client, and the two ends of its connection at the server. */
export type SocketPair = { readonly client: WebSocket; readonly socket: WebSocket; readonly connection: Socket }

/** Connects a client until the test has finished. */
export async function connected(): Promise<SocketPair> {
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const client = new WebSocket(`ws://127.0.0.1:${port}`)
  const [request, connection, head] = await once(server, 'upgrade')
  const socket = await new Promise<WebSocket>((resolve) =>
    sockets.handleUpgrade(request, connection, head, (each) => resolve(each)),
  )
  onTestFinished(() => {
    client.terminate()
    server.close()
  })
  return { client, socket, connection }
}
