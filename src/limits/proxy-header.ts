import { isIP } from 'node:net'

/**
 * The header of the PROXY protocol, versions 1 and 2: what a proxy sends first on a connection that it forwards. `client`
 * is the address of the proxy's client; undefined when the connection is the proxy's own, as for a health check.
 */
export type ProxyHeader = { readonly length: number; readonly client: string | undefined }

/** The bytes are not the beginning of a header. */
export class ProxyHeaderError extends Error {
  override readonly name = 'ProxyHeaderError'
}

/** Bytes of the longest line of version 1, with its end. */
const longestLine = 107
/** Bytes of addresses and additions in version 2. Proxies send a few hundred at most; the format could have 64 KB. */
const mostAdditions = 4_096

const signature = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const lineStart = Buffer.from('PROXY ', 'latin1')

/** The header at the beginning of these bytes; undefined when more bytes are needed. ProxyHeaderError. */
export function readProxyHeader(bytes: Buffer): ProxyHeader | undefined {
  if (startsLike(bytes, signature)) return readBinary(bytes)
  if (startsLike(bytes, lineStart)) return readLine(bytes)
  throw new ProxyHeaderError('there is no PROXY header')
}

/** Whether the bytes begin with the others, or are the beginning of them. */
function startsLike(bytes: Buffer, others: Buffer): boolean {
  const length = Math.min(bytes.length, others.length)
  return bytes.subarray(0, length).equals(others.subarray(0, length))
}

function readLine(bytes: Buffer): ProxyHeader | undefined {
  const end = bytes.subarray(0, longestLine).indexOf('\r\n')
  if (end === -1) {
    if (bytes.length < longestLine) return undefined
    throw new ProxyHeaderError('the PROXY header is too long')
  }
  const [, family = '', client = '', ...rest] = bytes.toString('latin1', 0, end).split(' ')
  const length = end + 2
  if (family === 'UNKNOWN') return { length, client: undefined }
  const [server = '', port = '', serverPort = '', ...more] = rest
  const version = { TCP4: 4, TCP6: 6 }[family]
  const isGood =
    version !== undefined &&
    [client, server].every((address) => isIP(address) === version && !address.includes('%')) &&
    [port, serverPort].every((text) => /^\d{1,5}$/.test(text)) &&
    more.length === 0
  if (!isGood) throw new ProxyHeaderError('the PROXY header is malformed')
  return { length, client }
}

function readBinary(bytes: Buffer): ProxyHeader | undefined {
  const start = signature.length
  if (bytes.length < start + 4) return undefined
  const [version = 0, command = 0] = [bytes.readUInt8(start) >> 4, bytes.readUInt8(start) & 0xf]
  const family = bytes.readUInt8(start + 1)
  const size = bytes.readUInt16BE(start + 2)
  if (version !== 2 || command > 1) throw new ProxyHeaderError('the PROXY header has an unknown version or command')
  if (size > mostAdditions) throw new ProxyHeaderError('the PROXY header is too long')
  const length = start + 4 + size
  if (bytes.length < length) return undefined
  // LOCAL: a connection of the proxy's own. Its addresses, if any, are to be ignored.
  if (command === 0) return { length, client: undefined }
  const addresses = bytes.subarray(start + 4, length)
  if (family === 0x11 && size >= 12) return { length, client: [...addresses.subarray(0, 4)].join('.') }
  if (family === 0x21 && size >= 36) return { length, client: ipv6(addresses) }
  // Neither IPv4 nor IPv6 over TCP: the proxy does not know the address, or there is none.
  if (family === 0) return { length, client: undefined }
  throw new ProxyHeaderError('the PROXY header names no address of TCP')
}

/** The first 16 bytes as an address, in its one short form. */
function ipv6(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, index) => bytes.readUInt16BE(index * 2).toString(16))
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1)
}
