import { createPrivateKey, generateKeyPairSync, type KeyObject, randomBytes, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { readIfThere, writeDurably } from '../data-folder.ts'
import { parseCertificateTime } from '../date-time.ts'
import type { Validity } from './make-certificates.ts'

/** What a TLS server needs, as PEM. */
export type ServerCertificate = {
  readonly cert: string
  readonly key: string
  /** The private CA that clients have to trust; undefined when the operator provided the certificate. */
  readonly ca: string | undefined
}

/** A certificate cannot be used; the sentence names the variable or the file. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

type Options = {
  /** Names and addresses in addition to localhost, 127.0.0.1 and ::1. */
  readonly hostNames: readonly string[]
  /** The operator's own certificate (TLS_CERT, TLS_KEY). */
  readonly own?: { readonly certPath: string; readonly keyPath: string } | undefined
  readonly now: Date
}

const day = 86_400_000
const caDays = 20 * 365
// Apple's systems refuse server certificates with a longer lifetime, also those of private CAs.
const serverDays = 825
const renewDays = 30

/**
 * The operator's certificate, or one of a private CA that is created at the first start and kept: clients need `ca.pem`
 * in `folder`. The server's own certificate is renewed when it has less than 30 days left or other names. `folder` must
 * be locked by this process.
 */
export async function loadOrMakeCertificate(folder: string, options: Options): Promise<ServerCertificate> {
  if (options.own !== undefined) return loadOwnCertificate(options.own)
  const ca = await loadOrMakeCa(folder, options.now)
  const names = [...new Set([...options.hostNames.map((name) => name.toLowerCase()), 'localhost', '127.0.0.1', '::1'])]
  // One file for both, so that a crash cannot leave a certificate with another's key.
  const path = join(folder, 'server.pem')
  const kept = splitPem((await readIfThere(path)) ?? '')
  if (kept !== undefined && isGood(kept, ca.certificate, names, options.now)) return { ...kept, ca: ca.pem }
  const made = await makeServerPair(ca, names, options.now)
  await writeDurably(path, made.cert + made.key, 0o600)
  return { ...made, ca: ca.pem }
}

/**
 * The operator's certificate (TLS_CERT, TLS_KEY).
 * @throws CertificateError when one cannot be read, or they do not belong together
 */
export async function loadOwnCertificate({
  certPath,
  keyPath,
}: {
  readonly certPath: string
  readonly keyPath: string
}): Promise<ServerCertificate> {
  const read = (name: string, path: string): Promise<string> =>
    readFile(path, 'utf8').catch((error: Error) => {
      throw new CertificateError(`${name} cannot be read: ${error.message}`)
    })
  const cert = await read('TLS_CERT', certPath)
  const key = await read('TLS_KEY', keyPath)
  const certificate = parse(() => new X509Certificate(cert))
  if (certificate === undefined)
    throw new CertificateError(`TLS_CERT: ${certPath} does not begin with a PEM certificate.`)
  const privateKey = parse(() => createPrivateKey(key))
  if (privateKey === undefined)
    throw new CertificateError(`TLS_KEY: ${keyPath} is not a PEM private key without a passphrase.`)
  if (!certificate.checkPrivateKey(privateKey)) {
    throw new CertificateError(`TLS_KEY: ${keyPath} is not the key of the certificate in TLS_CERT, ${certPath}.`)
  }
  return { cert, key, ca: undefined }
}

/**
 * The certificates in the file of X509_CA, as PEM. CertificateError when there is none, when one does not belong to an
 * authority, or when an issuer is missing: no chain could end at it.
 */
