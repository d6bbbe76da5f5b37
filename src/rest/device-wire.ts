// Device identities in IoT Hub's format. Pure: values in, values out.

import type { NewDeviceInput } from '../device/commands.ts'
import type { Authentication } from '../device/identity.ts'
import type { DeviceRow } from '../device/store.ts'
import { etagOf } from '../etag.ts'
import { checkSameId, membersOf, timeText } from './wire.ts'

/** A device as the registry shows it, including its keys. */
export function deviceDocument(device: DeviceRow): object {
  return {
    deviceId: device.id,
    generationId: device.generationId,
    etag: etagOf(device.etagVersion),
    connectionState: device.connectionState === 'connected' ? 'Connected' : 'Disconnected',
    status: device.status,
    statusReason: device.statusReason,
    connectionStateUpdatedTime: timeText(device.connectionStateUpdatedTime),
    statusUpdatedTime: timeText(device.statusUpdatedTime),
    lastActivityTime: timeText(device.lastActivityTime),
    cloudToDeviceMessageCount: 0,
    authentication: authenticationDocument(device.authentication),
    capabilities: { iotEdge: device.iotEdge },
  }
}

/** All members are present whatever the type, as in IoT Hub. */
function authenticationDocument(authentication: Authentication): object {
  const { type } = authentication
  return {
    symmetricKey: type === 'sas' ? authentication.symmetricKey : { primaryKey: null, secondaryKey: null },
    x509Thumbprint:
      type === 'selfSigned' ? authentication.x509Thumbprint : { primaryThumbprint: null, secondaryThumbprint: null },
    type,
  }
}

/**
 * The requested identity, unchecked and whole: members that are left out get their default (except keys, which an
 * update keeps). Read-only members are ignored.
 */
export function identityFrom(
  device: Readonly<Record<string, unknown>>,
): Required<Pick<NewDeviceInput, 'status' | 'statusReason' | 'authentication' | 'capabilities'>> {
  return {
    status: device.status ?? null,
    statusReason: device.statusReason ?? null,
    authentication: device.authentication ?? {},
    capabilities: device.capabilities ?? {},
  }
}

/** The identity in the body of a PUT. InvalidInputError. */
export function deviceFrom(body: unknown, deviceId: string): ReturnType<typeof identityFrom> & { deviceId: string } {
  const device = membersOf(body, [])
  checkSameId(device.deviceId, deviceId, 'deviceId')
  return { deviceId, ...identityFrom(device) }
}
