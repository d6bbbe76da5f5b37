// First: the library's dependency injection needs it when it is loaded.
import 'reflect-metadata'
import { type KeyObject, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type JsonGeneralName,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

/** The validity of a certificate, both ends included; fractions of a second are dropped. */
export type Validity = { readonly notBefore: Date; readonly notAfter: Date }

const p256 = { name: 'ECDSA', namedCurve: 'P-256' }

/**
 * A self-signed certificate of a CA, as PEM: it signs certificates of servers, not of further CAs. `name` is like
 * `CN=Some CA`; the keys are P-256.
 */
export async function makeCaCertificate(name: string, keys: KeyPair, validity: Validity): Promise<string> {
  const publicKey = spki(keys.publicKey)
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    subject: name,
    issuer: name,
    publicKey,
    signingKey: await signer(keys.privateKey),
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(publicKey),
    ],
  })
  return pem(certificate)
}

/** A certificate of a TLS server for host names and IP addresses, as PEM, signed by `ca`; all keys are P-256. */
export async function makeServerCertificate(
  request: { readonly name: string; readonly hostNames: readonly string[]; readonly publicKey: KeyObject },
  ca: { readonly pem: string; readonly key: KeyObject },
  validity: Validity,
): Promise<string> {
  const issuer = new X509Certificate(ca.pem)
  const publicKey = spki(request.publicKey)
  const certificate = await X509CertificateGenerator.create({
    ...validity,
    subject: request.name,
    issuer: issuer.subjectName, // byte by byte, as some clients compare
    publicKey,
    signingKey: await signer(ca.key),
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(request.hostNames.map(generalName)),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
    ],
  })
  return pem(certificate)
}

function generalName(name: string): JsonGeneralName {
  if (isIP(name) === 0) return { type: 'dns', value: name }
  // The library misreads an IPv4 address at the end of an IPv6 one; the URL parser converts it into two groups.
  return { type: 'ip', value: isIP(name) === 4 ? name : new URL(`http://[${name}]`).hostname.slice(1, -1) }
}

const spki = (key: KeyObject): Uint8Array<ArrayBuffer> => new Uint8Array(key.export({ type: 'spki', format: 'der' }))

const signer = (key: KeyObject): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey('pkcs8', key.export({ type: 'pkcs8', format: 'der' }), p256, false, ['sign'])

const pem = (certificate: X509Certificate): string => `${certificate.toString('pem')}\n`
