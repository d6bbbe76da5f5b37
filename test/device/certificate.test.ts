import { expect, test } from 'vitest'
import { certificateFault, type DeviceCertificate } from '../../src/device/certificate.ts'
import type { Authentication } from '../../src/device/identity.ts'

const certificate = { thumbprints: ['AA'], commonName: 'd1', chained: true, validFrom: 100, validTo: 200 }
const selfSigned = (primaryThumbprint: string): Authentication => ({
  type: 'selfSigned',
  x509Thumbprint: { primaryThumbprint, secondaryThumbprint: null },
})
const authority: Authentication = { type: 'certificateAuthority' }
const keys: Authentication = { type: 'sas', symmetricKey: { primaryKey: '', secondaryKey: '' } }

test.each<[string | undefined, Authentication, Partial<DeviceCertificate>]>([
  [undefined, selfSigned('AA'), { chained: false, commonName: undefined }],
  [undefined, authority, {}],
  ['the certificate is not valid yet', authority, { validFrom: 151 }],
  ['the certificate has expired', authority, { validTo: 149 }],
  ['the certificate has no registered thumbprint', selfSigned('BB'), {}],
  ['the certificate has no chain to an authority in X509_CA', authority, { chained: false }],
  ['the common name of the certificate is not the device id', authority, { commonName: 'd2' }],
  ['the client has a certificate, but the device is registered with keys', keys, {}],
  ['the device is registered without authentication', { type: 'none' }, {}],
])('what is wrong with a certificate: %s', (fault, authentication, changes) => {
  expect(certificateFault({ ...certificate, ...changes }, { id: 'd1', authentication }, 150)).toBe(fault)
})
