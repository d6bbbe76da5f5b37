import { noteKeysRead } from '../audit/commands.ts'
import { devicesDetail } from '../audit/entry.ts'
import { readInTime } from '../database/bounded-read.ts'
import { createDevice, deleteDevice, readDevice, updateDevice } from '../device/commands.ts'
import { type DeviceRow, findDevices, readDeviceStatistics } from '../device/store.ts'
import { InvalidInputError } from '../errors.ts'
import { etagOf } from '../etag.ts'
import { everything } from '../scope.ts'
import { applyBulk, maxBulkBytes, maxBulkDevices } from './bulk.ts'
import { deviceDocument, deviceFrom } from './device-wire.ts'
import { RestError } from './errors.ts'
import { answer, askerOf, type Call, type Route, type ViewerCall } from './route.ts'
import { memberIn } from './wire.ts'

const maxListed = 1000

async function listDevices(call: ViewerCall): Promise<Response> {
  const { deps, query } = call
  const top = query.get('top')
  if (top !== null && !/^0*[1-9]\d{0,8}$/.test(top)) {
    throw new InvalidInputError(['top'], 'top must be a whole number of at least 1.')
  }
  const devices = await findDevices(deps.db.reads, everything, { limit: Math.min(Number(top ?? maxListed), maxListed) })
  await noteKeys(call, devices)
  return answer(devices.map(deviceDocument))
}

/** Writes into the audit that the client reads the keys of these devices, before they are sent. */
function noteKeys({ deps, viewer, address }: ViewerCall, devices: readonly DeviceRow[]): Promise<void> {
  const ids = devices.filter(({ authentication }) => authentication.type === 'sas').map(({ id }) => id)
  return noteKeysRead(deps, { actor: viewer, address }, ids)
}

async function getDevice(call: ViewerCall): Promise<Response> {
  const device = await readDevice(call.deps, everything, call.id)
  await noteKeys(call, [device])
  return answerDevice(device)
}

const answerDevice = (device: DeviceRow): Response =>
  answer(deviceDocument(device), { etag: `"${etagOf(device.etagVersion)}"` })

/** Without If-Match, a PUT only creates; with it, it only replaces. */
async function putDevice(call: Call): Promise<Response> {
  const { deps, id, body, headers } = call
  const device = deviceFrom(body, id)
  const ifMatch = headers.get('if-match')
  if (ifMatch === null) await createDevice(deps, everything, device, call)
  else await updateDevice(deps, everything, { ...device, ifMatch })
  return answerDevice(await readDevice(deps, everything, id))
}

async function removeDevice({ deps, id, headers }: Call): Promise<Response> {
  await deleteDevice(deps, everything, { deviceId: id, ifMatch: headers.get('if-match') ?? '*' })
  return new Response(null, { status: 204 })
}

async function changeDevices(call: Call): Promise<Response> {
  const { deps, body } = call
  if (!Array.isArray(body) || body.length === 0) {
    throw new InvalidInputError([], `The body must be an array of 1 to ${maxBulkDevices} devices.`)
  }
  if (body.length > maxBulkDevices) {
    throw new RestError(
      'TooManyDevices',
      `The request has ${body.length} devices. At most ${maxBulkDevices} are allowed.`,
    )
  }
  const errors = await deps.db.bulkWrite(askerOf(call), () => applyBulk(deps, body, call.caller))
  if (errors.length > 0) call.note({ failures: errors.length })
  const result = { isSuccessful: errors.length === 0, errors, warnings: [] }
  if (errors.length === 0) return answer(result)
  return Response.json(result, {
    status: 400,
    headers: {
      'content-type': 'application/json; charset=utf-8',
      'iothub-errorcode': 'BulkRegistryOperationFailure',
    },
  })
}

async function deviceStatistics(call: Call): Promise<Response> {
  const { totalCount, enabledCount } = await readInTime(call.deps, askerOf(call), (db) =>
    readDeviceStatistics(db, everything),
  )
  return answer({
    totalDeviceCount: totalCount,
    enabledDeviceCount: enabledCount,
    disabledDeviceCount: totalCount - enabledCount,
  })
}

async function serviceStatistics(call: Call): Promise<Response> {
  const { connectedCount } = await readInTime(call.deps, askerOf(call), (db) => readDeviceStatistics(db, everything))
  return answer({ connectedDeviceCount: connectedCount })
}

/** The registry of devices. */
export const deviceRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/devices',
    operationId: 'listDevices',
    summary: 'Lists devices by id, without paging.',
    right: 'readDevices',
    throttle: 'registry',
    parameters: ['top'],
    answer: { status: 200, schema: 'Devices' },
    handle: listDevices,
  },
  {
    method: 'POST',
    path: '/devices',
    operationId: 'changeDevices',
    summary: `Creates, changes or deletes up to ${maxBulkDevices} devices, each independently of the others. Returns 400 with the same body if any of them is refused.`,
    right: 'writeDevices',
    throttle: 'registry',
    audit: (body) => (Array.isArray(body) ? devicesDetail(body.map((element) => memberIn(element, 'id'))) : null),
    body: { schema: 'BulkRequest', maxBytes: maxBulkBytes },
    answer: { status: 200, schema: 'BulkResult' },
    handle: changeDevices,
  },
  {
    method: 'GET',
    path: '/devices/{deviceId}',
    operationId: 'getDevice',
    summary: 'A device with its keys.',
    right: 'readDevices',
    throttle: 'registry',
    answer: { status: 200, schema: 'Device' },
    handle: getDevice,
  },
  {
    method: 'PUT',
    path: '/devices/{deviceId}',
    operationId: 'createOrUpdateDevice',
    summary: 'Creates a device. With If-Match, replaces the identity of an existing device.',
    right: 'writeDevices',
    throttle: 'registry',
    // The answer has the keys of the device.
    audit: () => ({ keysRead: true }),
    parameters: ['If-Match'],
    body: { schema: 'Device' },
    answer: { status: 200, schema: 'Device' },
    handle: putDevice,
  },
  {
    method: 'DELETE',
    path: '/devices/{deviceId}',
    operationId: 'deleteDevice',
    summary: 'Deletes a device and its twin, and closes its connection.',
    right: 'writeDevices',
    throttle: 'registry',
    audit: () => null,
    parameters: ['If-Match'],
    answer: { status: 204 },
    handle: removeDevice,
  },
  {
    method: 'GET',
    path: '/statistics/devices',
    operationId: 'getDeviceStatistics',
    summary: 'The number of devices.',
    right: 'readDevices',
    throttle: 'registry',
    answer: { status: 200, schema: 'DeviceStatistics' },
    handle: deviceStatistics,
  },
  {
    method: 'GET',
    path: '/statistics/service',
    operationId: 'getServiceStatistics',
    summary: 'The number of connected devices.',
    right: 'readDevices',
    throttle: 'registry',
    answer: { status: 200, schema: 'ServiceStatistics' },
    handle: serviceStatistics,
  },
]
