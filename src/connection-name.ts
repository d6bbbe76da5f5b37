import type { Socket } from 'node:net'

/** Identifies a connection together with the TLS connection above it. */
export function connectionName({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  // Joined, because a template keeps its parts for as long as the connection.
  return [localAddress, localPort, remoteAddress, remotePort].join(' ')
}