export async function loadDeviceCa(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: Error) => {
    throw new CertificateError(`X509_CA cannot be read: ${error.message}`)
  })
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (found.length === 0) throw new CertificateError(`X509_CA: ${path} contains no PEM certificate.`)
  const certificates = found.map((pem, index) => {
    const certificate = parse(() => new X509Certificate(pem))
    if (certificate?.ca === true) return certificate
    throw new CertificateError(`X509_CA: certificate ${index + 1} in ${path} is not an authority certificate.`)
  })
  for (const certificate of certificates) {
    if (certificates.some((issuer) => certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey))) continue
    const { subject, issuer } = certificate
    throw new CertificateError(`X509_CA: ${path} contains ${subject}, but not its issuer, ${issuer}.`)
  }
  return found.join('\n')
}

type Ca = { readonly pem: string; readonly certificate: X509Certificate; readonly key: KeyObject }

async function loadOrMakeCa(folder: string, now: Date): Promise<Ca> {
  const certPath = join(folder, 'ca.pem')
  const keyPath = join(folder, 'ca-key.pem')
  const pem = await readIfThere(certPath)
  if (pem !== undefined) {
    const keyPem = (await readIfThere(keyPath)) ?? ''
    const certificate = parse(() => new X509Certificate(pem))
    const key = parse(() => createPrivateKey(keyPem))
    // Never replaced silently: devices trust this CA.
    if (certificate === undefined || key === undefined || !certificate.checkPrivateKey(key)) {
      throw new CertificateError(
        `${certPath} and ${keyPath} do not belong together. Restore them, or remove both: the hub then creates a new CA, ` +
          'which every client must be given.',
      )
    }
    return { pem, certificate, key }
  }
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  // The random part distinguishes the CAs of two hubs in a client that trusts both.
  const name = `Twincast private CA ${randomBytes(4).toString('hex')}`
  const made = await (await x509()).makeCaCertificate(`CN=${name}`, keys, validity(now, caDays))
  // The key first: a CA whose key was lost in a crash would have to be refused; a key without a CA is simply replaced.
  await writeDurably(keyPath, pemOf(keys.privateKey), 0o600)
  await writeDurably(certPath, made, 0o644)
  return { pem: made, certificate: new X509Certificate(made), key: keys.privateKey }
}

type Pair = { readonly cert: string; readonly key: string }

async function makeServerPair(ca: Ca, hostNames: readonly string[], now: Date): Promise<Pair> {
  const { makeServerCertificate } = await x509()
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const request = { name: 'CN=Twincast', hostNames, publicKey }
  return { cert: await makeServerCertificate(request, ca, validity(now, serverDays)), key: pemOf(privateKey) }
}

/** Loaded only when a certificate is created, which few starts need: the library is large. */
const x509 = () => import('./make-certificates.ts')

function isGood(pair: Pair, ca: X509Certificate, names: readonly string[], now: Date): boolean {
  const certificate = parse(() => new X509Certificate(pair.cert))
  const key = parse(() => createPrivateKey(pair.key))
  if (certificate === undefined || key === undefined) return false
  const named = certificate.subjectAltName?.split(', ').length
  return (
    certificate.checkPrivateKey(key) &&
    certificate.verify(ca.publicKey) &&
    isGoodFor(renewDays * day, certificate, now) &&
    named === names.length &&
    names.every((name) => (isIP(name) ? certificate.checkIP(name) : certificate.checkHost(name)) !== undefined)
  )
}

function isGoodFor(milliseconds: number, { validTo }: X509Certificate, now: Date): boolean {
  const end = parseCertificateTime(validTo)
  return end !== undefined && end.getTime() - now.getTime() >= milliseconds
}

/** Starting an hour ago, for clients whose clock is a little slow. */
const validity = (now: Date, days: number): Validity => ({
  notBefore: new Date(now.getTime() - 3_600_000),
  notAfter: new Date(now.getTime() + days * day),
})

const pemOf = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }).toString()

function splitPem(text: string): Pair | undefined {
  const key = text.indexOf('-----BEGIN PRIVATE KEY-----')
  return key < 0 ? undefined : { cert: text.slice(0, key), key: text.slice(key) }
}

function parse<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch {
    return undefined
  }
}
