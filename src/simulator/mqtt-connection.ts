import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, createSecureContext, type SecureContext } from 'node:tls'
import { type PacketHandler, readPackets } from './packets.ts'

/** The address that a fleet connects to, and what its connections share. */
export type Endpoint = {
  readonly host: string
  readonly port: number
  /** Present for TLS: one context for all connections, because parsing the CA costs milliseconds. */
  readonly secureContext?: SecureContext
  /** All sockets read into this one buffer; a packet is handled, or its part copied, before the next read. */
  readonly inbox: Buffer
}

/** Called about the device's connection. */
export type LinkHandler = PacketHandler & {
  /** The connection has ended, or could not be opened. Called once, and last. */
  closed(error: Error | undefined): void
}

/**
 * Makes an endpoint. With `tls` the connections are TLS and trust `ca` (PEM), or the system's authorities without it.
 */
export const openEndpoint = (host: string, port: number, tls?: { readonly ca?: string }): Endpoint => {
  const inbox = Buffer.allocUnsafeSlow(64 * 1024)
  if (tls === undefined) return { host, port, inbox }
  return { host, port, inbox, secureContext: createSecureContext(tls.ca === undefined ? {} : { ca: tls.ca }) }
}

/** One MQTT connection: a socket, and the framing of its packets. */
export class Link {
  readonly #socket: Socket
  readonly #handler: LinkHandler
  #partial: Buffer | undefined
  #error: Error | undefined

  constructor(endpoint: Endpoint, handler: LinkHandler) {
    this.#handler = handler
    const options = {
      host: endpoint.host,
      port: endpoint.port,
      noDelay: true,
      onread: { buffer: endpoint.inbox, callback: (length: number, chunk: Uint8Array) => this.#receive(length, chunk) },
    }
    this.#socket =
      endpoint.secureContext === undefined
        ? connectTcp(options)
        : connectTls({
            ...options,
            secureContext: endpoint.secureContext,
            ...(isIP(endpoint.host) ? {} : { servername: endpoint.host }),
          })
    this.#socket.on('error', (error) => {
      this.#error ??= error
    })
    this.#socket.on('close', () => handler.closed(this.#error))
  }

  /** Sends a packet, which waits until the connection is open; false when the connection has ended. */
  send(packet: Buffer): boolean {
    if (!this.#socket.writable) return false
    this.#socket.write(packet)
    return true
  }

  /** Sends a last packet and ends. */
  end(packet: Buffer): void {
    this.#socket.end(packet)
  }

  /** Breaks the connection without DISCONNECT, like a lost network. The handler gets `error`. */
  cut(error?: Error): void {
    this.#error ??= error
    this.#socket.destroy()
  }

  #receive(length: number, chunk: Uint8Array): boolean {
    let bytes = Buffer.from(chunk.buffer, chunk.byteOffset, length)
    if (this.#partial !== undefined) bytes = Buffer.concat([this.#partial, bytes])
    try {
      const taken = readPackets(bytes, bytes.length, this.#handler)
      // Copied, because the next socket's bytes go into the same buffer.
      this.#partial = taken === bytes.length ? undefined : Buffer.from(bytes.subarray(taken))
    } catch (error) {
      this.cut(error instanceof Error ? error : new Error(String(error)))
    }
    return true
  }
}
