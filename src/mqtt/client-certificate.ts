import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { parseCertificateTime } from '../date-time.ts'
import type { DeviceCertificate } from '../device/certificate.ts'

/**
 * The certificate that a device presented to TLS, or undefined. The TLS layer has verified whether it leads to a
 * registered authority, and knows no other authorities (`ca` of the listener).
 */
export function clientCertificateOf(connection: Duplex): DeviceCertificate | undefined {
  if (!(connection instanceof TLSSocket)) return undefined
  const certificate = connection.getPeerX509Certificate()
  if (certificate === undefined) return undefined
  // The printed subject escapes characters that a device id may contain; this one does not. Several names are a list.
  const commonName: unknown = certificate.toLegacyObject().subject.CN
  return {
    thumbprints: [certificate.fingerprint, certificate.fingerprint256].map((text) => text.replaceAll(':', '')),
    commonName: typeof commonName === 'string' ? commonName : undefined,
    chained: connection.authorized,
    validFrom: secondsOf(certificate.validFrom, Number.POSITIVE_INFINITY),
    validTo: secondsOf(certificate.validTo, Number.NEGATIVE_INFINITY),
  }
}

/** Seconds since 1970. A certificate with unreadable times is never valid. */
const secondsOf = (text: string, otherwise: number): number =>
  (parseCertificateTime(text)?.getTime() ?? otherwise) / 1000
