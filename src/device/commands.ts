import { randomBytes, randomUUID } from 'node:crypto'
import type { Asker } from '../database/bounded-read.ts'
import { inTransaction } from '../database/client.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { AlreadyExistsError, DomainError, NotFoundError, PreconditionError } from '../errors.ts'
import { etagMatches } from '../etag.ts'
import { type JsonObject, membersOf } from '../json/json.ts'
import { JsonText } from '../json/json-text.ts'
import { outsideScope } from '../query/scope.ts'
import { type Everything, isEverything, type Scope } from '../scope.ts'
import { firstReportedMetadata, firstTwin } from '../twin/changes.ts'
import { chunkBytes, hasMoreMembers, statementBytes, threadMembers, turnBytes } from '../twin/size.ts'
import {
  checkAuthentication,
  checkCapabilities,
  checkDeviceId,
  checkStatus,
  checkStatusReason,
  keyLength,
  makeKey,
  type SymmetricKey,
} from './identity.ts'
import {
  type DeviceRow,
  findDevices,
  findExistingIds,
  type Identity,
  insertDevices,
  lockIdentity,
  type NewDevice,
  removeDevice,
  saveIdentity,
} from './store.ts'

/** A device as a client requests it, unchecked. `twin` is a twin patch: the initial tags and desired properties. */
export type NewDeviceInput = {
  readonly deviceId: unknown
  readonly status?: unknown
  readonly statusReason?: unknown
  readonly authentication?: unknown
  readonly capabilities?: unknown
  readonly twin?: unknown
}

const makeKeys = (): SymmetricKey => ({
  primaryKey: makeKey(randomBytes(keyLength)),
  secondaryKey: makeKey(randomBytes(keyLength)),
})

/**
 * The first twin of a device. `written` is the bytes that the database writes, and `bytes` is what the work of the hub on it
 * counts for: the same, without desired properties that another device of the request has, too.
 */
type CheckedTwin = Pick<NewDevice, 'tags' | 'desired' | 'desiredMetadata' | 'desiredVersion'> & {
  readonly bytes: number
  readonly written: number
}

/**
 * Checks first twins, large ones in the thread for them. Devices may share the value of a variable: as desired properties of
 * thousands of members it is checked once, and the result is shared, too.
 */
function createTwinCheck(
  { twinThread, limits: { twinBytes, twinMembers }, longTurns }: Pick<Deps, 'twinThread' | 'limits' | 'longTurns'>,
  now: Date,
  caller: string,
): (twin: unknown) => Promise<CheckedTwin> {
  const context = { now, limits: { twinBytes, twinMembers } }
  const known = new WeakMap<object, CheckedTwin>()
  const checkLarge = async (twin: unknown): Promise<CheckedTwin> => {
    const { tags, desired, desiredMetadata, ...first } = await twinThread.run('firstTwin', { twin, ...context })
    return {
      ...first,
      tags: new JsonText(tags),
      desired: new JsonText(desired),
      desiredMetadata: new JsonText(desiredMetadata),
      written: first.bytes,
    }
  }
  const checkSmall = (twin: unknown): CheckedTwin => {
    const first = firstTwin(twin, context)
    return { ...first, written: first.bytes }
  }
  const check = async (twin: unknown): Promise<CheckedTwin> =>
    hasMoreMembers(twin, threadMembers) ? await checkLarge(twin) : longTurns.count(caller, () => checkSmall(twin))
  return async (twin) => {
    const shared = desiredIn(twin)
    if (shared === undefined) return await check(twin)
    const before = known.get(shared)
    if (before === undefined) {
      const first = await check(twin)
      known.set(shared, first)
      return first
    }
    const { desired, desiredMetadata, desiredVersion } = before
    const { tags, bytes } = await check(withDesired(twin, {}))
    return { tags, desired, desiredMetadata, desiredVersion, bytes, written: bytes + before.written }
  }
}

/** The desired properties of a twin that is not checked yet, if they are an object. */
function desiredIn(twin: unknown): object | undefined {
  const desired = membersOf(membersOf(twin).properties).desired
  return typeof desired === 'object' && desired !== null ? desired : undefined
}

const withDesired = (twin: unknown, desired: object): unknown => ({
  ...membersOf(twin),
  properties: { ...membersOf(membersOf(twin).properties), desired },
})

