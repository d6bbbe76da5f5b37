import { createHash, createPublicKey, type KeyObject, randomBytes, sign } from 'node:crypto'
import { isIP } from 'node:net'

/**
 * Writes X.509 certificates (RFC 5280): the two kinds a private CA needs, in DER. Node reads certificates but cannot
 * make them, and this much of the format is shorter than a library for all of it.
 */
export type CertificateRequest = {
  /** The common name: the only part of a name that is used. */
  readonly subject: string
  readonly issuer: string
  /** P-256, the key the certificate is about. */
  readonly publicKey: KeyObject
  /** P-256, the issuer's. */
  readonly signingKey: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  /** The host names and IP addresses of a server; undefined makes a CA that signs servers only, no further CAs. */
  readonly hostNames: readonly string[] | undefined
}

/** A certificate as PEM, signed with ECDSA and SHA-256. */
export function makeCertificate(request: CertificateRequest): string {
  const algorithm = sequence(oid('1.2.840.10045.4.3.2')) // ecdsa-with-SHA256
  const body = sequence(
    explicit(0, integer(Uint8Array.of(2))), // version 3
    integer(serialNumber()),
    algorithm,
    commonName(request.issuer),
    sequence(time(request.notBefore), time(request.notAfter)),
    commonName(request.subject),
    request.publicKey.export({ type: 'spki', format: 'der' }),
    explicit(3, sequence(...extensions(request))),
  )
  const certificate = sequence(body, algorithm, bits(sign('sha256', body, request.signingKey)))
  const lines = certificate.toString('base64').replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}

function extensions({ publicKey, signingKey, hostNames }: CertificateRequest): Buffer[] {
  const ownKeyId = extension('2.5.29.14', tagged(0x04, keyId(publicKey)))
  if (hostNames === undefined) {
    return [
      extension('2.5.29.19', sequence(TRUE, integer(Uint8Array.of(0))), TRUE), // a CA, of path length 0
      extension('2.5.29.15', bits(Uint8Array.of(0b0000_0110), 1), TRUE), // keyCertSign, cRLSign
      ownKeyId,
    ]
  }
  return [
    extension('2.5.29.19', sequence(), TRUE), // not a CA
    extension('2.5.29.15', bits(Uint8Array.of(0b1000_0000), 7), TRUE), // digitalSignature
    extension('2.5.29.37', sequence(oid('1.3.6.1.5.5.7.3.1'))), // for TLS servers
    extension('2.5.29.17', sequence(...hostNames.map(generalName))),
    ownKeyId,
    extension('2.5.29.35', sequence(tagged(0x80, keyId(createPublicKey(signingKey))))),
  ]
}

const extension = (id: string, value: Uint8Array, ...critical: Uint8Array[]): Buffer =>
  sequence(oid(id), ...critical, tagged(0x04, value))

const commonName = (name: string): Buffer =>
  sequence(tagged(0x31, sequence(oid('2.5.4.3'), tagged(0x0c, Buffer.from(name)))))

const generalName = (name: string): Buffer =>
  isIP(name) === 0 ? tagged(0x82, Buffer.from(name)) : tagged(0x87, addressBytes(name))

/** Four bytes or sixteen; the `::` of an IPv6 address stands for as many zeros as are missing. */
function addressBytes(address: string): Uint8Array {
  if (isIP(address) === 4) return Uint8Array.from(address.split('.'), Number)
  // The URL parser writes the one canonical form, with an embedded IPv4 address turned into two groups.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const before = head.split(':').filter(Boolean)
  const after = (tail ?? '').split(':').filter(Boolean)
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after]
  return Uint8Array.from(
    groups.flatMap((group) => [Number.parseInt(group, 16) >> 8, Number.parseInt(group, 16) & 0xff]),
  )
}

/** RFC 5280, 4.2.1.2: the SHA-1 of the public key's bits. A name, not a protection. */
const keyId = (key: KeyObject): Buffer =>
  // A P-256 key ends its DER with its 65 bytes.
  createHash('sha1')
    .update(key.export({ type: 'spki', format: 'der' }).subarray(-65))
    .digest()

/** Sixteen random bytes, positive and without a leading zero. */
function serialNumber(): Buffer {
  const bytes = randomBytes(16)
  bytes[0] = ((bytes[0] ?? 0) & 0x7f) | 0x40
  return bytes
}

/** UTCTime to the end of 2049, GeneralizedTime after it: RFC 5280 demands exactly that. */
function time(date: Date): Buffer {
  const text = `${date.toISOString().replace(/[-:T]|\.\d+/g, '')}`
  return date.getUTCFullYear() < 2050 ? tagged(0x17, Buffer.from(text.slice(2))) : tagged(0x18, Buffer.from(text))
}

function oid(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return tagged(0x06, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]))
}

/** Seven bits a byte, the highest first, all but the last marked. */
function base128(arc: number): number[] {
  const bytes = [arc & 0x7f]
  for (let left = arc >> 7; left > 0; left >>= 7) bytes.unshift((left & 0x7f) | 0x80)
  return bytes
}

const sequence = (...parts: Uint8Array[]): Buffer => tagged(0x30, ...parts)
const explicit = (tag: number, part: Uint8Array): Buffer => tagged(0xa0 | tag, part)
const integer = (bytes: Uint8Array): Buffer => tagged(0x02, bytes)
const bits = (bytes: Uint8Array, unused = 0): Buffer => tagged(0x03, Uint8Array.of(unused), bytes)
const TRUE = tagged(0x01, Uint8Array.of(0xff))

function tagged(tag: number, ...parts: Uint8Array[]): Buffer {
  const content = Buffer.concat(parts)
  const size = content.length
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff]
  return Buffer.concat([Uint8Array.of(tag, ...length), content])
}
