import { type ReactNode, useState } from 'react'
import type { Right } from '../../../generated/console/graphql.ts'
import { useDenial } from '../../hub/use-viewer.ts'
import { Button } from '../../ui/button.tsx'
import { Dialog } from '../../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../../ui/domain-error.tsx'
import { Field } from '../../ui/field.tsx'
import styles from './dialogs.module.css'

/**
 * Asks whether to change the job, and why. `act` returns why it was refused, or `shown` when the children show it; undefined when it is
 * done.
 */
export function ReasonDialog({
  title,
  children,
  confirm,
  kind,
  keep,
  right = 'WRITE_JOBS',
  isEdited = false,
  act,
  onClose,
  onDone = onClose,
}: {
  readonly title: string
  readonly children: ReactNode
  /** The words of the two buttons. */
  readonly confirm: string
  readonly keep: string
  readonly kind: 'primary' | 'danger'
  /** What the viewer needs. */
  readonly right?: Right
  /** Whether something was typed into fields among the children. */
  readonly isEdited?: boolean
  readonly act: (reason: string | undefined) => Promise<DomainFailure | 'shown' | undefined>
  readonly onClose: () => void
  /** Called when it is done, instead of `onClose`. */
  readonly onDone?: () => void
}) {
  const denied = useDenial()(right)
  const [reason, setReason] = useState('')
  const [isBusy, setIsBusy] = useState(false)
  const [failure, setFailure] = useState<DomainFailure>()

  const submit = async (): Promise<void> => {
    setIsBusy(true)
    const refused = await act(reason.trim() || undefined)
    setIsBusy(false)
    setFailure(refused === 'shown' ? undefined : refused)
    if (refused === undefined) onDone()
  }

  return (
    <Dialog title={title} isEdited={isEdited || reason !== ''} onClose={onClose}>
      <form
        onSubmit={(event) => {
          event.preventDefault()
          void submit()
        }}
        className={styles.form}
      >
        {children}
        <Field label="Reason" optional hint="Saved in the job’s history.">
          {(props) => (
            <input {...props} value={reason} maxLength={1024} onChange={(event) => setReason(event.target.value)} />
          )}
        </Field>
        {failure && <DomainError error={failure} />}
        <div className={styles.actions}>
          <Button onClick={onClose}>{keep}</Button>
          <Button kind={kind} type="submit" busy={isBusy} denied={denied}>
            {confirm}
          </Button>
        </div>
      </form>
    </Dialog>
  )
}