/** The device with its first twin. */
function checkNewDevice(input: NewDeviceInput, now: Date, twin: CheckedTwin): NewDevice {
  return {
    id: checkDeviceId(input.deviceId, ['deviceId']),
    generationId: randomUUID(),
    status: checkStatus(input.status, ['status']),
    statusReason: checkStatusReason(input.statusReason, ['statusReason']),
    authentication: checkAuthentication(input.authentication, ['authentication'], makeKeys),
    iotEdge: checkCapabilities(input.capabilities, ['capabilities']),
    tags: twin.tags,
    desired: twin.desired,
    desiredMetadata: twin.desiredMetadata,
    desiredVersion: twin.desiredVersion,
    reportedMetadata: firstReportedMetadata(now),
  }
}

/**
 * Creates devices independently: a fault in one does not affect the others. Returns, in the given order, the id or the
 * InvalidInputError or AlreadyExistsError; of two devices with the same id, the first is created. Some may come with
 * large twins, so the work of one turn is counted in bytes. A device that is not in the scope is not created. `note` gets
 * the number of failures before the commit, for the audit.
 */
export function createDevices(
  deps: Deps,
  scope: Scope,
  inputs: readonly NewDeviceInput[],
  asker?: Pick<Asker, 'caller'> & { readonly note?: (more: JsonObject) => void },
): Promise<readonly (string | DomainError)[]> {
  return inTransaction(deps, async (tx, afterCommit) => {
    const results = await insertEach(deps, tx, scope, inputs, asker)
    const deviceIds = results.filter((result) => typeof result === 'string')
    afterCommit(() => deps.events.publish('registered', { deviceIds }))
    const failures = results.filter((result) => typeof result !== 'string').length
    if (failures > 0) asker?.note?.({ failures })
    return results
  })
}

async function insertEach(
  deps: Deps,
  tx: Tx,
  scope: Scope,
  inputs: readonly NewDeviceInput[],
  { caller }: Pick<Asker, 'caller'> = { caller: '' },
): Promise<readonly (string | DomainError)[]> {
  const now = deps.clock.now()
  const checkTwin = createTwinCheck(deps, now, caller)
  const results: (string | DomainError)[] = []
  let chunk: { readonly device: NewDevice; readonly place: number }[] = []
  let done = { turn: 0, chunk: 0, written: 0 }
  const insert = async (): Promise<void> => {
    const created = await insertDevices(
      tx,
      chunk.map(({ device }) => device),
      now,
    )
    const outside = await removeOutside(tx, scope, created)
    for (const { device, place } of chunk) {
      results[place] = outside.has(device.id)
        ? outsideScope(scope, ['twin'])
        : created.has(device.id)
          ? device.id
          : new AlreadyExistsError('device', device.id)
    }
    chunk = []
    done = { ...done, chunk: 0, written: 0 }
  }
  const ids = new Set<string>()
  // In the order of their ids, like every transaction that locks several devices.
  for (const [place, input] of inOrderOfIds(inputs)) {
    try {
      const twin = await checkTwin(input.twin)
      const { bytes, written } = twin
      const device = checkNewDevice(input, now, twin)
      if (ids.has(device.id)) throw new AlreadyExistsError('device', device.id)
      ids.add(device.id)
      chunk.push({ device, place })
      done = { turn: done.turn + bytes, chunk: done.chunk + bytes, written: done.written + written }
    } catch (error) {
      if (!(error instanceof DomainError)) throw error
      results[place] = error
      // It may have been checked to its last member.
      if (input.twin !== undefined && input.twin !== null) done = { ...done, turn: turnBytes }
    }
    // Before the insertion, because that prints what was checked: it is as much work again.
    if (done.turn >= turnBytes) {
      done = { ...done, turn: 0 }
      await deps.clock.giveWay()
    }
    if (done.chunk >= chunkBytes || done.written >= statementBytes) await insert()
  }
  if (chunk.length > 0) await insert()
  return results
}

/** Deletes those of the new devices that are not in the scope, and returns their ids. */
async function removeOutside(tx: Tx, scope: Scope, created: ReadonlySet<string>): Promise<ReadonlySet<string>> {
  if (isEverything(scope) || created.size === 0) return new Set()
  const inside = await findExistingIds(tx, scope, [...created])
  const outside = new Set([...created].filter((id) => !inside.has(id)))
  for (const id of outside) await removeDevice(tx, id)
  return outside
}

