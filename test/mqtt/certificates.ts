import 'reflect-metadata'
import { createHash, webcrypto } from 'node:crypto'
import { BasicConstraintsExtension, X509Certificate, X509CertificateGenerator } from '@peculiar/x509'

const p256 = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const anHour = 3_600_000

/** A certificate and what belongs to it. */
export type TestCertificate = {
  readonly cert: string
  readonly key: string
  readonly keys: CryptoKeyPair
  readonly sha1: string
  readonly sha256: string
}
type CryptoKeyPair = webcrypto.CryptoKeyPair

/** Makes a certificate of this name, signed by `issuer` or by itself, valid for an hour before and after now. */
export async function makeCertificate(
  name: string,
  settings: {
    readonly issuer?: TestCertificate
    readonly ca?: boolean
    readonly notBefore?: Date
    readonly notAfter?: Date
  } = {},
): Promise<TestCertificate> {
  const { issuer, ca = false } = settings
  const keys = await webcrypto.subtle.generateKey(p256, true, ['sign', 'verify'])
  const subject = [{ CN: [name] }]
  const made = await X509CertificateGenerator.create({
    serialNumber: Buffer.from(webcrypto.getRandomValues(new Uint8Array(8))).toString('hex'),
    subject,
    issuer: issuer === undefined ? subject : new X509Certificate(issuer.cert).subjectName,
    publicKey: keys.publicKey,
    signingKey: (issuer?.keys ?? keys).privateKey,
    signingAlgorithm: p256,
    notBefore: settings.notBefore ?? new Date(Date.now() - anHour),
    notAfter: settings.notAfter ?? new Date(Date.now() + anHour),
    extensions: [new BasicConstraintsExtension(ca, undefined, true)],
  })
  const der = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)).toString('base64')
  const digest = (algorithm: string) => createHash(algorithm).update(new Uint8Array(made.rawData)).digest('hex')
  return {
    cert: `${made.toString('pem')}\n`,
    key: `-----BEGIN PRIVATE KEY-----\n${der}\n-----END PRIVATE KEY-----\n`,
    keys,
    sha1: digest('sha1'),
    sha256: digest('sha256'),
  }
}
