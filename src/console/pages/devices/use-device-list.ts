import { useEffect, useMemo, useRef, useState } from 'react'
import type { DevicesRowFragment as Row } from '../../../generated/console/graphql.ts'
import { conditionOf, type DeviceList, orderOf } from '../../device/address.ts'
import { DevicesListDocument, DevicesPresenceDocument } from '../../device/documents.ts'
import { idsCondition } from '../../device/ids-condition.ts'
import { mergePresence, withoutDeleted } from '../../device/presence.ts'
import { type KeptRows, usePages } from '../../hub/pages.ts'
import { createRollCall } from '../../hub/roll-call.ts'
import { useLiveEvents } from '../../hub/use-subscription.ts'
import { createSight, type Sight } from '../../ui/visible-rows.ts'
import { rowsToFollow } from './subscribed-rows.ts'

/** Milliseconds after rows came into view until they are followed, so that rows that only scroll past are not. */
const rest = 300

/** The list as it was left. */
const keep: KeptRows<Row> = {}

/**
 * The devices of a list, page by page. Those in view are followed by ID, not by the condition of the list: so a device
 * that no longer matches still shows its connection, and a hub with a million devices reports only a few. Deleted devices
 * leave the list.
 */
export function useDeviceList(list: DeviceList) {
  const withTwin = list.columns.length > 0
  const pages = usePages(
    DevicesListDocument,
    { queryCondition: conditionOf(list), orderBy: orderOf(list), withTwin, first: 50 },
    { read: ({ devices }) => devices, keyOf: ({ id }) => id, keep },
  )
  const { rows, update } = pages

  const latest = useRef(rows)
  useEffect(() => {
    latest.current = rows
  })
  const [followed, setFollowed] = useState<readonly string[]>([])
  const { sight, look, stop } = useMemo(() => createWatch(() => latest.current, setFollowed), [])
  useEffect(() => stop, [stop])
  const count = rows.length
  // biome-ignore lint/correctness/useExhaustiveDependencies: more rows may lie around those in sight.
  useEffect(() => look(), [look, count])

  // All that were read may have been deleted since, and others not.
  const isEmptied = count === 0 && pages.hasMore && !pages.loading && pages.error === undefined
  // biome-ignore lint/correctness/useExhaustiveDependencies: once each time; `reload` is another each time.
  useEffect(() => {
    if (isEmptied) pages.reload()
  }, [isEmptied])

  const [callRoll] = useState(createRollCall)
  const live = useLiveEvents(
    DevicesPresenceDocument,
    { queryCondition: idsCondition(followed), withTwin },
    (events) => {
      const reported: Row[] = []
      const gone = new Set<string>()
      for (const { devicePresenceChanged } of events) {
        const { initial, devices, deletedDeviceIds: deleted } = devicePresenceChanged
        reported.push(...devices)
        const ids = devices.map(({ deviceId }) => deviceId)
        for (const deviceId of callRoll(followed, { initial, ids, deleted })) gone.add(deviceId)
      }
      update((present: readonly Row[]) => withoutDeleted(mergePresence(present, reported), gone))
    },
    { pause: followed.length === 0 },
  )
  // Of those that were not read yet some may have been deleted.
  const totalCount = pages.hasMore || pages.totalCount === undefined ? pages.totalCount : count
  return { ...pages, totalCount, sight, liveError: live.error, retryLive: live.retry }
}

/** Changes the followed rows a moment after the last row came into view. */
function createWatch(
  rowsNow: () => readonly Row[],
  follow: (change: (followed: readonly string[]) => readonly string[]) => void,
) {
  let timer: ReturnType<typeof setTimeout> | undefined
  const look = (): void => {
    clearTimeout(timer)
    timer = setTimeout(() => {
      const rows = rowsNow()
      const seen = new Set(rows.flatMap(({ id, deviceId }) => (sight.has(id) ? [deviceId] : [])))
      const ids = rows.map(({ deviceId }) => deviceId)
      follow((followed) => rowsToFollow(ids, (id) => seen.has(id), followed))
    }, rest)
  }
  const sight: Sight = createSight(look)
  return { sight, look, stop: () => clearTimeout(timer) }
}
