import { type ReactNode, useState } from 'react'
import { useClient } from 'urql'
import type { DeviceKeysQuery, DeviceNowFragment } from '../../../generated/console/graphql.ts'
import { ConnectionSecret } from '../../device/connection-secret.tsx'
import { DeviceKeysDocument } from '../../device/documents.ts'
import { showStatus } from '../../device/status.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Secret } from '../../ui/secret.tsx'
import { Badge } from '../../ui/status-badge.tsx'
import { Time } from '../../ui/time.tsx'
import styles from './identity-panel.module.css'

type Authentication = NonNullable<NonNullable<DeviceKeysQuery['device']>['authentication']>

/** The identity of the device and, on request, its credentials. */
export function IdentityPanel({ device }: { readonly device: DeviceNowFragment }) {
  const { deviceId, status, statusReason, lastActivityTime, generationId } = device
  return (
    <Panel title="Identity">
      <dl className={styles.details}>
        <Detail name="Status">
          <Badge {...showStatus(status)} />
          {statusReason && <span className={styles.reason}>{statusReason}</span>}
        </Detail>
        <Detail name="Last activity">{lastActivityTime === null ? 'Never' : <Time value={lastActivityTime} />}</Detail>
        <Detail name="Generation">
          <code className={styles.generation} title="Distinguishes this device from earlier ones with the same ID">
            {generationId}
          </code>
        </Detail>
      </dl>
      <Keys deviceId={deviceId} />
    </Panel>
  )
}

function Detail({ name, children }: { readonly name: string; readonly children: ReactNode }) {
  return (
    <div className={styles.detail}>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  )
}

/** The keys: read when they are shown, dropped when they are hidden. */
function Keys({ deviceId }: { readonly deviceId: string }) {
  const client = useClient()
  const denial = useDenial()
  const [isBusy, setBusy] = useState(false)
  const [shown, setShown] = useState<Authentication>()
  const [failure, setFailure] = useState<DomainFailure>()
  const show = async (): Promise<void> => {
    setBusy(true)
    setFailure(undefined)
    const { data, error } = await client
      .query(DeviceKeysDocument, { deviceId }, { requestPolicy: 'network-only' })
      .toPromise()
    setBusy(false)
    if (data?.device?.authentication) setShown(data.device.authentication)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <div className={styles.keys}>
      {shown === undefined ? (
        <Button busy={isBusy} denied={denial('READ_KEYS')} onClick={() => void show()}>
          Show keys
        </Button>
      ) : (
        <>
          <Proof deviceId={deviceId} authentication={shown} />
          <Button onClick={() => setShown(undefined)}>Hide keys</Button>
        </>
      )}
      {failure && <DomainError error={failure} />}
    </div>
  )
}

function Proof({
  deviceId,
  authentication: { type, symmetricKey, x509Thumbprint },
}: {
  readonly deviceId: string
  readonly authentication: Authentication
}) {
  // One at a time, so that a glance at the screen gives away one at most.
  const [revealed, setRevealed] = useState<'connection' | 'primary' | 'secondary'>()
  const revealing = (name: NonNullable<typeof revealed>) => (revealed === name ? undefined : () => setRevealed(name))
  if (symmetricKey) {
    return (
      <>
        <ConnectionSecret deviceId={deviceId} primaryKey={symmetricKey.primaryKey} onReveal={revealing('connection')} />
        <Secret label="Primary key" value={symmetricKey.primaryKey} onReveal={revealing('primary')} />
        <Secret label="Secondary key" value={symmetricKey.secondaryKey} onReveal={revealing('secondary')} />
      </>
    )
  }
  if (x509Thumbprint) {
    return (
      <>
        {x509Thumbprint.primaryThumbprint && (
          <Secret label="Primary thumbprint" value={x509Thumbprint.primaryThumbprint} />
        )}
        {x509Thumbprint.secondaryThumbprint && (
          <Secret label="Secondary thumbprint" value={x509Thumbprint.secondaryThumbprint} />
        )}
      </>
    )
  }
  return (
    <p>
      {type === 'NONE'
        ? 'This device has no credentials and cannot connect on its own.'
        : 'This device uses a certificate from a registered authority. The hub stores no key for it.'}
    </p>
  )
}
