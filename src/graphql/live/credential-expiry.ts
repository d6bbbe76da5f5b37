import type { Viewer } from '../../access/viewer.ts'
import type { Clock } from '../../clock.ts'

/**
 * Calls `act` when the credential of the viewer has expired, plus the tolerance that authentication grants. Returns
 * after that, or when `signal` aborts. Returns at once for a viewer whose credential does not expire.
 */
export async function whenExpired(clock: Clock, viewer: Viewer, signal: AbortSignal, act: () => void): Promise<void> {
  if (viewer.expiry === undefined) return
  const end = (viewer.expiry + viewer.tolerance) * 1000
  // A very long sleep may end early, hence the loop.
  while (!signal.aborted) {
    const left = end - clock.now().getTime()
    if (left <= 0) {
      act()
      return
    }
    await clock.sleep(left, signal)
  }
}
