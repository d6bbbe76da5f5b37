import type { Server, Socket } from 'node:net'
import type { Deps } from '../deps.ts'
import { createRefusalLog } from '../log/refused-clients.ts'
import type { PortKind } from './arrivals.ts'
import { notePeer } from './peer-address.ts'
import type { ProxiedPort } from './proxied-ports.ts'
import { ProxyHeaderError, readProxyHeader } from './proxy-header.ts'

/** Reads the headers of the PROXY protocol. */
export type ProxyProtocol = {
  /**
   * From now on, the listeners of `connection` that the server has get a connection of a trusted proxy after its header,
   * so that `peerAddress` is that of the proxy's client. Without a header the connection is closed. Later listeners, and
   * connections of others, are not affected. Does nothing for a port without the protocol.
   */
  expectOn(server: Server, port: ProxiedPort): void
}

/** Milliseconds for the header to arrive. */
const patience = 10_000

const kinds: Readonly<Record<ProxiedPort, PortKind>> = { http: 'HTTP', https: 'HTTP', mqtt: 'MQTT', mqtts: 'MQTT' }

export function createProxyProtocol(
  deps: Pick<Deps, 'clock' | 'log' | 'metrics'>,
  { ports, isTrusted }: { readonly ports: readonly ProxiedPort[]; readonly isTrusted: (address: string) => boolean },
): ProxyProtocol {
  const logRefusal = createRefusalLog(deps)
  return {
    expectOn(server, port) {
      if (!ports.includes(port)) return
      const listeners = server.listeners('connection')
      const pass = (socket: Socket): void => {
        for (const listener of listeners) Reflect.apply(listener, server, [socket])
      }
      server.removeAllListeners('connection')
      server.on('connection', (socket) => {
        const { remoteAddress = '' } = socket
        if (!isTrusted(remoteAddress)) return pass(socket)
        const refuse = (reason: string): void => {
          logRefusal({ protocol: kinds[port], cause: 'protocol', reason, address: remoteAddress })
          socket.destroy()
        }
        const over = readHeader(socket, { pass: () => pass(socket), refuse })
        void deps.clock.sleep(patience, over).then(() => {
          if (!over.aborted) refuse('the trusted proxy sent no PROXY header in time')
        })
      })
    },
  }
}

/** Reads the header, and leaves what follows it to be read. The returned signal aborts when this is over. */
function readHeader(
  socket: Socket,
  { pass, refuse }: { readonly pass: () => void; readonly refuse: (reason: string) => void },
): AbortSignal {
  const over = new AbortController()
  let bytes = Buffer.alloc(0)
  const stop = (): void => {
    over.abort()
    socket.off('readable', read).off('close', stop).off('error', ignore)
  }
  const ignore = (): void => {} // a proxy that checks the port may reset its connection
  const read = (): void => {
    for (let piece = socket.read(); piece !== null; piece = socket.read()) bytes = Buffer.concat([bytes, piece])
    try {
      const header = readProxyHeader(bytes)
      if (header === undefined) return
      stop()
      if (header.client !== undefined) notePeer(socket, header.client)
      if (bytes.length > header.length) socket.unshift(bytes.subarray(header.length))
      pass()
    } catch (error) {
      if (!(error instanceof ProxyHeaderError)) throw error
      stop()
      refuse(`${error.message}, which the trusted proxy must send to this port`)
    }
  }
  socket.on('readable', read).on('close', stop).on('error', ignore)
  return over.signal
}
