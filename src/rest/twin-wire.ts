// Twins as IoT Hub's clients write them. Nothing here touches anything: values in, values out.

import { membersOf } from './wire.ts'

/**
 * What a twin document holds besides tags and properties. Clients read a twin, change it and send all of it back, so
 * these are passed over; any other stray member is refused when the patch is checked (twin/limits.ts).
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
 * The tags and desired properties in a twin document, unchecked. What services cannot write is passed over, the reported
 * properties too: C# always sends them, and the Azure CLI, IoT Explorer and the SDKs send back the whole twin.
 * InvalidInputError when the document, or its properties, are no object.
 */
export function twinChangeFrom(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  const writable = Object.entries(membersOf(value, path)).filter(([name]) => !readOnly.has(name))
  const { properties, ...others } = Object.fromEntries(writable)
  if (properties === undefined) return others
  const { reported, ...writableProperties } = membersOf(properties, [...path, 'properties'])
  return { ...others, properties: writableProperties }
}

/** The same for a twin that is to be replaced: a section that is null is emptied. */
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
