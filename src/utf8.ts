/** A byte order mark stays: it is a sign like any other. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes from outside as the text that they are; undefined when they are not UTF-8. All that the hub reads as text passes
 * here: other readers put U+FFFD for what they cannot read, and nobody sees that something else was sent.
 */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** The same of the body of a request, which may begin with a byte order mark: it is no part of the text (RFC 8259, 8.1). */
export const bodyText = (bytes: Uint8Array): string | undefined => utf8Text(bytes)?.replace(/^\uFEFF/, '')
