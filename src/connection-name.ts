import type { Socket } from 'node:net'

/** Identifies a connection together with the TLS connection above it. */
export function connectionName({ localAddress, localPort, remoteAddress, remotePort }: Socket): string {
  return `${localAddress} ${localPort} ${remoteAddress} ${remotePort}`
}
