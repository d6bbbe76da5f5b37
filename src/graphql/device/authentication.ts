import type { Authentication } from '../../device/identity.ts'
import { builder } from '../builder.ts'
import { noteKeyRead } from './keys-read.ts'

const AuthenticationType = builder.enumType('AuthenticationType', {
  description: 'How a device authenticates.',
  values: {
    SAS: {
      value: 'sas',
      description: 'A shared access signature, made with one of the two symmetric keys of the device.',
    },
    SELF_SIGNED: { value: 'selfSigned', description: 'A certificate whose thumbprint is registered for the device.' },
    CERTIFICATE_AUTHORITY: {
      value: 'certificateAuthority',
      description: 'A certificate that a registered certificate authority has issued.',
    },
    NONE: { value: 'none', description: 'No authentication. The device cannot connect by itself.' },
  } as const,
})

const SymmetricKey = builder
  .objectRef<Extract<Authentication, { type: 'sas' }>['symmetricKey']>('SymmetricKey')
  .implement({
    description: 'The symmetric keys of a device. One can be replaced while the other is in use. Both are secrets.',
    fields: (t) => ({
      primaryKey: t.exposeString('primaryKey', { description: 'Primary key: 16 to 64 bytes as Base64 text.' }),
      secondaryKey: t.exposeString('secondaryKey', { description: 'Secondary key: 16 to 64 bytes as Base64 text.' }),
    }),
  })

const X509Thumbprint = builder
  .objectRef<Extract<Authentication, { type: 'selfSigned' }>['x509Thumbprint']>('X509Thumbprint')
  .implement({
    description: 'The thumbprints of the certificates of a device. At least one of the two is set.',
    fields: (t) => ({
      primaryThumbprint: t.exposeString('primaryThumbprint', {
        nullable: true,
        description:
          'Thumbprint of the primary certificate: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits in upper case. Null when it is not set.',
      }),
      secondaryThumbprint: t.exposeString('secondaryThumbprint', {
        nullable: true,
        description:
          'Thumbprint of the secondary certificate: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits in upper case. Null when it is not set.',
      }),
    }),
  })

/** The authentication of a device, with the ID that the audit keeps when its keys are read. */
type OfDevice = Authentication & { readonly deviceId: string }

/** How a device authenticates, with its secrets. Shown only to viewers with the right to read devices. */
export const DeviceAuthentication = builder.objectRef<OfDevice>('DeviceAuthentication').implement({
  description: 'How a device authenticates, including its secrets.',
  fields: (t) => ({
    type: t.field({ type: AuthenticationType, description: 'The authentication type.', resolve: ({ type }) => type }),
    symmetricKey: t.field({
      type: SymmetricKey,
      nullable: true,
      authScopes: { right: 'readKeys' },
      description:
        'The symmetric keys. Null unless `type` is SAS. Requires the right readKeys. The audit keeps who reads them.',
      resolve: async (authentication, _args, context) => {
        if (authentication.type !== 'sas') return null
        await noteKeyRead(context, authentication.deviceId)
        return authentication.symmetricKey
      },
    }),
    x509Thumbprint: t.field({
      type: X509Thumbprint,
      nullable: true,
      description: 'The certificate thumbprints. Null unless `type` is SELF_SIGNED.',
      resolve: (authentication) => (authentication.type === 'selfSigned' ? authentication.x509Thumbprint : null),
    }),
  }),
})

const SymmetricKeyInput = builder.inputType('SymmetricKeyInput', {
  description: 'The symmetric keys of a device. Give both keys, or neither to have the hub generate them.',
  fields: (t) => ({
    primaryKey: t.string({ description: 'Primary key: 16 to 64 bytes as Base64 text.' }),
    secondaryKey: t.string({ description: 'Secondary key: 16 to 64 bytes as Base64 text.' }),
  }),
})

const X509ThumbprintInput = builder.inputType('X509ThumbprintInput', {
  description: 'The thumbprints of the certificates of a device. Give at least one.',
  fields: (t) => ({
    primaryThumbprint: t.string({
      description: 'Thumbprint of the primary certificate: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.',
    }),
    secondaryThumbprint: t.string({
      description: 'Thumbprint of the secondary certificate: 40 (SHA-1) or 64 (SHA-256) hexadecimal digits.',
    }),
  }),
})

/** Validated by device/identity.ts. */
export const DeviceAuthenticationInput = builder.inputType('DeviceAuthenticationInput', {
  description: 'How a device authenticates. Fields that do not belong to the type are ignored.',
  fields: (t) => ({
    type: t.field({
      type: AuthenticationType,
      description: 'The authentication type. When omitted: SELF_SIGNED if a thumbprint is given, otherwise SAS.',
    }),
    symmetricKey: t.field({
      type: SymmetricKeyInput,
      description:
        'The symmetric keys, for SAS. When omitted, a new device gets generated keys, and an existing device keeps its keys.',
    }),
    x509Thumbprint: t.field({
      type: X509ThumbprintInput,
      description: 'The certificate thumbprints, for SELF_SIGNED.',
    }),
  }),
})
