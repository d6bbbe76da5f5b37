import type { DeviceStatus } from '../../generated/console/graphql.ts'
import type { Shown } from '../ui/status.ts'

/** Whether a device may connect. */
export function showStatus(status: DeviceStatus): Shown {
  return status === 'ENABLED'
    ? { tone: 'succeeded', icon: 'succeeded', word: 'Enabled' }
    : { tone: 'cancelled', icon: 'cancelled', word: 'Disabled' }
}
