import { createHmac } from 'node:crypto'

// Secrets and signatures as in Standard Webhooks (https://www.standardwebhooks.com), for which receivers have libraries.

const prefix = 'whsec_'
const minBytes = 24
const maxBytes = 64

/** What a secret must be, as the end of a sentence. */
export const secretRule = `"${prefix}" and base64 of ${minBytes} to ${maxBytes} bytes`

/** Bytes of a generated secret. */
export const secretBytes = 32

/** The secret with these random bytes. */
export const secretOf = (bytes: Buffer): string => prefix + bytes.toString('base64')

/** Whether a text is a secret. Buffer alone would ignore characters that are not base64, and the prefix is compared with the rest. */
export function isSecret(text: string): boolean {
  const bytes = keyOf(text)
  return bytes.length >= minBytes && bytes.length <= maxBytes && secretOf(bytes) === text
}

const keyOf = (secret: string): Buffer => Buffer.from(secret.slice(prefix.length), 'base64')

/** What the signature of a message covers. The timestamp is in seconds since 1970 UTC. */
export type Signed = { readonly id: string; readonly timestamp: number; readonly body: string }

/** The header `webhook-signature`: one signature for each secret, so that a receiver can know either. */
export const signaturesOf = (secrets: readonly string[], { id, timestamp, body }: Signed): string =>
  secrets
    .map((secret) => createHmac('sha256', keyOf(secret)).update(`${id}.${timestamp}.${body}`).digest('base64'))
    .map((signature) => `v1,${signature}`)
    .join(' ')
