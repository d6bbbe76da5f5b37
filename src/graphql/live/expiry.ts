import type { Viewer } from '../../access/policy.ts'
import { expiryToleranceInSeconds } from '../../access/sas.ts'
import type { Clock } from '../../clock.ts'

/**
 * Acts when the viewer's credential has ended, as long after its expiry as it would have let the viewer in. Returns
 * when it has, or when `signal` aborts; at once for a viewer whose credential does not end.
 */
export async function whenExpired(clock: Clock, viewer: Viewer, signal: AbortSignal, act: () => void): Promise<void> {
  if (viewer.expiry === undefined) return
  const end = (viewer.expiry + expiryToleranceInSeconds) * 1000
  // A loop: a very long sleep may end early.
  while (!signal.aborted) {
    const left = end - clock.now().getTime()
    if (left <= 0) {
      act()
      return
    }
    await clock.sleep(left, signal)
  }
}
