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

/** The tags and properties in a twin document, unchecked. InvalidInputError when it is no object. */
export function twinChangeFrom(value: unknown, path: Path): Readonly<Record<string, unknown>> {
  return Object.fromEntries(Object.entries(membersOf(value, path)).filter(([name]) => !readOnly.has(name)))
}

/**
 * The same for a twin that is to be replaced: a section that is null is emptied, and the reported properties that a
 * client has read and sends back are passed over.
 */
export function twinReplacementFrom(value: unknown): Readonly<Record<string, unknown>> {
  const { tags, properties, ...others } = twinChangeFrom(value, [])
  const { desired, reported, ...otherProperties } = membersOf(properties ?? {}, ['properties'])
  return {
    ...others,
    ...(tags !== undefined && { tags: tags ?? {} }),
    properties: { ...otherProperties, ...(desired !== undefined && { desired: desired ?? {} }) },
  }
}
