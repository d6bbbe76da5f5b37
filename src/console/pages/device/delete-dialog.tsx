import { type FormEvent, useState } from 'react'
import { useMutation } from 'urql'
import { DeviceDeleteDocument } from '../../device/documents.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { CancelButton, Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import styles from '../../ui/form.module.css'

/** Asks the user to type the ID: a deleted device is gone, with its twin and its keys. */
export function DeleteDialog({
  deviceId,
  onClose,
  onDeleted,
}: {
  readonly deviceId: string
  readonly onClose: () => void
  readonly onDeleted: () => void
}) {
  const announce = useAnnounce()
  const denied = useDenial()('WRITE_DEVICES')
  const [{ fetching }, remove] = useMutation(DeviceDeleteDocument)
  const [typed, setTyped] = useState('')
  const [showsProblems, setShowsProblems] = useState(false)
  const [failure, setFailure] = useState<DomainFailure>()
  const isSame = typed.trim() === deviceId

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setShowsProblems(true)
    if (!isSame) return
    const { data, error } = await remove({ input: { deviceId } })
    const result = data?.deleteDevice
    // A device that is already gone is as good as deleted.
    if (result?.__typename === 'DeleteDevicePayload' || result?.__typename === 'NotFoundError') {
      announce(`${deviceId} deleted.`)
      onDeleted()
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <Dialog title="Delete this device?" onClose={onClose}>
      <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <p>
          Its twin and keys are deleted too, and its connection is closed. This can’t be undone. Re-registering the same
          name creates a new device. Results of past jobs are kept with the jobs.
        </p>
        <Field
          label={
            <>
              Type <code>{deviceId}</code> to confirm
            </>
          }
          error={showsProblems && !isSame && 'The ID does not match. It is case-sensitive.'}
        >
          {(props) => (
            <input
              {...props}
              value={typed}
              autoComplete="off"
              autoCapitalize="none"
              spellCheck={false}
              onChange={({ target }) => setTyped(target.value)}
            />
          )}
        </Field>
        {failure && <DomainError error={failure} />}
        <div className={styles.actions}>
          <CancelButton />
          <Button kind="danger" type="submit" busy={fetching} denied={denied}>
            Delete device
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
