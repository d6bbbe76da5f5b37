import { Link } from 'react-router'
import type { DeviceStateFragment as Device } from '../../../generated/console/graphql.ts'
import { ConnectionBadge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import styles from './device-sample.module.css'

/** A small table with some of the matching devices. */
export function DeviceSample({ label, devices }: { readonly label: string; readonly devices: readonly Device[] }) {
  return (
    <table className={styles.sample} aria-label={label}>
      <thead>
        <tr>
          <th scope="col">Device</th>
          <th scope="col">Connection</th>
          <th scope="col" className={styles.last}>
            Last activity
          </th>
        </tr>
      </thead>
      <tbody>
        {devices.map(({ id, deviceId, status, connectionState, lastActivityTime }) => (
          <tr key={id}>
            <td className={styles.name}>
              <Link to={`/devices/${encodeURIComponent(deviceId)}`}>{deviceId}</Link>
              {status === 'DISABLED' && <span className={styles.muted}> disabled</span>}
            </td>
            <td>
              <ConnectionBadge state={connectionState} />
            </td>
            <td className={styles.last}>
              {lastActivityTime === null ? (
                <span className={styles.muted}>Never</span>
              ) : (
                <Time value={lastActivityTime} />
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  )
}
