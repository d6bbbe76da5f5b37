import type { Authentication } from './identity.ts'

/** The parts of a device's client certificate that decide whether the device may connect. */
export type DeviceCertificate = {
  /** SHA-1 and SHA-256, upper-case hexadecimal. */
  readonly thumbprints: readonly string[]
  /** Of the subject; undefined when there is none or more than one. */
  readonly commonName: string | undefined
  /** A chain of good signatures and valid certificates leads from it to a registered authority. */
  readonly chained: boolean
  /** Seconds since 1970 UTC, both included. */
  readonly validFrom: number
  readonly validTo: number
}

/**
 * Why the certificate does not prove that its holder, who has the private key, is this device; undefined when it does:
 * by a thumbprint that the device was registered with, or by a registered authority. `now` is in seconds since 1970
 * UTC.
 */
export function certificateFault(
  certificate: DeviceCertificate,
  device: { readonly id: string; readonly authentication: Authentication },
  now: number,
): string | undefined {
  if (now < certificate.validFrom) return 'the certificate is not valid yet'
  if (now > certificate.validTo) return 'the certificate has expired'
  const { id, authentication } = device
  switch (authentication.type) {
    case 'selfSigned': {
      const { primaryThumbprint, secondaryThumbprint } = authentication.x509Thumbprint
      const known = [primaryThumbprint, secondaryThumbprint].some(
        (thumbprint) => thumbprint !== null && certificate.thumbprints.includes(thumbprint),
      )
      return known ? undefined : 'the certificate has no registered thumbprint'
    }
    case 'certificateAuthority':
      if (!certificate.chained) return 'the certificate has no chain to an authority in X509_CA'
      return certificate.commonName === id ? undefined : 'the common name of the certificate is not the device id'
    case 'sas':
      return 'the client has a certificate, but the device is registered with keys'
    case 'none':
      return 'the device is registered without authentication'
  }
}
