import { useState } from 'react'
import { useNavigate } from 'react-router'
import { quote } from '../../device/address.ts'
import { showStatus } from '../../device/status.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Page } from '../../shell/page.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { NotLive } from '../../ui/not-live.tsx'
import { Badge, ConnectionBadge } from '../../ui/status-badge.tsx'
import { DeleteDialog } from './delete-dialog.tsx'
import styles from './device-view.module.css'
import { IdentityPanel } from './identity-panel.tsx'
import { JobsPanel } from './jobs-panel.tsx'
import { MethodPanel } from './method-panel.tsx'
import { StatusDialog } from './status-dialog.tsx'
import { TelemetryPanel } from './telemetry-panel.tsx'
import { TwinPanels } from './twin-panels.tsx'
import type { KnownDevice } from './use-device.ts'

/** The page of a device that exists. */
export function DeviceView({ device, twin, acceptTwin, acceptDevice, liveError, follow }: KnownDevice) {
  const { deviceId, status } = device
  const [dialog, setDialog] = useState<'status' | 'delete'>()
  const navigate = useNavigate()
  const denial = useDenial()
  const condition = `deviceId = ${quote(deviceId)}`
  return (
    <Page
      title={deviceId}
      lead={
        <>
          <ConnectionBadge state={device.connectionState} />
          {status === 'DISABLED' && <Badge {...showStatus(status)} />}
        </>
      }
      actions={
        <>
          <ButtonLink to={`/schedule?condition=${encodeURIComponent(condition)}`} denied={denial('WRITE_JOBS')}>
            Schedule job for this device
          </ButtonLink>
          <Button denied={denial('WRITE_DEVICES')} onClick={() => setDialog('status')}>
            {status === 'ENABLED' ? 'Disable…' : 'Enable…'}
          </Button>
          <Button kind="danger" denied={denial('WRITE_DEVICES')} onClick={() => setDialog('delete')}>
            Delete…
          </Button>
        </>
      }
    >
      {liveError !== undefined && <NotLive what="This page" message={liveError.message} onRetry={follow} />}
      <div className={styles.columns}>
        <div className={styles.main}>
          <TwinPanels
            deviceId={deviceId}
            twin={twin}
            isRefused={twin === undefined && liveError !== undefined}
            onTwin={acceptTwin}
          />
        </div>
        <div className={styles.side}>
          <IdentityPanel device={device} />
          <MethodPanel
            deviceId={deviceId}
            isConnected={device.connectionState === 'CONNECTED'}
            // Who deletes the device needs no call of it.
            asksToDiscard={dialog !== 'delete'}
          />
          <TelemetryPanel deviceId={deviceId} />
        </div>
      </div>
      <JobsPanel deviceId={deviceId} />
      {dialog === 'status' && (
        <StatusDialog device={device} onClose={() => setDialog(undefined)} onChanged={acceptDevice} />
      )}
      {dialog === 'delete' && (
        <DeleteDialog
          deviceId={deviceId}
          onClose={() => setDialog(undefined)}
          onDeleted={() => void navigate('/devices')}
        />
      )}
    </Page>
  )
}
