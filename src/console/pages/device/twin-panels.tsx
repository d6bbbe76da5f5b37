import { useState } from 'react'
import type { DeviceTwinFragment } from '../../../generated/console/graphql.ts'
import { describeValue, unmetIn } from '../../device/differences.ts'
import { asObject, sortMembers } from '../../device/json.ts'
import { formatCount } from '../../format.ts'
import { Panel } from '../../shell/page.tsx'
import { Button } from '../../ui/button.tsx'
import { Icon } from '../../ui/icon.tsx'
import { JsonView } from '../../ui/json-view.tsx'
import { LoadingState } from '../../ui/states.tsx'
import type { SectionName } from './edit.ts'
import { EditDialog } from './edit-dialog.tsx'
import { TwinDiff } from './twin-diff.tsx'
import styles from './twin-panels.module.css'

/** The twin as it is, with what can be changed of it. */
export function TwinPanels({
  deviceId,
  twin,
  isRefused,
  onTwin,
}: {
  readonly deviceId: string
  readonly twin: DeviceTwinFragment | undefined
  /** Whether the hub said that it will not tell it: why stands above. */
  readonly isRefused: boolean
  readonly onTwin: (twin: DeviceTwinFragment) => void
}) {
  const [edited, setEdited] = useState<SectionName>()
  if (twin === undefined) {
    return (
      <Panel title="Twin">
        {isRefused ? <p className={styles.muted}>It cannot be shown.</p> : <LoadingState label="Reading the twin" />}
      </Panel>
    )
  }
  const { desired, reported } = twin.properties
  return (
    <>
      <Panel
        title="Desired and reported"
        actions={
          <div className={styles.actions}>
            <span className={styles.muted}>
              desired version {formatCount(desired.version)}, reported {formatCount(reported.version)}
            </span>
            <Button onClick={() => setEdited('desired')}>Edit desired …</Button>
          </div>
        }
      >
        <Unmet desired={desired.value} reported={reported.value} />
        <TwinDiff desired={desired.value} reported={reported.value} />
      </Panel>
      <Panel
        title="Tags"
        actions={
          <div className={styles.actions}>
            <span className={styles.muted}>twin version {formatCount(twin.version)}</span>
            <Button onClick={() => setEdited('tags')}>Edit tags …</Button>
          </div>
        }
      >
        {Object.keys(asObject(twin.tags)).length === 0 ? (
          <p className={styles.muted}>It has no tags. Tags are for services: conditions select devices by them.</p>
        ) : (
          <JsonView value={sortMembers(twin.tags)} label="The tags as JSON" />
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

/** Differences that are told in words. */
const told = 8

/** In words where the device has not what is wanted of it. */
function Unmet({ desired, reported }: { readonly desired: unknown; readonly reported: unknown }) {
  const wanted = asObject(desired)
  const unmet = unmetIn(wanted, asObject(reported))
  if (Object.keys(wanted).length === 0) return <p className={styles.muted}>Nothing is desired of it.</p>
  if (unmet.length === 0) {
    return (
      <p className={styles.met}>
        <Icon name="succeeded" /> It reports all that is desired.
      </p>
    )
  }
  return (
    <div className={styles.unmet}>
      <p>
        <Icon name="partial" />{' '}
        {unmet.length === 1
          ? 'One property is not as desired'
          : `${formatCount(unmet.length)} properties are not as desired`}
      </p>
      <ul>
        {unmet.slice(0, told).map(({ path, before, after }) => (
          <li key={path}>
            <code>{path}</code>: wanted <code>{describeValue(before)}</code>,{' '}
            {after === undefined ? (
              'not reported'
            ) : (
              <>
                reported <code>{describeValue(after)}</code>
              </>
            )}
          </li>
        ))}
        {unmet.length > told && <li>and {formatCount(unmet.length - told)} more, marked below.</li>}
      </ul>
    </div>
  )
}
