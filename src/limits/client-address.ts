import { isIP } from 'node:net'

/** The headers that say where a forwarded request came from, as Node joins repeated ones. */
export type ForwardingHeaders = {
  readonly 'x-forwarded-for'?: string | string[] | undefined
  readonly 'x-forwarded-proto'?: string | string[] | undefined
  readonly forwarded?: string | string[] | undefined
}

/** The proxies in front of the hub whose headers it believes. */
export type Proxies = {
  isTrusted(peer: string): boolean
  /**
   * The address of the client behind this peer: the last address that no trusted proxy has, which is the one that a
   * trusted proxy has seen itself. Everything before it could be forged. The peer itself, unless it is a trusted proxy
   * and its headers are well-formed.
   */
  clientOf(peer: string, headers: ForwardingHeaders): string
  /** Whether the peer is a trusted proxy and its client uses TLS. */
  cameByTls(peer: string, headers: ForwardingHeaders): boolean
}

/** A range of addresses by their first bits. IPv4 addresses are those of IPv6 that stand for them. */
export type Network = { readonly first: bigint; readonly rest: bigint }

const mapped = 0xffffn << 32n

/** The proxies in these networks (`networkIn`). */
export function createProxies(networks: readonly Network[]): Proxies {
  const isTrusted = (address: string): boolean => {
    if (networks.length === 0 || isIP(address) === 0) return false
    const value = bitsOf(address)
    return networks.some(({ first, rest }) => value >> rest === first)
  }
  const lastClient = (path: readonly (string | undefined)[]): string | undefined => {
    let last: string | undefined
    for (let index = path.length - 1; index >= 0; index--) {
      last = path[index]
      if (last === undefined || !isTrusted(last)) break
    }
    return last
  }
  return {
    isTrusted,
    clientOf(peer, { 'x-forwarded-for': addresses, forwarded }) {
      if (!isTrusted(peer)) return peer
      const clients = new Set<string | undefined>()
      if (addresses !== undefined) clients.add(lastClient(String(addresses).split(',').map(addressIn)))
      if (forwarded !== undefined) {
        clients.add(lastClient(elementsOf(String(forwarded)).map((element) => addressIn(element.get('for') ?? ''))))
      }
      const [client = peer, ...others] = clients
      // A proxy writes one of the two headers, and may pass on the other from its client.
      return others.length === 0 ? client : peer
    },
    cameByTls(peer, { 'x-forwarded-proto': schemes, forwarded }) {
      if (!isTrusted(peer)) return false
      const scheme =
        schemes === undefined
          ? elementsOf(String(forwarded ?? ''))
              .at(-1)
              ?.get('proto')
          : String(schemes)
      return scheme?.split(',').at(-1)?.trim().toLowerCase() === 'https'
    },
  }
}

/** The network in a text: an address, or its first bits as in `10.0.0.0/8`, with only zeros after them. */
export function networkIn(text: string): Network | undefined {
  const [, address = '', length] = /^([^/]*)(?:\/([1-9]\d{0,2}))?$/.exec(text) ?? []
  const version = isAddress(address) ? isIP(address) : 0
  const most = version === 4 ? 32 : 128
  const prefix = length === undefined ? most : Number(length)
  if (version === 0 || prefix > most) return undefined
  const rest = BigInt(most - prefix)
  const value = bitsOf(address)
  return (value >> rest) << rest === value ? { first: value >> rest, rest } : undefined
}

// A zone, such as %eth0, has a meaning only on the machine that names it.
const isAddress = (text: string): boolean => isIP(text) !== 0 && !text.includes('%')

/** The address in an entry of a header, which may have a port: `192.0.2.7`, `192.0.2.7:80`, `[2001:db8::7]:80`. */
function addressIn(entry: string): string | undefined {
  const [, bracketed, plain] = /^(?:\[([^\]]*)\](?::\d+)?|(\d+\.\d+\.\d+\.\d+)(?::\d+)?)$/.exec(entry.trim()) ?? []
  const address = bracketed ?? plain ?? entry.trim()
  return isAddress(address) ? address : undefined
}

/** The elements of a header `Forwarded` with their parameters (RFC 7239, 4). None if a quote is not closed. */
function elementsOf(text: string): ReadonlyMap<string, string>[] {
  const elements: Map<string, string>[] = []
  let pair = ''
  let isQuoted = false
  let element = new Map<string, string>()
  const endPair = (): void => {
    const [name = '', value = ''] = pair.split('=')
    element.set(name.trim().toLowerCase(), value.trim())
    pair = ''
  }
  for (const char of `${text},`) {
    if (char === '"') isQuoted = !isQuoted
    else if (isQuoted || (char !== ',' && char !== ';')) pair += char
    else {
      endPair()
      if (char === ',') {
        elements.push(element)
        element = new Map()
      }
    }
  }
  return isQuoted ? [] : elements
}

/** The address as a number of 128 bits. */
function bitsOf(address: string): bigint {
  if (isIP(address) === 4) {
    return mapped | address.split('.').reduce((sum, byte) => (sum << 8n) | BigInt(byte), 0n)
  }
  // The one form of IPv6 addresses, without IPv4 in it.
  const { hostname } = new URL(`http://[${address.split('%', 1)[0]}]`)
  const [before = '', after] = hostname.slice(1, -1).split('::')
  const groupsOf = (part = ''): bigint[] => (part === '' ? [] : part.split(':').map((group) => BigInt(`0x${group}`)))
  const [head, tail] = [groupsOf(before), groupsOf(after)]
  const zeros = Array<bigint>(8 - head.length - tail.length).fill(0n)
  return [...head, ...zeros, ...tail].reduce((sum, group) => (sum << 16n) | group, 0n)
}
