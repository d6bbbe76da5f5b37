import type { Deps } from '../deps.ts'
import { createDevice, deleteDevice, type NewDeviceInput, updateDevice } from '../device/commands.ts'
import { checkDeviceId } from '../device/identity.ts'
import { AlreadyExistsError, InvalidInputError } from '../errors.ts'
import { everything } from '../scope.ts'
import { checkTwinPatch, type TwinPatch } from '../twin/check-patch.ts'
import { patchTwin } from '../twin/commands.ts'
import type { TwinLimits } from '../twin/size-limit.ts'
import { identityFrom } from './device-wire.ts'
import { failureOf, RestError } from './errors.ts'
import { twinChangeFrom } from './twin-wire.ts'
import { memberIn, membersOf } from './wire.ts'

/** Maximum number of devices in one request (IoT Hub). */
export const maxBulkDevices = 100
/** Maximum bytes of such a request: 10 KB per device. */
export const maxBulkBytes = 1024 * 1024

/** The failure of one device. */
export type BulkError = {
  readonly deviceId: string
  readonly errorCode: string
  readonly errorStatus: string
  readonly operation: string
}

/** One device of the request. Etags are those of the identity and of the twin. */
type Item = {
  readonly deviceId: string
  readonly mode: string
  readonly device: NewDeviceInput
  readonly patch: TwinPatch | undefined
  readonly etag: unknown
  readonly twinEtag: unknown
  /** Whose request it is, for whose turns the check of the twin counts. */
  readonly caller: string
}

/** The operation of each mode, by its name in lower case: SDKs do not agree on the case. */
const modes: Readonly<Record<string, (deps: Deps, item: Item) => Promise<void>>> = {
  create,
  update: (deps, item) => update(deps, item, '*'),
  updateifmatchetag: (deps, item) => update(deps, item, etagIn(item.etag, 'eTag')),
  createorupdate: (deps, item) => createOr(deps, item, () => update(deps, item, '*')),
  createorupdateifmatchetag: (deps, item) => createOr(deps, item, () => update(deps, item, etagIn(item.etag, 'eTag'))),
  delete: (deps, { deviceId }) => deleteDevice(deps, everything, { deviceId, ifMatch: '*' }),
  deleteifmatchetag: (deps, { deviceId, etag }) =>
    deleteDevice(deps, everything, { deviceId, ifMatch: etagIn(etag, 'eTag') }),
  updatetwin: (deps, item) => updateTwin(deps, item, '*'),
  updatetwinifmatchetag: (deps, item) => updateTwin(deps, item, etagIn(item.twinEtag, 'twinETag')),
}

/**
 * Executes a bulk request, device by device in the given order, and returns the failures. Throws errors that do not
 * concern a single device.
 */
export async function applyBulk(deps: Deps, elements: readonly unknown[], caller: string): Promise<BulkError[]> {
  const errors: BulkError[] = []
  const seen = new Set<string>()
  for (const element of elements) {
    const { id, importMode } = namesIn(element)
    try {
      const item = { ...readItem(element, deps.limits), caller }
      if (seen.has(item.deviceId)) {
        throw new RestError(
          'DeviceDefinedMultipleTimes',
          `The device id "${item.deviceId}" occurs more than once in this request.`,
        )
      }
      seen.add(item.deviceId)
      await modes[item.mode]?.(deps, item)
    } catch (error) {
      const failure = failureOf(error)
      if (failure === undefined) throw error
      errors.push({ deviceId: id, errorCode: failure.name, errorStatus: failure.message, operation: importMode })
    }
  }
  return errors
}

/** The names of the device and of the operation for an answer, however malformed the element is. */
function namesIn(element: unknown): { id: string; importMode: string } {
  const text = (name: string): string => {
    const value = memberIn(element, name)
    return typeof value === 'string' ? value.slice(0, 128) : ''
  }
  return { id: text('id'), importMode: text('importMode') }
}

function readItem(element: unknown, limits: TwinLimits): Omit<Item, 'caller'> {
  const members = membersOf(element, [])
  const mode = modeIn(members.importMode ?? 'create')
  const deviceId = checkDeviceId(members.id, ['id'])
  const { tags, properties } = members
  const twin = twinChangeFrom(
    {
      ...(tags !== undefined && tags !== null && { tags }),
      ...(properties !== undefined && properties !== null && { properties }),
    },
    [],
  )
  return {
    deviceId,
    mode,
    device: { deviceId, ...identityFrom(members), twin },
    patch: Object.keys(twin).length === 0 ? undefined : checkTwinPatch(twin, [], limits),
    etag: members.eTag ?? members.etag,
    twinEtag: members.twinETag ?? members.twinEtag,
  }
}

function modeIn(value: unknown): string {
  const mode = typeof value === 'string' ? value.toLowerCase() : ''
  if (Object.hasOwn(modes, mode)) return mode
  const message =
    'importMode must be create, update, createOrUpdate, delete or updateTwin. All but create may end with IfMatchETag.'
  throw new InvalidInputError(['importMode'], message)
}

function etagIn(value: unknown, name: string): string {
  if (typeof value === 'string' && value !== '') return value
  throw new InvalidInputError([name], `This importMode requires ${name}.`)
}

async function create(deps: Deps, item: Item): Promise<void> {
  await createDevice(deps, everything, item.device, item)
}

async function createOr(deps: Deps, item: Item, otherwise: () => Promise<void>): Promise<void> {
  try {
    await create(deps, item)
  } catch (error) {
    if (!(error instanceof AlreadyExistsError)) throw error
    await otherwise()
  }
}

/** The twin's etag, if given, protects the twin. */
async function update(deps: Deps, item: Item, ifMatch: string): Promise<void> {
  const { status, statusReason, authentication, capabilities } = item.device
  await updateDevice(deps, everything, {
    deviceId: item.deviceId,
    ifMatch,
    status,
    statusReason,
    authentication,
    capabilities,
  })
  if (item.patch !== undefined) {
    await updateTwin(deps, item, typeof item.twinEtag === 'string' && item.twinEtag !== '' ? item.twinEtag : '*')
  }
}

function updateTwin(deps: Deps, { deviceId, patch = {} }: Item, ifMatch: string): Promise<void> {
  return patchTwin(deps, everything, { deviceId, patch, ifMatch })
}
