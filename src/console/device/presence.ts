import type { ConnectionState, DeviceStatus } from '../../generated/console/graphql.ts'

/** The fields that are reported when a device connects or disconnects. */
type Reported = {
  readonly id: string
  readonly connectionState: ConnectionState
  readonly lastActivityTime: string | null
  readonly status: DeviceStatus
}

/**
 * The rows with the latest reported state of their devices; the same array if nothing changed. Rows keep their places, and
 * devices that are not in the list are ignored. A batch that was read before the row changes nothing.
 */
export function mergePresence<Row extends Reported>(rows: readonly Row[], reported: readonly Row[]): readonly Row[] {
  const latest = new Map<string, Row>()
  for (const row of reported) latest.set(row.id, newerOf(latest.get(row.id), row))
  let changed = false
  const merged = rows.map((row) => {
    const news = latest.get(row.id)
    if (news === undefined || newerOf(row, news) === row) return row
    changed = true
    return news
  })
  return changed ? merged : rows
}

/** The later of two states of one device, by its last activity. If they are equal, the second. */
export function newerOf<Row extends Reported>(known: Row | undefined, reported: Row): Row {
  return known !== undefined && momentOf(known) > momentOf(reported) ? known : reported
}

/** The rows without those of deleted devices; the same array when none was deleted. */
export function withoutDeleted<Row extends { readonly deviceId: string }>(
  rows: readonly Row[],
  deleted: ReadonlySet<string>,
): readonly Row[] {
  const left = rows.filter(({ deviceId }) => !deleted.has(deviceId))
  return left.length === rows.length ? rows : left
}

const momentOf = ({ lastActivityTime }: Reported): number =>
  lastActivityTime === null ? Number.NEGATIVE_INFINITY : new Date(lastActivityTime).getTime()
