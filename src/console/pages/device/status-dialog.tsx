import { type FormEvent, useState } from 'react'
import { useMutation } from 'urql'
import type { DeviceNowFragment } from '../../../generated/console/graphql.ts'
import { readFragment } from '../../../generated/console/index.ts'
import { DeviceUpdateDocument, DeviceNowFragment as Now } from '../../device/documents.ts'
import styles from '../../device/forms.module.css'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { describeError } from '../../ui/errors.ts'
import { Field } from '../../ui/field.tsx'

/** Asks whether the device may connect no longer, or again, and why. */
export function StatusDialog({
  device: { deviceId, status, connectionState },
  onClose,
  onChanged,
}: {
  readonly device: DeviceNowFragment
  readonly onClose: () => void
  readonly onChanged: (device: DeviceNowFragment) => void
}) {
  const announce = useAnnounce()
  const [{ fetching }, update] = useMutation(DeviceUpdateDocument)
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<DomainFailure>()
  // What one was asked, though somebody else may change it meanwhile.
  const [isDisabling] = useState(status === 'ENABLED')

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const { data, error } = await update({
      input: { deviceId, status: isDisabling ? 'DISABLED' : 'ENABLED', statusReason: reason.trim() || null },
    })
    const result = data?.updateDevice
    if (result?.__typename === 'UpdateDevicePayload') {
      onChanged(readFragment(Now, result.device))
      announce(`${deviceId} is ${isDisabling ? 'disabled' : 'enabled'}.`)
      onClose()
    } else if (result !== undefined) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <Dialog title={isDisabling ? 'Disable this device?' : 'Enable this device?'} onClose={onClose}>
      <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <p>
          {isDisabling
            ? `It cannot connect until it is enabled again${connectionState === 'CONNECTED' ? ', and its connection is closed now' : ''}. Its twin stays, and jobs still select it.`
            : 'It can connect again with the keys it has.'}
        </p>
        <Field label="Reason" optional hint="Shown beside the status, in place of what is there.">
          {(props) => (
            <input {...props} value={reason} maxLength={128} onChange={({ target }) => setReason(target.value)} />
          )}
        </Field>
        {failure && <DomainError error={failure} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>Leave it</Button>
          <Button kind={isDisabling ? 'danger' : 'primary'} type="submit" busy={fetching}>
            {isDisabling ? 'Disable the device' : 'Enable the device'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
