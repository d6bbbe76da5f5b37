import type { ConnectionState, DeviceStatus } from '../../generated/console/graphql.ts'
import { quote } from './address.ts'

/** What is told of a device when it comes or goes. */
type Told = {
  readonly id: string
  readonly connectionState: ConnectionState
  readonly lastActivityTime: string | null
  readonly status: DeviceStatus
}

/**
 * The rows with what was told of their devices since; the same array when that is nothing new. Rows keep their places,
 * and those who are not in the list stay out of it. A batch that was read before the row changes nothing.
 */
export function mergePresence<Row extends Told>(rows: readonly Row[], told: readonly Row[]): readonly Row[] {
  const latest = new Map<string, Row>()
  for (const row of told) latest.set(row.id, newerOf(latest.get(row.id), row))
  let changed = false
  const merged = rows.map((row) => {
    const news = latest.get(row.id)
    if (news === undefined || newerOf(row, news) === row) return row
    changed = true
    return news
  })
  return changed ? merged : rows
}

/** The later of two states of one device: what it was when it last came or went says which. The second of equals. */
export function newerOf<Row extends Told>(known: Row | undefined, told: Row): Row {
  return known !== undefined && momentOf(known) > momentOf(told) ? known : told
}

/** The rows without those of devices that were deleted; the same array when none was. */
export function withoutDeleted<Row extends { readonly deviceId: string }>(
  rows: readonly Row[],
  deleted: ReadonlySet<string>,
): readonly Row[] {
  const left = rows.filter(({ deviceId }) => !deleted.has(deviceId))
  return left.length === rows.length ? rows : left
}

/** Devices of a batch of the present state; one with fewer is its last. */
const batchSize = 100

/**
 * Finds the devices that were deleted, of those that are followed by name. The hub tells of it, but not of what happened
 * while the connection was lost: when the present state has been told again, those are gone that it does not hold.
 */
export function createRollCall(): (
  followed: readonly string[],
  update: { readonly initial: boolean; readonly deviceIds: readonly string[]; readonly deleted: readonly string[] },
) => readonly string[] {
  let present = new Set<string>()
  return (followed, { initial, deviceIds, deleted }) => {
    if (!initial) return deleted
    for (const deviceId of deviceIds) present.add(deviceId)
    if (deviceIds.length === batchSize) return []
    const absent = followed.filter((deviceId) => !present.has(deviceId))
    present = new Set()
    return absent
  }
}

/** The condition for following some devices: by name, so that also those are told that meet another no longer. */
export function presenceCondition(deviceIds: readonly string[]): string {
  return `deviceId IN [${deviceIds.map(quote).join(', ')}]`
}

const momentOf = ({ lastActivityTime }: Told): number =>
  lastActivityTime === null ? Number.NEGATIVE_INFINITY : new Date(lastActivityTime).getTime()
