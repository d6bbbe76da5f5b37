import type { IncomingMessage } from 'node:http'
import { peerAddress } from './peer-address.ts'

/** Addresses of clients behind trusted proxies. */
const clients = new WeakMap<Pick<IncomingMessage, 'socket'>, string>()

/** Notes the address of the client of a request that a trusted proxy has forwarded. */
export function noteClient(request: Pick<IncomingMessage, 'socket'>, address: string): void {
  clients.set(request, address)
}

/** The address of the client of a request: that of its connection, or of the client behind a trusted proxy. */
export const addressOf = (request: Pick<IncomingMessage, 'socket'>): string =>
  clients.get(request) ?? peerAddress(request.socket)
