import { type FormEvent, useState } from 'react'
import { useMutation } from 'urql'
import { DeviceDeleteDocument } from '../../device/documents.ts'
import styles from '../../device/forms.module.css'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { describeError } from '../../ui/errors.ts'
import { Field } from '../../ui/field.tsx'

/** Asks for the id to be typed: a device that is deleted is gone, with its twin and its keys. */
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
  const [{ fetching }, remove] = useMutation(DeviceDeleteDocument)
  const [typed, setTyped] = useState('')
  const [isTold, setTold] = useState(false)
  const [failure, setFailure] = useState<DomainFailure>()
  const isSame = typed.trim() === deviceId

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setTold(true)
    if (!isSame) return
    const { data, error } = await remove({ input: { deviceId } })
    const result = data?.deleteDevice
    // That it is gone already is what was wanted.
    if (result?.__typename === 'DeleteDevicePayload' || result?.__typename === 'NotFoundError') {
      announce(`${deviceId} is deleted.`)
      onDeleted()
    } else if (result !== undefined) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <Dialog title="Delete this device?" onClose={onClose}>
      <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <p>
          Its twin and its keys are deleted with it, and its connection is closed. This cannot be taken back: a device
          that is registered under the same name is another one. What jobs did to it stays in the jobs.
        </p>
        <Field
          label={
            <>
              Type <code>{deviceId}</code> to delete it
            </>
          }
          error={isTold && !isSame && 'This is not its id. Upper and lower case matter.'}
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
          <Button onClick={onClose}>Keep it</Button>
          <Button kind="danger" type="submit" busy={fetching}>
            Delete the device
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
