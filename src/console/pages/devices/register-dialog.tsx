import { type FormEvent, useState } from 'react'
import { useMutation } from 'urql'
import { ConnectionSecret } from '../../device/connection-secret.tsx'
import { DevicesCreateDocument } from '../../device/documents.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { useAnnounce } from '../../shell/announcer.tsx'
import { Button, ButtonLink } from '../../ui/button.tsx'
import { describeError } from '../../ui/describe-error.ts'
import { CancelButton, Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import styles from '../../ui/form.module.css'
import { JsonEditor } from '../../ui/json-editor.tsx'
import { readNewDevice } from './new-device.ts'

type Form = Parameters<typeof readNewDevice>[0]

const emptyForm: Form = { deviceId: '', tags: '' }

type Registered = { readonly deviceId: string; readonly primaryKey: string | undefined }

/** Registers a device and shows its connection string. */
export function RegisterDialog({
  onClose,
  onRegistered,
}: {
  readonly onClose: () => void
  readonly onRegistered: () => void
}) {
  const [form, setForm] = useState(emptyForm)
  const [registered, setRegistered] = useState<Registered>()
  return (
    <Dialog
      title={registered ? `${registered.deviceId} registered` : 'Register device'}
      isEdited={form.deviceId !== '' || form.tags !== ''}
      onClose={onClose}
    >
      {registered === undefined ? (
        <RegisterForm
          form={form}
          onChange={setForm}
          onRegistered={(device) => {
            setForm(emptyForm)
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
  form,
  onChange,
  onRegistered,
}: {
  readonly form: Form
  readonly onChange: (change: (form: Form) => Form) => void
  readonly onRegistered: (device: Registered) => void
}) {
  const announce = useAnnounce()
  const denied = useDenial()('WRITE_DEVICES')
  const [{ fetching }, create] = useMutation(DevicesCreateDocument)
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
      onRegistered({ deviceId, primaryKey: result.device?.authentication?.symmetricKey?.primaryKey })
    } else if (result) setFailure(result)
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
            onChange={({ target }) => onChange((known) => ({ ...known, deviceId: target.value }))}
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
            onChange={(tags) => onChange((known) => ({ ...known, tags }))}
          />
        )}
      </Field>
      {failure && <DomainError error={failure} />}
      <div className={styles.actions}>
        <CancelButton />
        <Button type="submit" kind="primary" busy={fetching} denied={denied}>
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
