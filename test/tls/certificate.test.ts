import 'reflect-metadata'
import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { copyFile, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect, createServer } from 'node:tls'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509Certificate as ParsedCertificate,
  SubjectKeyIdentifierExtension,
} from '@peculiar/x509'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import {
  CertificateError,
  loadDeviceCa,
  loadOrMakeCertificate,
  type ServerCertificate,
} from '../../src/tls/certificate.ts'
import { makeCertificate } from '../mqtt/certificates.ts'

const now = new Date()
const inDays = (days: number): Date => new Date(now.getTime() + days * 86_400_000)
const hostNames = ['hub.example.com']

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'twincast-test-'))
})

afterEach(() => rm(folder, { recursive: true }))

const load = (options: Partial<Parameters<typeof loadOrMakeCertificate>[1]> = {}): Promise<ServerCertificate> =>
  loadOrMakeCertificate(folder, { hostNames, now, ...options })

/** What a client that trusts `ca` alone hears from a server with this certificate. */
async function handshake(served: ServerCertificate, ca: string | undefined, servername: string): Promise<string> {
  const server = createServer({ cert: served.cert, key: served.key }, (socket) => socket.end('hello'))
  server.on('tlsClientError', () => {}) // the client's side tells
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const socket = connect({ port, host: '127.0.0.1', ca: ca ?? '', servername })
  try {
    const [data] = await once(socket, 'data')
    return String(data)
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error)
  } finally {
    socket.destroy()
    server.close()
  }
}

