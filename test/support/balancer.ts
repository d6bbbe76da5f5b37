import { once } from 'node:events'
import net from 'node:net'

/** Where a balancer leads to: `ready` is the address of a probe, as a balancer checks it. */
export type Target = { readonly port: number; readonly ready: string }

/**
 * Leads each TCP connection to the first target that is ready, on a free port of 127.0.0.1, as the balancer in front of
 * gateways does. With `inTurn`, the search begins with another target each time. A client is disconnected when no target is
 * ready. A target that does not answer within `patience`, in milliseconds, is not ready.
 */
export async function openBalancer(
  targets: readonly Target[],
  { inTurn = false, patience }: { readonly inTurn?: boolean; readonly patience?: number } = {},
) {
  const sockets = new Set<net.Socket>()
  const keep = (socket: net.Socket): net.Socket => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => sockets.delete(socket))
    return socket
  }
  let turn = 0
  const findReady = async (): Promise<Target | undefined> => {
    const first = inTurn ? turn++ % targets.length : 0
    for (const target of [...targets.slice(first), ...targets.slice(0, first)]) {
      const settings = patience === undefined ? {} : { signal: AbortSignal.timeout(patience) }
      const response = await fetch(target.ready, settings).catch(() => undefined)
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
