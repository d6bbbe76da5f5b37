import { type FormEvent, useEffect, useState } from 'react'
import { useClient, useMutation } from 'urql'
import type { DeviceTwinFragment } from '../../../generated/console/graphql.ts'
import { describeValue } from '../../device/differences.ts'
import { DeviceTwinDocument, DeviceUpdateTwinDocument } from '../../device/documents.ts'
import { type JsonObject, sameJson, sortMembers } from '../../device/json.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { CancelButton, Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import forms from '../../ui/form.module.css'
import { JsonEditor } from '../../ui/json-editor.tsx'
import { printJson } from '../../ui/json-text.ts'
import { JsonView } from '../../ui/json-view.tsx'
import {
  type Foreign,
  foreignChanges,
  readEdited,
  rebase,
  type SectionName,
  toTwinPatch,
  type Written,
  writtenOf,
} from './edit.ts'
import styles from './edit-dialog.module.css'
import { removes } from './merge-patch.ts'

const words = { tags: 'tags', desired: 'desired properties' } as const
const print = (section: JsonObject): string => printJson(sortMembers(section))

/**
 * Edits one section of the twin as text. A patch is sent, bound to the etag of the twin that the text was made from:
 * changes that others make in the meantime are shown, to reapply the own ones or to discard them.
 */
export function EditDialog({
  deviceId,
  section,
  twin,
  onTwin,
  onClose,
}: {
  readonly deviceId: string
  readonly section: SectionName
  /** The current twin. */
  readonly twin: DeviceTwinFragment
  readonly onTwin: (twin: DeviceTwinFragment) => void
  readonly onClose: () => void
}) {
  const announce = useAnnounce()
  const denied = useDenial()('WRITE_TWINS')
  const client = useClient()
  const [{ fetching }, update] = useMutation(DeviceUpdateTwinDocument)
  const [base, setBase] = useState<Written>(() => writtenOf(twin))
  const [text, setText] = useState(() => print(base[section]))
  const [showsProblems, setShowsProblems] = useState(false)
  const [failure, setFailure] = useState<DomainFailure>()
  const read = readEdited(base[section], text)
  const patch = 'patch' in read ? read.patch : {}
  const isEmpty = Object.keys(patch).length === 0

  const now = writtenOf(twin)
  const isOld = now.etag !== base.etag && !sameJson(now[section], base[section])
  useEffect(() => {
    // Someone else changed another part of the twin, which does not affect this section.
    if (now.etag !== base.etag && !isOld) setBase(now)
  })
  const foreign = isOld ? foreignChanges(base, now, { section, patch }).filter((one) => one.section === section) : []

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setShowsProblems(true)
    setFailure(undefined)
    if (isEmpty || isOld || 'problem' in read) return
    const { data, error } = await update({
      input: { deviceId, ifMatch: base.etag, patch: toTwinPatch(section, patch) },
    })
    const result = data?.updateTwin
    if (result?.__typename === 'UpdateTwinPayload') {
      if (result.twin) onTwin(result.twin)
      announce(`The ${words[section]} of ${deviceId} were saved.`)
      onClose()
    } else if (result?.__typename === 'PreconditionError') {
      // The event about it is on its way, unless the live connection is lost.
      const answer = await client.query(DeviceTwinDocument, { deviceId }, { requestPolicy: 'network-only' }).toPromise()
      if (answer.data?.device?.twin) onTwin(answer.data.device.twin)
      else setFailure(result)
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }

  return (
    <Dialog title={`Edit ${words[section]}`} isEdited={!isEmpty || 'problem' in read} onClose={onClose}>
      <form className={forms.form} onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label={`All ${words[section]}`}
          error={showsProblems && 'problem' in read && read.problem}
          hint={`Remove a key to delete it. ${
            section === 'tags' ? 'Devices do not see tags.' : 'Changes are sent to a connected device immediately.'
          }`}
        >
          {(props) => (
            <JsonEditor
              {...props}
              label={`All ${words[section]}`}
              value={text}
              onChange={(next) => {
                setText(next)
                setShowsProblems(false)
              }}
            />
          )}
        </Field>
        {isOld && (
          <ForeignChanges
            changes={foreign}
            canGoOn={'patch' in read}
            onGoOn={() => {
              setText(print(rebase(now[section], patch)))
              setBase(now)
              setFailure(undefined)
            }}
            onDrop={() => {
              setText(print(now[section]))
              setBase(now)
              setFailure(undefined)
            }}
          />
        )}
        <section className={styles.sent} aria-label="Changes to send">
          <h3>Changes to send</h3>
          {'problem' in read ? (
            <p className={forms.note}>{read.problem}</p>
          ) : isEmpty ? (
            <p className={showsProblems ? styles.problem : forms.note} role={showsProblems ? 'alert' : undefined}>
              No changes yet.
            </p>
          ) : (
            <>
              <JsonView value={patch} label="Patch" />
              <p className={forms.note}>
                Merge patch: keys it does not list stay
                {removes(patch) && ', null removes'}.
              </p>
            </>
          )}
        </section>
        {failure && <DomainError error={failure} />}
        <div className={forms.actions}>
          <CancelButton />
          <Button type="submit" kind="primary" busy={fetching} denied={denied} disabled={isOld}>
            Save
          </Button>
        </div>
      </form>
    </Dialog>
  )
}

function ForeignChanges({
  changes,
  canGoOn,
  onGoOn,
  onDrop,
}: {
  readonly changes: readonly Foreign[]
  readonly canGoOn: boolean
  readonly onGoOn: () => void
  readonly onDrop: () => void
}) {
  return (
    <div className={styles.foreign} role="alert">
      <h3>Changed by someone else</h3>
      <ul>
        {changes.map(({ path, before, after, isOverwritten }) => (
          <li key={path}>
            <code>{path}</code>: {before === undefined ? 'added' : <code>{describeValue(before)}</code>}
            {after === undefined ? (
              ', removed'
            ) : (
              <>
                {before === undefined ? ' as ' : ' changed to '}
                <code>{describeValue(after)}</code>
              </>
            )}
            {isOverwritten && <strong>. Your change overwrites this.</strong>}
          </li>
        ))}
      </ul>
      <div className={styles.choices}>
        <Button onClick={onGoOn} disabled={!canGoOn}>
          Reapply my changes
        </Button>
        <Button kind="quiet" onClick={onDrop}>
          Discard my changes
        </Button>
      </div>
    </div>
  )
}
