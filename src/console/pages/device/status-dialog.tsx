import { type FormEvent, useState } from 'react'
import { useMutation } from 'urql'
import type { DeviceNowFragment } from '../../../generated/console/graphql.ts'
import { DeviceUpdateDocument } from '../../device/documents.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { CancelButton, Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import styles from '../../ui/form.module.css'

/** Asks whether to disable or enable the device, and why. */
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
  const denied = useDenial()('WRITE_DEVICES')
  const [{ fetching }, update] = useMutation(DeviceUpdateDocument)
  const [reason, setReason] = useState('')
  const [failure, setFailure] = useState<DomainFailure>()
  // The question stays the same, even if the status changes in the meantime.
  const [isDisabling] = useState(status === 'ENABLED')

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    const { data, error } = await update({
      input: { deviceId, status: isDisabling ? 'DISABLED' : 'ENABLED', statusReason: reason.trim() || null },
    })
    const result = data?.updateDevice
    if (result?.__typename === 'UpdateDevicePayload') {
      if (result.device) onChanged(result.device)
      announce(`${deviceId} ${isDisabling ? 'disabled' : 'enabled'}.`)
      onClose()
    } else if (result) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <Dialog
      title={isDisabling ? 'Disable this device?' : 'Enable this device?'}
      isEdited={reason !== ''}
      onClose={onClose}
    >
      <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
        <p>
          {isDisabling
            ? `The device cannot connect until it is enabled again${connectionState === 'CONNECTED' ? ', and its current connection is closed' : ''}. Its twin is kept, and jobs can still select it.`
            : 'The device can connect again with its existing keys.'}
        </p>
        <Field label="Reason" optional hint="Shown next to the status. Replaces the current reason.">
          {(props) => (
            <input {...props} value={reason} maxLength={128} onChange={({ target }) => setReason(target.value)} />
          )}
        </Field>
        {failure && <DomainError error={failure} />}
        <div className={styles.actions}>
          <CancelButton />
          <Button kind={isDisabling ? 'danger' : 'primary'} type="submit" busy={fetching} denied={denied}>
            {isDisabling ? 'Disable device' : 'Enable device'}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
