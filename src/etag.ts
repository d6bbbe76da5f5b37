/** The etag of a counter, without quotes: its eight bytes, most significant first, in base64, as in IoT Hub. */
export function etagOf(counter: number): string {
  const bytes = Buffer.alloc(8)
  bytes.writeBigUInt64BE(BigInt(counter))
  return bytes.toString('base64')
}

/** The etag in an `If-Match` value, or `*`. An unquoted one is read as if quoted, so a wrong one never matches. */
export function parseEtag(ifMatch: string): string {
  const text = ifMatch.trim()
  return /^"[^"]*"$/.test(text) ? text.slice(1, -1) : text
}

/**
 * Whether a write with this `If-Match`, an etag or a list of them, may change a row with this counter. `*` (quoted or
 * not) always may.
 */
export function etagMatches(ifMatch: string, counter: number): boolean {
  return parseEtag(ifMatch) === '*' || ifMatch.split(',').some((part) => parseEtag(part) === etagOf(counter))
}
