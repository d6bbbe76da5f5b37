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
