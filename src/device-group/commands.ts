import { randomInt } from 'node:crypto'
import type { Actor } from '../actor.ts'
import { inTransaction } from '../database/client.ts'
import { lockDefinitions } from '../database/lock-definitions.ts'
import type { Tx } from '../database/reader.ts'
import type { Deps } from '../deps.ts'
import { ConflictError, NotFoundError, PreconditionError } from '../errors.ts'
import { etagMatches } from '../etag.ts'
import { changeWaveConditions, groupsInWaves } from '../job/wave-conditions.ts'
import { groupsIn, replaceGroups } from '../query/device-groups.ts'
import { checkDeviceGroup, type DeviceGroupInput } from './request.ts'
import {
  countDeviceGroups,
  findGroupConditions,
  findTemplatesWithGroup,
  readGroupVersion,
  removeGroup,
  saveGroup,
} from './store.ts'

/** A group that is created under the name of a deleted one begins elsewhere, so an old etag does not match it. */
const firstVersion = (): number => randomInt(1, 2 ** 30)

const announce = ({ events }: Pick<Deps, 'events'>, id: string): void =>
  events.publish('definition', 'deviceGroup', { id })

/**
 * Creates a group, or replaces the one with this name. With `ifMatch`, only the group with that etag is replaced.
 * InvalidInputError, QueryConditionError, NotFoundError and PreconditionError because of `ifMatch`, ConflictError when
 * there are as many groups as allowed.
 */
export async function saveDeviceGroup(
  deps: Deps,
  by: Actor,
  input: DeviceGroupInput,
  ifMatch?: string | null,
): Promise<void> {
  const group = checkDeviceGroup(input)
  await inTransaction(deps, async (tx, afterCommit) => {
    await lockDefinitions(tx)
    const before = ifMatch == null ? await readGroupVersion(tx, group.name) : await matching(tx, group.name, ifMatch)
    const most = deps.limits.deviceGroups
    if (before === undefined && (await countDeviceGroups(tx)) >= most) {
      throw new ConflictError(
        `The hub has ${most} device groups, which is the maximum (LIMIT_DEVICE_GROUPS). Delete one first.`,
      )
    }
    const version = before === undefined ? firstVersion() : before + 1
    await saveGroup(tx, group, { version, now: deps.clock.now(), by: by.name })
    afterCommit(() => announce(deps, group.name))
  })
}

/**
 * Deletes a group. Jobs that were scheduled with it keep their condition. NotFoundError, PreconditionError, ConflictError while
 * a job template names it.
 */
export async function deleteDeviceGroup(deps: Deps, name: string, ifMatch?: string | null): Promise<void> {
  await inTransaction(deps, async (tx, afterCommit) => {
    await lockDefinitions(tx)
    await matching(tx, name, ifMatch ?? '*')
    const templates = await findTemplatesWithGroup(tx, name)
    if (templates.length > 0) {
      const ids = templates.map((id) => `"${id}"`).join(', ')
      throw new ConflictError(`Job templates name the device group "${name}": ${ids}. Change or delete them first.`)
    }
    await removeGroup(tx, name)
    afterCommit(() => announce(deps, name))
  })
}

/** The counter of the group, which exists and has the etag. */
async function matching(tx: Tx, name: string, ifMatch: string): Promise<number> {
  const version = await readGroupVersion(tx, name)
  if (version === undefined) throw new NotFoundError('device group', name)
  if (etagMatches(ifMatch, version)) return version
  throw new PreconditionError(`The device group "${name}" has changed: its etag is no longer ${ifMatch}.`)
}

/**
 * The condition of a client, in which `group('…')` stands for the condition of a device group, as it is now. Only conditions
 * with groups cost a read. QueryConditionError.
 */
export async function withGroups({ db }: Pick<Deps, 'db'>, condition: string): Promise<string> {
  const names = groupsIn(condition)
  return names.length === 0 ? condition : replaceGroups(condition, await findGroupConditions(db, names))
}

/**
 * The request of a client for a job, with the conditions of device groups in its condition and in those of its waves, as they
 * are now. Only a request with groups costs a read. QueryConditionError; InvalidInputError with the path of the condition of a
 * wave.
 */
export async function withGroupsOfJob<Request extends { readonly queryCondition: string; readonly rollout?: unknown }>(
  { db }: Pick<Deps, 'db'>,
  request: Request,
): Promise<Request> {
  const { queryCondition, rollout } = request
  const names = [...groupsIn(queryCondition), ...groupsInWaves(rollout)]
  if (names.length === 0) return request
  const conditions = await findGroupConditions(db, names)
  return {
    ...request,
    queryCondition: replaceGroups(queryCondition, conditions),
    rollout: changeWaveConditions(rollout, (condition) => replaceGroups(condition, conditions)),
  }
}
