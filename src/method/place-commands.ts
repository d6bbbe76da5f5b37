import type { Deps } from '../deps.ts'
import { findInstanceOf } from '../device/presence-store.ts'
import type { SentCall } from './call-commands.ts'
import { type CalledDevice, fateOf, follow, unreached } from './fate-commands.ts'

/**
 * The instance that a device is connected to; this one only when the device can be called here. Waits up to `seconds`,
 * which is what is left of the timeout, for the device to connect to any. NotFoundError, DeviceOfflineError.
 */
export async function findPlace(
  deps: Pick<Deps, 'db' | 'events' | 'attached' | 'clock' | 'lease'>,
  device: CalledDevice,
  { connectTimeoutInSeconds }: Pick<SentCall, 'connectTimeoutInSeconds'>,
  seconds: number,
  signal?: AbortSignal,
): Promise<string> {
  const { attached, clock, events, lease } = deps
  if (attached.reaches(device.id)) return lease.instanceId
  const end = clock.elapsed() + seconds * 1000
  let wait = new AbortController()
  const cannotConnect = new AbortController()
  const following = follow(deps, device, cannotConnect)
  const stops = [
    following.stop,
    attached.onAttach((deviceId) => {
      if (deviceId === device.id) wait.abort()
    }),
    events.listen('presence')(({ deviceIds }) => {
      if (deviceIds.includes(device.id)) wait.abort()
    }),
    // The event that the device has connected to another instance may be among those that were lost.
    events.listen('missed')(() => wait.abort()),
  ]
  try {
    do {
      wait = new AbortController()
      const place = await findInstanceOf(deps.db, device.id)
      if (place !== undefined && place !== lease.instanceId) return place
      if (attached.reaches(device.id)) break
      const signals = [wait.signal, cannotConnect.signal, ...(signal ? [signal] : [])]
      await clock.sleep(Math.max(0, end - clock.elapsed()), AbortSignal.any(signals))
    } while (
      !attached.reaches(device.id) &&
      clock.elapsed() < end &&
      !cannotConnect.signal.aborted &&
      signal?.aborted !== true
    )
    // A change by another instance may arrive later than the device reconnects.
    const fate = await fateOf(deps, device)
    if (fate !== undefined || !attached.reaches(device.id)) throw unreached(device.id, fate, connectTimeoutInSeconds)
    return lease.instanceId
  } finally {
    for (const stop of stops) stop()
  }
}
