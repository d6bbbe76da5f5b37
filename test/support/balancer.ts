import { once } from 'node:events'
import net from 'node:net'

/** Where a balancer leads to: `ready` is the address of a probe, as a balancer checks it. */
export type Target = { readonly port: number; readonly ready: string }

/**
 * Leads each TCP connection to the first target that is ready, on a free port of 127.0.0.1, as the balancer in front of
 * gateways does. A client is disconnected when no target is.
 */
export async function openBalancer(targets: readonly Target[]) {
  const sockets = new Set<net.Socket>()
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  const findReady = async (): Promise<Target | undefined> => {
    for (const target of targets) {
      const response = await fetch(target.ready).catch(() => undefined)
      await response?.text()
      if (response?.status === 200) return target
    }
    return undefined
  }
  const server = net.createServer(async (near) => {
    keep(near)
    const target = await findReady()
    if (target === undefined) {
      near.destroy()
      return
    }
    const far = keep(net.connect(target.port, '127.0.0.1'))
    far.on('close', () => near.destroy())
    near.on('close', () => far.destroy())
    near.pipe(far).pipe(near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  return {
    port: address !== null && typeof address === 'object' ? address.port : 0,
    async close(): Promise<void> {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}
