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
  ['its certificate is not valid yet', authority, { validFrom: 151 }],
  ['its certificate has expired', authority, { validTo: 149 }],
  ['its certificate has none of the registered thumbprints', selfSigned('BB'), {}],
  ['no chain leads from its certificate to an authority of X509_CA', authority, { chained: false }],
  ['its certificate is not made out to its device id', authority, { commonName: 'd2' }],
  ['it has a certificate, and the device is registered with keys', keys, {}],
  ['the device is registered without authentication', { type: 'none' }, {}],
])('what is wrong with a certificate: %s', (fault, authentication, changes) => {
  expect(certificateFault({ ...certificate, ...changes }, { id: 'd1', authentication }, 150)).toBe(fault)
})
