/** A byte order mark stays: it is a character like any other. */
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/**
 * Bytes from outside as text; undefined when they are not UTF-8. All text that the hub reads passes here: other readers
 * replace invalid bytes by U+FFFD, which hides that something else was sent.
 */
export function utf8Text(bytes: Uint8Array): string | undefined {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * The same for the body of a request, which may begin with a byte order mark that is not part of the text (RFC 8259,
 * 8.1).
 */
export const bodyText = (bytes: Uint8Array): string | undefined => utf8Text(bytes)?.replace(/^\uFEFF/, '')
