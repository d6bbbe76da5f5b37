import { type ReactNode, useState } from 'react'
import type { CombinedError } from 'urql'
import type { Right } from '../../generated/console/graphql.ts'
import { useDenial } from '../hub/use-viewer.ts'
import { Button } from '../ui/button.tsx'
import { describeError } from '../ui/describe-error.ts'
import { CancelButton, Dialog } from '../ui/dialog.tsx'
import { DomainError, type DomainFailure } from '../ui/domain-error.tsx'

/** Asks before a mutation, and says why the hub refused it. */
export function ConfirmDialog<Result extends { readonly __typename: string; readonly message?: string }>({
  title,
  action,
  kind,
  right,
  onClose,
  run,
  isDone,
  onDone,
  children,
}: {
  readonly title: string
  /** The name of the button. */
  readonly action: string
  readonly kind: 'primary' | 'danger'
  /** What the viewer needs. */
  readonly right: Right
  readonly onClose: () => void
  /** Sends the mutation. */
  readonly run: () => Promise<{
    readonly result: Result | null | undefined
    readonly error: CombinedError | undefined
  }>
  readonly isDone: (result: Result) => boolean
  readonly onDone: (result: Result) => void
  readonly children: ReactNode
}) {
  const denied = useDenial()(right)
  const [busy, setBusy] = useState(false)
  const [failure, setFailure] = useState<DomainFailure>()
  const confirm = async (): Promise<void> => {
    setBusy(true)
    setFailure(undefined)
    const { result, error } = await run()
    setBusy(false)
    if (result && isDone(result)) onDone(result)
    else if (result) setFailure({ message: 'The hub refused.', ...result })
    else if (error !== undefined) setFailure({ __typename: 'RequestError', ...describeError(error) })
  }
  return (
    <Dialog
      title={title}
      onClose={onClose}
      actions={
        <>
          <CancelButton />
          <Button kind={kind} busy={busy} denied={denied} onClick={() => void confirm()}>
            {action}
          </Button>
        </>
      }
    >
      {children}
      {failure && <DomainError error={failure} />}
    </Dialog>
  )
}