describe('the certificate of the private CA', () => {
  it('is accepted by a client that has only ca.pem', async () => {
    const made = await load()
    const ca = await readFile(join(folder, 'ca.pem'), 'utf8')
    expect(ca).toBe(made.ca)
    for (const name of ['hub.example.com', 'localhost']) expect(await handshake(made, ca, name)).toBe('hello')
  })

  it('lies in a file with its key that other programs can read, too', async () => {
    const made = await load()
    const file = await readFile(join(folder, 'server.pem'), 'utf8')
    expect(await handshake({ ...made, cert: file, key: file }, made.ca, 'localhost')).toBe('hello')
  })

  it('is refused by a client for another name, or with another CA', async () => {
    const made = await load()
    expect(await handshake(made, made.ca, 'other.example.com')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    await rm(join(folder, 'ca.pem'))
    expect(await handshake(made, (await load()).ca, 'localhost')).toBe('UNABLE_TO_VERIFY_LEAF_SIGNATURE')
  })

  it('names the hub, localhost and the loopback addresses', async () => {
    const certificate = new X509Certificate(
      (await load({ hostNames: ['Hub.example.com', 'localhost', '10.1.2.3', 'fe80::a:1', '::ffff:10.1.2.4'] })).cert,
    )
    expect(certificate.subjectAltName?.split(', ')).toEqual([
      'DNS:hub.example.com',
      'DNS:localhost',
      'IP Address:10.1.2.3',
      'IP Address:FE80:0:0:0:0:0:A:1',
      'IP Address:0:0:0:0:0:FFFF:A01:204',
      'IP Address:127.0.0.1',
      'IP Address:0:0:0:0:0:0:0:1',
    ])
  })

  it('may serve TLS and nothing else, and its CA may sign', async () => {
    const made = await load()
    const [server, ca] = [new X509Certificate(made.cert), new X509Certificate(made.ca ?? '')]
    expect([server.ca, ca.ca]).toEqual([false, true])
    expect(server.keyUsage).toEqual(['1.3.6.1.5.5.7.3.1']) // Node's name for the extended key usage
    expect(server.checkIssued(ca)).toBe(true)
    expect(ca.checkIssued(ca)).toBe(true)
    expect(server.publicKey.asymmetricKeyDetails).toEqual({ namedCurve: 'prime256v1' })
  })

  it('has what strict clients demand, who reject a chain without key identifiers', async () => {
    const made = await load()
    const [server, ca] = [new ParsedCertificate(made.cert), new ParsedCertificate(made.ca ?? '')]
    const serverKeyId = server.getExtension(SubjectKeyIdentifierExtension)?.keyId
    const caKeyId = ca.getExtension(SubjectKeyIdentifierExtension)?.keyId
    expect(serverKeyId).toMatch(/^[0-9a-f]{40}$/)
    expect(server.getExtension(AuthorityKeyIdentifierExtension)?.keyId).toBe(caKeyId)
    expect(ca.getExtension(BasicConstraintsExtension)).toMatchObject({ ca: true, pathLength: 0, critical: true })
    expect(server.getExtension(BasicConstraintsExtension)).toMatchObject({ ca: false, critical: true })
    const { keyCertSign, cRLSign, digitalSignature } = KeyUsageFlags
    expect(ca.getExtension(KeyUsagesExtension)).toMatchObject({ usages: keyCertSign | cRLSign, critical: true })
    expect(server.getExtension(KeyUsagesExtension)).toMatchObject({ usages: digitalSignature, critical: true })
  })

  it('is valid from an hour ago for 825 days, its CA for 20 years', async () => {
    const made = await load({ now: new Date('2027-01-01T12:00:00.789Z') })
    const [server, ca] = [new X509Certificate(made.cert), new X509Certificate(made.ca ?? '')]
    expect([server.validFrom, server.validTo]).toEqual(['Jan  1 11:00:00 2027 GMT', 'Apr  5 12:00:00 2029 GMT'])
    expect([ca.validFrom, ca.validTo]).toEqual(['Jan  1 11:00:00 2027 GMT', 'Dec 27 12:00:00 2046 GMT'])
  })

  it('keeps its keys to its user', async () => {
    await load()
    const modes = (await readdir(folder))
      .sort()
      .map(async (name) => [name, (await stat(join(folder, name))).mode & 0o777])
    expect(await Promise.all(modes)).toEqual([
      ['ca-key.pem', 0o600],
      ['ca.pem', 0o644],
      ['server.pem', 0o600],
    ])
  })

  it('is the same at the next start', async () => {
    const first = await load()
    expect(await load({ now: inDays(825 - 31) })).toEqual(first)
  })

  const renewals: [string, Parameters<typeof load>[0]][] = [
    ['when it has less than 30 days', { now: inDays(825 - 29) }],
    ['when the hub has another name', { hostNames: ['other.example.com'] }],
    ['when the hub has one name more', { hostNames: [...hostNames, 'other.example.com'] }],
    ['when the hub has one name less', { hostNames: [] }],
  ]
  test.each(renewals)('is made anew %s, and the CA stays', async (_, options) => {
    const first = await load()
    const second = await load(options)
    expect(second.cert).not.toBe(first.cert)
    expect(second.ca).toBe(first.ca)
    expect(await load(options)).toEqual(second)
  })

  it('is made anew when its file is damaged', async () => {
    const first = await load()
    await writeFile(join(folder, 'server.pem'), first.cert.slice(0, 100) + first.key)
    expect(await handshake(await load(), first.ca, 'localhost')).toBe('hello')
  })

  it('has dates that are read right from the year 2050 on, when their form changes', async () => {
    // RFC 5280 changes the form of dates with the year 2050, and allows no parts of a second in the new one.
    const made = await load({ now: new Date('2049-06-01T00:00:00.789Z') })
    expect(new X509Certificate(made.cert).validTo).toBe('Sep  4 00:00:00 2051 GMT')
  })

  it('is not made by a CA whose key is lost or belongs to another', async () => {
    await load()
    await rm(join(folder, 'server.pem'))
    await copyFile(join(folder, 'ca-key.pem'), join(folder, 'kept.pem'))
    await rm(join(folder, 'ca-key.pem'))
    await expect(load()).rejects.toThrow(/ca-key\.pem do not belong together/)
    await copyFile(join(folder, 'kept.pem'), join(folder, 'ca-key.pem'))
    expect((await load()).cert).toContain('BEGIN CERTIFICATE')
  })

  it('gets a CA although a crash left only the key of one', async () => {
    await load()
    await rm(join(folder, 'ca.pem'))
    const made = await load()
    expect(await handshake(made, made.ca, 'localhost')).toBe('hello')
  })
})

describe("the operator's certificate", () => {
  const own = () => ({ certPath: join(folder, 'own-cert.pem'), keyPath: join(folder, 'own-key.pem') })

  beforeEach(async () => {
    const made = await load()
    await writeFile(own().certPath, made.cert)
    await writeFile(own().keyPath, made.key)
  })

  it('is taken as it is, without a CA', async () => {
    const { cert, key } = await load()
    await rm(join(folder, 'server.pem'))
    expect(await load({ own: own() })).toEqual({ cert, key, ca: undefined })
    expect(await readdir(folder)).not.toContain('server.pem')
  })

  const faults: [string, () => Promise<void>, RegExp][] = [
    ['a missing certificate', () => rm(own().certPath), /^TLS_CERT cannot be read: ENOENT.*own-cert\.pem/],
    ['a missing key', () => rm(own().keyPath), /^TLS_KEY cannot be read: ENOENT.*own-key\.pem/],
    [
      'no certificate',
      () => writeFile(own().certPath, 'x'),
      /^TLS_CERT: .*own-cert\.pem does not begin with a PEM cert/,
    ],
    ['no key', () => writeFile(own().keyPath, 'x'), /^TLS_KEY: .*own-key\.pem is not a PEM private key/],
    [
      "another's key",
      () => copyFile(join(folder, 'ca-key.pem'), own().keyPath),
      /^TLS_KEY: .* is not the key of the cert/,
    ],
  ]
  test.each(faults)('is refused by name: %s', async (_, spoil, sentence) => {
    await spoil()
    const loading = load({ own: own() })
    await expect(loading).rejects.toThrow(CertificateError)
    await expect(loading).rejects.toThrow(sentence)
  })
})

describe('the authorities of devices', () => {
  const path = () => join(folder, 'devices.pem')

  it('are the certificates in the file, whatever else stands there', async () => {
    await load()
    const ca = await readFile(join(folder, 'ca.pem'), 'utf8')
    await writeFile(path(), `Our factory\n${ca}\nand again\n${ca}`)
    expect((await loadDeviceCa(path())).match(/BEGIN CERTIFICATE/g)).toHaveLength(2)
  })

  const faults: [string, () => Promise<void>, RegExp][] = [
    ['no file', async () => {}, /^X509_CA cannot be read: ENOENT.*devices\.pem/],
    ['no certificate', () => writeFile(path(), 'x'), /^X509_CA: .*devices\.pem contains no PEM certificate/],
    [
      'broken certificate',
      () => writeFile(path(), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----'),
      /^X509_CA: certificate 1 in .* is not an authority certificate/,
    ],
    [
      'certificate of a server',
      () => copyFile(join(folder, 'server.pem'), path()),
      /^X509_CA: certificate 1 in .* is not an authority certificate/,
    ],
    [
      'authority without its issuer',
      async () => {
        const root = await makeCertificate('root', { ca: true })
        await writeFile(path(), (await makeCertificate('branch', { ca: true, issuer: root })).cert)
      },
      /^X509_CA: .* contains CN=branch, but not its issuer, CN=root/,
    ],
  ]
  test.each(faults)('are refused by name: %s', async (_, spoil, sentence) => {
    await load()
    await spoil()
    const loading = loadDeviceCa(path())
    await expect(loading).rejects.toThrow(CertificateError)
    await expect(loading).rejects.toThrow(sentence)
  })
})
