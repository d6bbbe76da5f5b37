import { type FormEvent, useEffect, useState } from 'react'
import { useClient, useMutation } from 'urql'
import type { DeviceTwinFragment } from '../../../generated/console/graphql.ts'
import { readFragment } from '../../../generated/console/index.ts'
import { describeValue } from '../../device/differences.ts'
import { DeviceTwinDocument, DeviceUpdateTwinDocument, DeviceTwinFragment as Twin } from '../../device/documents.ts'
import forms from '../../device/forms.module.css'
import { type JsonObject, sameJson, sortMembers } from '../../device/json.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { describeError } from '../../ui/errors.ts'
import { Field } from '../../ui/field.tsx'
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
 * One section of the twin as a text to be changed. What is sent is a patch, bound to the etag of the twin that the text
 * was made of: what others changed meanwhile is shown, and one goes on from there.
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
  /** As it is at this moment. */
  readonly twin: DeviceTwinFragment
  readonly onTwin: (twin: DeviceTwinFragment) => void
  readonly onClose: () => void
}) {
  const announce = useAnnounce()
  const client = useClient()
  const [{ fetching }, update] = useMutation(DeviceUpdateTwinDocument)
  const [base, setBase] = useState<Written>(() => writtenOf(twin))
  const [text, setText] = useState(() => print(base[section]))
  const [isTold, setTold] = useState(false)
  const [failure, setFailure] = useState<DomainFailure>()
  const read = readEdited(base[section], text)
  const patch = 'patch' in read ? read.patch : {}
  const isEmpty = Object.keys(patch).length === 0

  const now = writtenOf(twin)
  const isOld = now.etag !== base.etag && !sameJson(now[section], base[section])
  useEffect(() => {
    // Others wrote elsewhere: nothing that is typed here is touched by it.
    if (now.etag !== base.etag && !isOld) setBase(now)
  })
  const foreign = isOld ? foreignChanges(base, now, { section, patch }).filter((one) => one.section === section) : []

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setTold(true)
    setFailure(undefined)
    if (isEmpty || isOld || 'problem' in read) return
    const { data, error } = await update({
      input: { deviceId, ifMatch: base.etag, patch: toTwinPatch(section, patch) },
    })
    const result = data?.updateTwin
    if (result?.__typename === 'UpdateTwinPayload') {
      onTwin(readFragment(Twin, result.twin))
      announce(`The ${words[section]} of ${deviceId} are changed.`)
      onClose()
    } else if (result?.__typename === 'PreconditionError') {
      // The news of it are on their way, unless the connection for live data is lost.
      const answer = await client.query(DeviceTwinDocument, { deviceId }, { requestPolicy: 'network-only' }).toPromise()
      if (answer.data?.device) onTwin(readFragment(Twin, answer.data.device.twin))
      else setFailure(result)
    } else if (result !== undefined) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }

  return (
    <Dialog title={`Edit the ${words[section]}`} onClose={onClose}>
      <form className={forms.form} onSubmit={(event) => void submit(event)} noValidate>
        <Field
          label={`All ${words[section]}`}
          error={isTold && 'problem' in read && read.problem}
          hint={`Leave a member out to remove it; null does the same. ${
            section === 'tags' ? 'The device does not see tags.' : 'A connected device is told at once.'
          }`}
        >
          {(props) => (
            <JsonEditor
              {...props}
              label={`All ${words[section]}`}
              value={text}
              onChange={(next) => {
                setText(next)
                setTold(false)
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
        <section className={styles.sent} aria-label="What will be sent">
          <h3>What will be sent</h3>
          {'problem' in read ? (
            <p className={forms.note}>{read.problem}</p>
          ) : isEmpty ? (
            <p className={isTold ? styles.told : forms.note} role={isTold ? 'alert' : undefined}>
              Nothing is changed yet.
            </p>
          ) : (
            <>
              <JsonView value={patch} label="Patch" />
              <p className={forms.note}>
                Merged into what is there: what it does not name stays as it is
                {removes(patch) && ', null removes'}.
              </p>
            </>
          )}
        </section>
        {failure && <DomainError error={failure} />}
        <div className={forms.actions}>
          <Button onClick={onClose}>Cancel</Button>
          <Button type="submit" kind="primary" busy={fetching} disabled={isOld}>
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
      <h3>Somebody changed them meanwhile</h3>
      <ul>
        {changes.map(({ path, before, after, isOverwritten }) => (
          <li key={path}>
            <code>{path}</code>: {before === undefined ? 'new' : <code>{describeValue(before)}</code>}
            {after === undefined ? (
              ', removed'
            ) : (
              <>
                {before === undefined ? ', ' : ' became '}
                <code>{describeValue(after)}</code>
              </>
            )}
            {isOverwritten && <strong>. Your change replaces it.</strong>}
          </li>
        ))}
      </ul>
      <div className={styles.choices}>
        <Button onClick={onGoOn} disabled={!canGoOn}>
          Put my changes on top
        </Button>
        <Button kind="quiet" onClick={onDrop}>
          Drop mine, show the new state
        </Button>
      </div>
    </div>
  )
}
