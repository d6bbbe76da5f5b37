import type { Authentication } from '../../device/identity.ts'
import { builder } from '../builder.ts'

/** The types, as the device's row has them. */
export const authenticationTypes = ['sas', 'selfSigned', 'certificateAuthority', 'none'] as const

const AuthenticationType = builder.enumType('AuthenticationType', {
  description: 'How a device proves who it is.',
  values: {
    SAS: { value: 'sas', description: 'By a shared access signature made with one of its two symmetric keys.' },
    SELF_SIGNED: { value: 'selfSigned', description: 'By a certificate whose thumbprint is registered.' },
    CERTIFICATE_AUTHORITY: {
      value: 'certificateAuthority',
      description: 'By a certificate of a registered authority.',
    },
    NONE: { value: 'none', description: 'Not at all: it cannot connect by itself.' },
  } as const,
})

const SymmetricKey = builder
  .objectRef<Extract<Authentication, { type: 'sas' }>['symmetricKey']>('SymmetricKey')
  .implement({
    description: 'Two keys, so that one can be changed while the other is in use. Secrets.',
    fields: (t) => ({
      primaryKey: t.exposeString('primaryKey', { description: 'Base64 of 16 to 64 bytes.' }),
      secondaryKey: t.exposeString('secondaryKey', { description: 'Base64 of 16 to 64 bytes.' }),
    }),
  })

const X509Thumbprint = builder
  .objectRef<Extract<Authentication, { type: 'selfSigned' }>['x509Thumbprint']>('X509Thumbprint')
  .implement({
    description: "The fingerprints of a device's own certificates; at least one is there.",
    fields: (t) => ({
      primaryThumbprint: t.exposeString('primaryThumbprint', {
        nullable: true,
        description: 'Upper-case hexadecimal, 40 (SHA-1) or 64 (SHA-256) digits.',
      }),
      secondaryThumbprint: t.exposeString('secondaryThumbprint', {
        nullable: true,
        description: 'Upper-case hexadecimal, 40 (SHA-1) or 64 (SHA-256) digits.',
      }),
    }),
  })

/** How a device proves who it is, with its secrets: to be shown to those who may read devices. */
export const DeviceAuthentication = builder.objectRef<Authentication>('DeviceAuthentication').implement({
  description: 'How a device proves who it is, with its secrets.',
  fields: (t) => ({
    type: t.field({ type: AuthenticationType, description: 'The way of proof.', resolve: ({ type }) => type }),
    symmetricKey: t.field({
      type: SymmetricKey,
      nullable: true,
      description: 'Its keys; null unless the type is SAS.',
      resolve: (authentication) => (authentication.type === 'sas' ? authentication.symmetricKey : null),
    }),
    x509Thumbprint: t.field({
      type: X509Thumbprint,
      nullable: true,
      description: 'The thumbprints of its certificates; null unless the type is SELF_SIGNED.',
      resolve: (authentication) => (authentication.type === 'selfSigned' ? authentication.x509Thumbprint : null),
    }),
  }),
})

const SymmetricKeyInput = builder.inputType('SymmetricKeyInput', {
  description: 'Give both keys, or neither and have them made.',
  fields: (t) => ({
    primaryKey: t.string({ description: 'Base64 of 16 to 64 bytes.' }),
    secondaryKey: t.string({ description: 'Base64 of 16 to 64 bytes.' }),
  }),
})

const X509ThumbprintInput = builder.inputType('X509ThumbprintInput', {
  description: 'The fingerprints of certificates, at least one.',
  fields: (t) => ({
    primaryThumbprint: t.string({ description: 'Hexadecimal, 40 (SHA-1) or 64 (SHA-256) digits.' }),
    secondaryThumbprint: t.string({ description: 'Hexadecimal, 40 (SHA-1) or 64 (SHA-256) digits.' }),
  }),
})

/** Checked by device/identity.ts. */
export const DeviceAuthenticationInput = builder.inputType('DeviceAuthenticationInput', {
  description: 'How a device is to prove who it is. Members that the type has no use for are passed over.',
  fields: (t) => ({
    type: t.field({
      type: AuthenticationType,
      description: 'SELF_SIGNED when left out and a thumbprint is given, else SAS.',
    }),
    symmetricKey: t.field({
      type: SymmetricKeyInput,
      description: 'For SAS. Left out, a new device gets keys that the hub makes, and a present one keeps its own.',
    }),
    x509Thumbprint: t.field({ type: X509ThumbprintInput, description: 'For SELF_SIGNED.' }),
  }),
})
