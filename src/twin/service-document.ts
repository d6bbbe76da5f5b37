import { etagOf } from '../etag.ts'
import type { JsonObject } from '../json/json.ts'
import { serviceView, type TwinRow } from './document.ts'

/** The device's part of a twin document. */
export type TwinDevice = {
  readonly id: string
  readonly etagVersion: number
  readonly status: string
  readonly statusReason: string | null
  readonly statusUpdatedTime: Date | null
  readonly authentication: {
    readonly type: string
    readonly x509Thumbprint?: { readonly primaryThumbprint: string | null; readonly secondaryThumbprint: string | null }
  }
  readonly iotEdge: boolean
  readonly modelId: string
  readonly connectionState: string
  readonly lastActivityTime: Date | null
}

/** IoT Hub's value for a missing time. */
const never = '0001-01-01T00:00:00Z'

const noThumbprint = { primaryThumbprint: null, secondaryThumbprint: null }

const capitalised = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1)

/**
 * A twin as services see it, with the names and order of IoT Hub. Conditions and projections use the same document
 * (query/fields.ts); it only leaves out an empty `statusReason`.
 */
export function twinDocument(device: TwinDevice, twin: TwinRow): JsonObject {
  const { desired, reported } = serviceView(twin)
  return { ...identityIn(device, twin), tags: twin.tags, properties: { desired, reported } }
}

/** The same as text, from documents that are text. */
export function twinText(device: TwinDevice, twin: TwinTextRow): string {
  const section = (text: string, metadata: string, version: number): string =>
    `${text === '{}' ? '{' : `${text.slice(0, -1)}, `}"$metadata": ${metadata}, "$version": ${version}}`
  const desired = section(twin.desired, twin.desiredMetadata, twin.desiredVersion)
  const reported = section(twin.reported, twin.reportedMetadata, twin.reportedVersion)
  const identity = JSON.stringify(identityIn(device, twin)).slice(0, -1)
  return `${identity},"tags":${twin.tags},"properties":{"desired":${desired},"reported":${reported}}}`
}

/** A twin whose documents are text as PostgreSQL prints jsonb. */
export type TwinTextRow = Pick<
  TwinRow,
  'deviceId' | 'desiredVersion' | 'reportedVersion' | 'version' | 'etagVersion'
> & {
  readonly tags: string
  readonly desired: string
  readonly desiredMetadata: string
  readonly reported: string
  readonly reportedMetadata: string
}

/** Everything before the documents. */
function identityIn(device: TwinDevice, twin: Pick<TwinRow, 'etagVersion' | 'version'>): JsonObject {
  return {
    deviceId: device.id,
    etag: etagOf(twin.etagVersion),
    deviceEtag: etagOf(device.etagVersion),
    status: device.status,
    ...(device.statusReason !== null && { statusReason: device.statusReason }),
    statusUpdateTime: device.statusUpdatedTime?.toISOString() ?? never,
    connectionState: capitalised(device.connectionState),
    lastActivityTime: device.lastActivityTime?.toISOString() ?? never,
    cloudToDeviceMessageCount: 0,
    authenticationType: device.authentication.type,
    x509Thumbprint: device.authentication.x509Thumbprint ?? noThumbprint,
    modelId: device.modelId,
    version: twin.version,
    capabilities: { iotEdge: device.iotEdge },
  }
}
