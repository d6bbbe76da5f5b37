// Twins in the format of IoT Hub's clients. Pure: values in, values out.

import { membersOf } from './wire.ts'

/**
 * The members of a twin document in addition to tags and properties. Clients read a twin, change it and send all of it
 * back, so these are ignored; any other unexpected member is refused when the patch is checked (twin/check-patch.ts).
 */
const readOnly: ReadonlySet<string> = new Set([
  'deviceId',
  'moduleId',
  'modelId',
  'etag',
  'deviceEtag',
  'version',
  'status',
  'statusReason',
  'statusUpdateTime',
  'connectionState',
  'lastActivityTime',
  'cloudToDeviceMessageCount',
  'authenticationType',
  'x509Thumbprint',
  'capabilities',
  'deviceScope',
  'parentScopes',
  'configurations',
])

type Path = readonly string[]

/**
 * The tags and desired properties in a twin document, unchecked. Members that services cannot write are ignored,
 * including reported properties: C# always sends them, and the Azure CLI, IoT Explorer and the SDKs send back the whole
 * twin. InvalidInputError when the document, or its properties, are not an object.
 */
export function twinChangeFrom(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  const writable = Object.entries(membersOf(value, path)).filter(([name]) => !readOnly.has(name))
  const { properties, ...others } = Object.fromEntries(writable)
  if (properties === undefined) return others
  const { reported, ...writableProperties } = membersOf(properties, [...path, 'properties'])
  return { ...others, properties: writableProperties }
}

/** The same for the replacement of a twin: a section that is null is emptied. */
export function twinReplacementFrom(value: unknown): Readonly<Record<string, unknown>> {
  const { properties: given, ...members } = membersOf(value, [])
  const { tags, properties, ...others } = twinChangeFrom({ ...members, properties: given ?? {} }, [])
  const { desired, ...otherProperties } = membersOf(properties, ['properties'])
  return {
    ...others,
    ...(tags !== undefined && { tags: tags ?? {} }),
    properties: { ...otherProperties, ...(desired !== undefined && { desired: desired ?? {} }) },
  }
}
