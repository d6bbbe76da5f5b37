import type { Authenticator } from '../../access/authenticator-commands.ts'
import { may, type Right } from '../../access/rights.ts'
import type { Viewer } from '../../access/viewer.ts'
import type { Clock } from '../../clock.ts'
import { covers } from '../../scope.ts'

/**
 * Whether a download that this viewer began may go on: its credential has not expired, and it still has the right and
 * sees all the devices that it saw. A client decides how long its download takes.
 */
export type MayContinue = (viewer: Viewer, right: Right) => boolean

export function createMayContinue(clock: Pick<Clock, 'now'>, { refresh }: Pick<Authenticator, 'refresh'>): MayContinue {
  return (viewer, right) => {
    const { expiry = Number.POSITIVE_INFINITY, tolerance } = viewer
    if (clock.now().getTime() >= (expiry + tolerance) * 1_000) return false
    const now = refresh(viewer)
    return now !== undefined && may(now, right) && covers(now.scope, viewer.scope)
  }
}
