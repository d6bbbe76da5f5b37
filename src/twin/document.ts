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

/** The sections of a twin that services write. */
export type ServiceSide = Pick<
  TwinRow,
  'deviceId' | 'tags' | 'desired' | 'desiredMetadata' | 'desiredVersion' | 'version' | 'etagVersion'
>

/** The section of a twin that the device writes. */
export type DeviceSide = Pick<TwinRow, 'deviceId' | 'reported' | 'reportedMetadata' | 'reportedVersion' | 'version'>

/** A side whose documents are JSON texts. */
export type TextsOf<Side> = { readonly [Name in keyof Side]: Side[Name] extends JsonObject ? string : Side[Name] }

/** The sections that services write, printed. */
export const serviceTexts = (twin: ServiceSide): TextsOf<ServiceSide> => ({
  ...twin,
  tags: JSON.stringify(twin.tags),
  desired: JSON.stringify(twin.desired),
  desiredMetadata: JSON.stringify(twin.desiredMetadata),
})

/** The section that the device writes, printed. */
export const deviceTexts = (twin: DeviceSide): TextsOf<DeviceSide> => ({
  ...twin,
  reported: JSON.stringify(twin.reported),
  reportedMetadata: JSON.stringify(twin.reportedMetadata),
})

/** Both property sections of a twin as JSON documents. */
export type Properties = { readonly desired: JsonObject; readonly reported: JsonObject }

/** Both property sections of a twin as text, as PostgreSQL prints jsonb, with their versions. */
export type PropertyTexts = Pick<TwinRow, 'desiredVersion' | 'reportedVersion'> & {
  readonly desired: string
  readonly reported: string
}

/** Characters of a section from which on it is passed on as it is: parsing and printing it would take milliseconds. */
const longText = 8 * 1024

/** A section for a device as text, with its version. PostgreSQL prints spaces, which a short one loses. */
export const deviceSection = (text: string, version: number): string =>
  withVersion(text.length < longText ? JSON.stringify(JSON.parse(text)) : text, version)

/**
 * The text of a JSON object with `$version` as its last member. The hub keeps no such key in a section, so it is
 * unique.
 */
export const withVersion = (object: string, version: number): string =>
  object === '{}' ? `{"$version":${version}}` : `${object.slice(0, -1)},"$version":${version}}`

/** The answer to a device that reads its twin by MQTT, as text: neither tags nor metadata. */
export const deviceView = ({ desired, desiredVersion, reported, reportedVersion }: PropertyTexts): string =>
  `{"desired":${deviceSection(desired, desiredVersion)},"reported":${deviceSection(reported, reportedVersion)}}`

/** The properties of a twin for services, each section with its `$metadata` and `$version`. */
export function serviceView(row: TwinRow): Properties {
  return {
    desired: { ...row.desired, $metadata: row.desiredMetadata, $version: row.desiredVersion },
    reported: { ...row.reported, $metadata: row.reportedMetadata, $version: row.reportedVersion },
  }
}