/** The inputs with their indexes, ordered by id; inputs with the same id keep their order. */
function inOrderOfIds(inputs: readonly NewDeviceInput[]): (readonly [place: number, input: NewDeviceInput])[] {
  const idOf = ({ deviceId }: NewDeviceInput): string => (typeof deviceId === 'string' ? deviceId : '')
  return [...inputs.entries()].sort(([, one], [, other]) =>
    idOf(one) < idOf(other) ? -1 : idOf(one) > idOf(other) ? 1 : 0,
  )
}

/** Creates one device and returns its id. InvalidInputError, AlreadyExistsError. */
export function createDevice(
  deps: Deps,
  scope: Scope,
  input: NewDeviceInput,
  asker?: Pick<Asker, 'caller'>,
): Promise<string> {
  return inTransaction(deps, async (tx, afterCommit) => {
    const [result] = await insertEach(deps, tx, scope, [input], asker)
    // Within the transaction: whatever else it has written, such as who created the device, is undone.
    if (typeof result !== 'string') throw result
    afterCommit(() => deps.events.publish('registered', { deviceIds: [result] }))
    return result
  })
}

/** A change of a device's identity; members that are left out do not change. */
export type DeviceUpdate = {
  readonly deviceId: string
  /** An etag, or `*` for any. */
  readonly ifMatch: string
  readonly status?: unknown
  readonly statusReason?: unknown
  readonly authentication?: unknown
  readonly capabilities?: unknown
}

async function lockMatching(
  tx: Tx,
  scope: Scope,
  { deviceId, ifMatch }: Pick<DeviceUpdate, 'deviceId' | 'ifMatch'>,
): Promise<Identity> {
  const device = await lockIdentity(tx, scope, deviceId)
  if (device === undefined) throw new NotFoundError('device', deviceId)
  if (!etagMatches(ifMatch, device.etagVersion)) {
    throw new PreconditionError(`The device "${deviceId}" has changed: its etag is no longer ${ifMatch}.`)
  }
  return device
}

/**
 * Changes a device's identity. A device that may no longer connect is disconnected. NotFoundError, PreconditionError,
 * InvalidInputError, also when the device would leave the scope.
 */
export function updateDevice(deps: Deps, scope: Scope, update: DeviceUpdate): Promise<void> {
  return inTransaction(deps, async (tx, afterCommit) => {
    const device = await lockMatching(tx, scope, update)
    const status = update.status === undefined ? device.status : checkStatus(update.status, ['status'])
    const { authentication } = device
    const presentKeys = authentication.type === 'sas' ? () => authentication.symmetricKey : makeKeys
    await saveIdentity(
      tx,
      {
        ...device,
        status,
        statusReason:
          update.statusReason === undefined
            ? device.statusReason
            : checkStatusReason(update.statusReason, ['statusReason']),
        authentication:
          update.authentication === undefined
            ? authentication
            : checkAuthentication(update.authentication, ['authentication'], presentKeys),
        iotEdge:
          update.capabilities === undefined ? device.iotEdge : checkCapabilities(update.capabilities, ['capabilities']),
      },
      status !== device.status,
      deps.clock.now(),
    )
    if (!isEverything(scope) && !(await findExistingIds(tx, scope, [device.id])).has(device.id))
      throw outsideScope(scope, [])
    afterCommit(() => deps.events.publish('identity', { deviceId: update.deviceId }))
  })
}

/** Deletes a device and its twin, and closes its connection. NotFoundError, PreconditionError. */
export function deleteDevice(
  deps: Deps,
  scope: Scope,
  target: Pick<DeviceUpdate, 'deviceId' | 'ifMatch'>,
): Promise<void> {
  return inTransaction(deps, async (tx, afterCommit) => {
    await lockMatching(tx, scope, target)
    await removeDevice(tx, target.deviceId)
    afterCommit(() => deps.events.publish('identity', { deviceId: target.deviceId }))
  })
}

/** The device as it is. NotFoundError. */
export async function readDevice(deps: Pick<Deps, 'db'>, scope: Everything, deviceId: string): Promise<DeviceRow> {
  const [device] = await findDevices(deps.db, scope, { ids: [deviceId], limit: 1 })
  if (device === undefined) throw new NotFoundError('device', deviceId)
  return device
}
