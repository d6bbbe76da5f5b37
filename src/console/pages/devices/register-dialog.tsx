import { type FormEvent, useState } from 'react'
import { useMutation } from 'urql'
import { ConnectionSecret } from '../../device/connection-secret.tsx'
import { DevicesCreateDocument } from '../../device/documents.ts'
import styles from '../../device/forms.module.css'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import { JsonEditor } from '../../ui/json-editor.tsx'
import { readNewDevice } from './new-device.ts'

type Registered = { readonly deviceId: string; readonly primaryKey: string | undefined }

/** Registers a device and shows its connection string. */
export function RegisterDialog({
  onClose,
  onRegistered,
}: {
  readonly onClose: () => void
  readonly onRegistered: () => void
}) {
  const [registered, setRegistered] = useState<Registered>()
  return (
    <Dialog title={registered ? `${registered.deviceId} registered` : 'Register device'} onClose={onClose}>
      {registered === undefined ? (
        <RegisterForm
          onClose={onClose}
          onRegistered={(device) => {
            setRegistered(device)
            onRegistered()
          }}
        />
      ) : (
        <Connect {...registered} onAnother={() => setRegistered(undefined)} />
      )}
    </Dialog>
  )
}

function RegisterForm({
  onClose,
  onRegistered,
}: {
  readonly onClose: () => void
  readonly onRegistered: (device: Registered) => void
}) {
  const announce = useAnnounce()
  const [{ fetching }, create] = useMutation(DevicesCreateDocument)
  const [form, setForm] = useState({ deviceId: '', tags: '' })
  const [showsProblems, setShowsProblems] = useState(false)
  const [failure, setFailure] = useState<DomainFailure>()
  const read = readNewDevice(form)
  const problems = showsProblems && 'problems' in read ? read.problems : {}

  const submit = async (event: FormEvent): Promise<void> => {
    event.preventDefault()
    setShowsProblems(true)
    setFailure(undefined)
    if ('problems' in read) return
    const { deviceId, tags } = read
    const { data, error } = await create({ input: { deviceId, ...(tags && { twin: { tags } }) } })
    const result = data?.createDevice
    if (result?.__typename === 'CreateDevicePayload') {
      announce(`${deviceId} registered.`)
      // Null, along with an error, for a token that may write devices but not read them.
      onRegistered({ deviceId, primaryKey: result.device.authentication?.symmetricKey?.primaryKey })
    } else if (result !== undefined) setFailure(result)
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <form className={styles.form} onSubmit={(event) => void submit(event)} noValidate>
      <Field
        label="Device ID"
        error={problems.deviceId}
        hint="Letters, digits and symbols such as - . _ (case-sensitive). Cannot be changed later."
      >
        {(props) => (
          <input
            {...props}
            value={form.deviceId}
            maxLength={128}
            autoComplete="off"
            autoCapitalize="none"
            spellCheck={false}
            onChange={({ target }) => setForm({ ...form, deviceId: target.value })}
          />
        )}
      </Field>
      <Field
        label="Tags"
        optional
        error={problems.tags}
        hint="JSON metadata for services, used in conditions. Devices do not see tags."
      >
        {(props) => (
          <JsonEditor
            {...props}
            label="Tags"
            value={form.tags}
            placeholder='{ "site": "north" }'
            onChange={(tags) => setForm((known) => ({ ...known, tags }))}
          />
        )}
      </Field>
      {failure && <DomainError error={failure} />}
      <div className={styles.actions}>
        <Button onClick={onClose}>Cancel</Button>
        <Button type="submit" kind="primary" busy={fetching}>
          Register
        </Button>
      </div>
    </form>
  )
}

function Connect({ deviceId, primaryKey, onAnother }: Registered & { readonly onAnother: () => void }) {
  return (
    <div className={styles.form}>
      {primaryKey === undefined ? (
        <p>
          Your token can register devices but not read their keys. Ask someone with the registryRead right for the
          connection string.
        </p>
      ) : (
        <>
          <p>
            Configure the device with this connection string. Anyone who has it can connect as this device. You can view
            it again on the device’s page.
          </p>
          <ConnectionSecret deviceId={deviceId} primaryKey={primaryKey} />
        </>
      )}
      <div className={styles.actions}>
        <Button onClick={onAnother}>Register another</Button>
        <ButtonLink to={`/devices/${encodeURIComponent(deviceId)}`} kind="primary">
          View device
        </ButtonLink>
      </div>
    </div>
  )
}
