import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { parseCertificateTime } from '../date-time.ts'
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
    validFrom: secondsOf(certificate.validFrom, Number.POSITIVE_INFINITY),
    validTo: secondsOf(certificate.validTo, Number.NEGATIVE_INFINITY),
  }
}

/** Seconds since 1970. A certificate whose times cannot be read is never valid. */
const secondsOf = (text: string, otherwise: number): number =>
  (parseCertificateTime(text)?.getTime() ?? otherwise) / 1000
