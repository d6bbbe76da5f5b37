import type { JsonObject } from '../json/json.ts'

/**
 * A twin as it is stored. The two section versions count writes of their section, `version` writes of the whole twin;
 * `etagVersion` counts writes by services, of tags and desired properties. All begin at 1.
 */
export type TwinRow = {
  readonly deviceId: string
  readonly tags: JsonObject
  readonly desired: JsonObject
  readonly desiredMetadata: JsonObject
  readonly desiredVersion: number
  readonly reported: JsonObject
  readonly reportedMetadata: JsonObject
  readonly reportedVersion: number
  readonly version: number
  readonly etagVersion: number
}

/** Both property sections of a twin as JSON documents. */
export type Properties = { readonly desired: JsonObject; readonly reported: JsonObject }

/** The answer to a device that reads its twin by MQTT: neither tags nor metadata. */
export function deviceView(row: TwinRow): Properties {
  return {
    desired: { ...row.desired, $version: row.desiredVersion },
    reported: { ...row.reported, $version: row.reportedVersion },
  }
}

/** The properties of a twin for services, each section with its `$metadata` and `$version`. */
export function serviceView(row: TwinRow): Properties {
  return {
    desired: { ...row.desired, $metadata: row.desiredMetadata, $version: row.desiredVersion },
    reported: { ...row.reported, $metadata: row.reportedMetadata, $version: row.reportedVersion },
  }
}

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
