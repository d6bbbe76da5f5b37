import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import type { DeviceCertificate } from '../device/certificate.ts'

/**
 * The certificate with which a device came through TLS, undefined without one. Whether it leads to a registered authority
 * the TLS layer has found out, which knows no others (`ca` of the listener).
 */
export function clientCertificateOf(connection: Duplex): DeviceCertificate | undefined {
  if (!(connection instanceof TLSSocket)) return undefined
  const certificate = connection.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  // The printed subject escapes signs that a device id may hold; this one does not. Several names are a list.
  const commonName: unknown = certificate.toLegacyObject().subject.CN
  return {
    thumbprints: [certificate.fingerprint, certificate.fingerprint256].map((text) => text.replaceAll(':', '')),
    commonName: typeof commonName === 'string' ? commonName : undefined,
    chained: connection.authorized,
    validFrom: Date.parse(certificate.validFrom) / 1000,
    validTo: Date.parse(certificate.validTo) / 1000,
  }
}
