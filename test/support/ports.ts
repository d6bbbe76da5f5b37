import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type Server } from 'node:net'

/**
 * Ports that are free now, for a program that must come back at the same ones. They are below those that a system gives
 * out by itself, so that nobody who asks for any port gets one of them while the program is away.
 */
export async function freePorts(count: number): Promise<number[]> {
  const servers = new Map<number, Server>()
  while (servers.size < count) {
    const port = randomInt(20_000, 32_000)
    const server = createServer()
    await once(server.listen(port, '127.0.0.1'), 'listening').then(
      () => servers.set(port, server),
      () => undefined, // taken
    )
  }
  await Promise.all([...servers.values()].map((server) => once(server.close(), 'close')))
  return [...servers.keys()]
}
