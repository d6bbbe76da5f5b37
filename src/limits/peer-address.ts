import type { Socket } from 'node:net'
import { connectionName } from '../connection-name.ts'

/** The clients that trusted proxies have named by the PROXY protocol, by the names of their connections. */
const named = new Map<string, { readonly client: string }>()

/** Notes the address of the client at the other end of a connection that a trusted proxy forwards. */
export function notePeer(socket: Socket, client: string): void {
  const name = connectionName(socket)
  const peer = { client }
  named.set(name, peer)
  socket.once('close', () => {
    if (named.get(name) === peer) named.delete(name)
  })
}

/**
 * The address at the other end of a connection, or of the TLS connection above it: of the client that a trusted proxy
 * has named by the PROXY protocol, otherwise of the peer. Empty for a connection that has ended.
 */
export function peerAddress(socket: Socket): string {
  const client = named.size === 0 ? undefined : named.get(connectionName(socket))?.client
  return client ?? socket.remoteAddress ?? ''
}
