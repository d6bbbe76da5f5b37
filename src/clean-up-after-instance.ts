import type { Deps } from './deps.ts'
import { forgetPresence } from './device/presence-commands.ts'

/**
 * Cleans up after an instance that has died: the devices that were connected to it are disconnected. The scheduler is
 * notified to look for the calls that it sent (`scheduler/expire-device-jobs.ts`).
 */
export function cleanUpAfterInstance(deps: Pick<Deps, 'db' | 'clock' | 'events'>, instanceId: string): Promise<void> {
  deps.events.publish('died', {})
  return forgetPresence(deps, instanceId)
}
