import type { ConnectionState, DeviceStatus } from '../../../generated/console/graphql.ts'
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

/** The condition for following some devices: by name, so that also those are told that meet another no longer. */
export function presenceCondition(deviceIds: readonly string[]): string {
  return `deviceId IN [${deviceIds.map(quote).join(', ')}]`
}

const momentOf = ({ lastActivityTime }: Told): number =>
  lastActivityTime === null ? Number.NEGATIVE_INFINITY : new Date(lastActivityTime).getTime()
