import { useCallback, useEffect, useState } from 'react'
import { type CombinedError, useClient, useQuery } from 'urql'
import type { DeviceNowFragment, DeviceTwinFragment } from '../../../generated/console/graphql.ts'
import { DevicePageDocument, DevicePresenceDocument, DeviceTwinUpdatedDocument } from '../../device/documents.ts'
import { idsCondition } from '../../device/ids-condition.ts'
import { newerOf } from '../../device/presence.ts'
import { usePulse } from '../../hub/use-pulse.ts'
import { useRetryWhenBack } from '../../hub/use-retry-when-back.ts'
import { type LiveError, useLive, useLiveEvents } from '../../hub/use-subscription.ts'

/** The latest known state of a device. */
export type KnownDevice = {
  readonly device: DeviceNowFragment
  /** Undefined until it is read. */
  readonly twin: DeviceTwinFragment | undefined
  /** Accepts a twin from elsewhere, such as the answer to a change. */
  readonly acceptTwin: (twin: DeviceTwinFragment) => void
  readonly acceptDevice: (device: DeviceNowFragment) => void
  /** Why it is no longer followed. */
  readonly liveError: LiveError | undefined
  readonly follow: () => void
}

/** What the page can show of its device. */
export type DeviceState =
  | { readonly is: 'loading' }
  | { readonly is: 'unknown' }
  /** The device existed when the page was opened, and no longer does. */
  | { readonly is: 'deleted' }
  | { readonly is: 'failed'; readonly error: CombinedError; readonly retry: () => void }
  | ({ readonly is: 'known' } & KnownDevice)

/** Milliseconds between queries for what no event reports: that it was deleted, or disabled while it was offline. */
const pulse = 10_000
/** Milliseconds until a twin that ended is followed again: the hub may be about to close. */
const pause = 1_000

/**
 * Follows a device: its connection and its twin. When the twin's subscription ends, the device was deleted or the hub is
 * closing: a query finds out which. Key the component by the device's ID.
 */
export function useDevice(deviceId: string): DeviceState {
  const client = useClient()
  const [{ data, error, fetching }, ask] = useQuery({ query: DevicePageDocument, variables: { deviceId } })
  const [device, setDevice] = useState<DeviceNowFragment>()
  const [changed, setChanged] = useState<DeviceTwinFragment>()
  const [isGone, setGone] = useState(false)
  const found = data?.device

  const acceptDevice = useCallback((news: DeviceNowFragment) => {
    setGone(false)
    // A device that was created again with the same ID is another device.
    setDevice((known) => (known?.generationId === news.generationId ? newerOf(known, news) : news))
  }, [])
  useEffect(() => {
    if (found) acceptDevice(found)
  }, [found, acceptDevice])

  const isKnown = device !== undefined && !isGone
  usePulse(pulse, isKnown, () => ask({ requestPolicy: 'network-only' }))
  const presence = useLiveEvents(
    DevicePresenceDocument,
    { queryCondition: idsCondition([deviceId]) },
    (events) => {
      for (const { devicePresenceChanged } of events) {
        for (const one of devicePresenceChanged.devices) acceptDevice(one)
      }
    },
    { pause: !isKnown },
  )
  const twins = useLive(DeviceTwinUpdatedDocument, { deviceId }, { pause: !isKnown })
  const live = twins.data?.twinUpdated
  const twin = changed !== undefined && (live === undefined || changed.version > live.version) ? changed : live

  const isOver = twins.ended || twins.error?.code === 'NOT_FOUND'
  const { retry } = twins
  // biome-ignore lint/correctness/useExhaustiveDependencies: once each time the twin ends; `retry` is another each time.
  useEffect(() => {
    if (!isOver || isGone) return
    let timer: ReturnType<typeof setTimeout> | undefined
    let isHere = true
    void client
      .query(DevicePageDocument, { deviceId }, { requestPolicy: 'network-only' })
      .toPromise()
      .then(({ data, error }) => {
        if (!isHere) return
        // After an error the device is null, too. The hub may answer again soon.
        if (data?.device === null && error === undefined) return setGone(true)
        if (data?.device) acceptDevice(data.device)
        timer = setTimeout(() => {
          setChanged(undefined)
          retry()
        }, pause)
      })
    return () => {
      isHere = false
      clearTimeout(timer)
    }
  }, [isOver, isGone, client, deviceId, acceptDevice])

  const again = useCallback(() => ask({ requestPolicy: 'network-only' }), [ask])
  useRetryWhenBack(found ? undefined : error, again)

  if (isGone) return { is: 'deleted' }
  if (device !== undefined) {
    if (found === null && error === undefined) return { is: 'deleted' }
    return {
      is: 'known',
      device,
      twin,
      acceptTwin: setChanged,
      acceptDevice,
      liveError: isOver ? undefined : (twins.error ?? presence.error),
      follow() {
        if (twins.error !== undefined) twins.retry()
        if (presence.error !== undefined) presence.retry()
      },
    }
  }
  if (error !== undefined && !found) {
    return { is: 'failed', error, retry: again }
  }
  return found === null && !fetching ? { is: 'unknown' } : { is: 'loading' }
}
