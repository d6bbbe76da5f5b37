import type { Authentication } from './identity.ts'

/** What a device's client certificate says, as far as it decides whether the device may come in. */
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
 * Whether the certificate shows that its bearer, who has its private key, is this device: by a thumbprint that the device
 * was registered with, or by the word of an authority. `now` is in seconds since 1970 UTC.
 */
export function certificateProves(
  certificate: DeviceCertificate,
  device: { readonly id: string; readonly authentication: Authentication },
  now: number,
): boolean {
  if (now < certificate.validFrom || now > certificate.validTo) return false
  const { id, authentication } = device
  switch (authentication.type) {
    case 'selfSigned': {
      const { primaryThumbprint, secondaryThumbprint } = authentication.x509Thumbprint
      return [primaryThumbprint, secondaryThumbprint].some(
        (thumbprint) => thumbprint !== null && certificate.thumbprints.includes(thumbprint),
      )
    }
    case 'certificateAuthority':
      return certificate.chained && certificate.commonName === id
    case 'sas':
    case 'none':
      return false
  }
}
