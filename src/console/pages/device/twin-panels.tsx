import { useState } from 'react'
import type { DeviceTwinFragment } from '../../../generated/console/graphql.ts'
import { describeValue, unmetIn } from '../../device/differences.ts'
import { asObject, sortMembers } from '../../device/json.ts'
import { formatCount } from '../../format.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import { LoadingState } from '../../ui/states.tsx'
import type { SectionName } from './edit.ts'
import { EditDialog } from './edit-dialog.tsx'
import { PropertyTable } from './property-table.tsx'
import styles from './twin-panels.module.css'

/** The twin, with its sections to edit. */
export function TwinPanels({
  deviceId,
  twin,
  isRefused,
  onTwin,
}: {
  readonly deviceId: string
  readonly twin: DeviceTwinFragment | undefined
  /** Whether the hub refused to show it: the reason is shown above. */
  readonly isRefused: boolean
  readonly onTwin: (twin: DeviceTwinFragment) => void
}) {
  const [edited, setEdited] = useState<SectionName>()
  const denied = useDenial()('WRITE_TWINS')
  if (twin === undefined) {
    return (
      <Panel title="Twin">
        {isRefused ? <p className={styles.muted}>The twin cannot be shown.</p> : <LoadingState label="Loading twin" />}
      </Panel>
    )
  }
  const { desired, reported } = twin.properties
  return (
    <>
      <Panel
        title="Properties"
        actions={
          <div className={styles.actions}>
            <span className={styles.muted}>
              desired version {formatCount(desired.version)}, reported {formatCount(reported.version)}
            </span>
            <Button denied={denied} onClick={() => setEdited('desired')}>
              Edit desired…
            </Button>
          </div>
        }
      >
        <Unmet desired={desired.value} reported={reported.value} />
        <PropertyTable desired={asObject(desired.value)} reported={asObject(reported.value)} />
      </Panel>
      <Panel
        title="Tags"
        actions={
          <div className={styles.actions}>
            <span className={styles.muted}>twin version {formatCount(twin.version)}</span>
            <Button denied={denied} onClick={() => setEdited('tags')}>
              Edit tags…
            </Button>
          </div>
        }
      >
        {Object.keys(asObject(twin.tags)).length === 0 ? (
          <p className={styles.muted}>No tags. Tags are metadata for services, used to select devices in conditions.</p>
        ) : (
          <JsonView value={sortMembers(twin.tags)} label="Tags as JSON" />
        )}
      </Panel>
      {edited && (
        <EditDialog
          deviceId={deviceId}
          section={edited}
          twin={twin}
          onTwin={onTwin}
          onClose={() => setEdited(undefined)}
        />
      )}
    </>
  )
}

/** How many differences are listed. */
const maxListed = 8

/** Lists the desired properties that the device does not report as such. */
function Unmet({ desired, reported }: { readonly desired: unknown; readonly reported: unknown }) {
  const wanted = asObject(desired)
  const unmet = unmetIn(wanted, asObject(reported))
  if (Object.keys(wanted).length === 0) return <p className={styles.muted}>No desired properties</p>
  if (unmet.length === 0) {
    return (
      <p className={styles.met}>
        <Icon name="succeeded" /> All desired properties in sync
      </p>
    )
  }
  return (
    <div className={styles.unmet}>
      <p>
        <Icon name="partial" />{' '}
        {unmet.length === 1 ? '1 property out of sync' : `${formatCount(unmet.length)} properties out of sync`}
      </p>
      <ul>
        {unmet.slice(0, maxListed).map(({ path, before, after }) => (
          <li key={path}>
            <code>{path}</code>: desired <code>{describeValue(before)}</code>,{' '}
            {after === undefined ? (
              'not reported'
            ) : (
              <>
                reported <code>{describeValue(after)}</code>
              </>
            )}
          </li>
        ))}
        {unmet.length > maxListed && <li>and {formatCount(unmet.length - maxListed)} more, marked below.</li>}
      </ul>
    </div>
  )
}
