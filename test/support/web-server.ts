import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { MqttServer } from '../../src/mqtt/broker.ts'

/** A web server of its own before the WebSockets of an MQTT door. */
export async function openWebServer({
  webSocket,
}: Pick<MqttServer, 'webSocket'>): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((request, response) => webSocket.handle(request, response))
  server.on('upgrade', (request, socket, head) => webSocket.upgrade(request, socket, head))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const address = server.address()
  return { server, port: typeof address === 'object' ? (address?.port ?? 0) : 0 }
}
