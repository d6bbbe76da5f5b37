import { createContext, type ReactNode, use, useEffect, useId, useRef, useState } from 'react'
import { Button } from './button.tsx'
import styles from './dialog.module.css'
import { Icon } from './icon.tsx'

const CloseContext = createContext<() => void>(() => {})

/**
 * A modal dialog while it is rendered: `{open && <Dialog …/>}`. The browser keeps the focus inside and gives it back.
 * Escape, the cross and `CancelButton` close it. While `isEdited` they ask first.
 */
export function Dialog({
  title,
  isEdited = false,
  onClose,
  children,
  actions,
}: {
  readonly title: string
  /** Whether closing it would lose something that was typed. */
  readonly isEdited?: boolean
  readonly onClose: () => void
  readonly children: ReactNode
  /** The buttons at the end; a form may have its own instead. */
  readonly actions?: ReactNode
}) {
  const ref = useRef<HTMLDialogElement>(null)
  const id = useId()
  const [asks, setAsks] = useState(false)
  useEffect(() => {
    const dialog = ref.current
    const before = document.activeElement
    dialog?.showModal()
    return () => {
      dialog?.close()
      if (before instanceof HTMLElement) before.focus()
    }
  }, [])
  const close = (): void => (isEdited ? setAsks(true) : onClose())
  return (
    <dialog
      ref={ref}
      className={styles.dialog}
      aria-labelledby={id}
      onKeyDown={(event) => {
        // A key that an editor has used, such as to close its suggestions, closes nothing else.
        if (event.key !== 'Escape' || event.defaultPrevented) return
        event.preventDefault()
        close()
      }}
      onCancel={(event) => {
        if (event.target !== event.currentTarget) return
        event.preventDefault()
        // A second request in a row, such as by the Back of a telephone, cannot be refused.
        if (event.cancelable) close()
        else onClose()
      }}
    >
      {/* Not a header or footer: those of a dialog that opens from the bar at the top would be landmarks. */}
      <div className={styles.head}>
        <h2 id={id}>{title}</h2>
        <Button kind="quiet" aria-label="Close" onClick={close}>
          <Icon name="close" />
        </Button>
      </div>
      <CloseContext value={close}>
        <div className={styles.body}>{children}</div>
        {actions && <div className={styles.actions}>{actions}</div>}
      </CloseContext>
      {asks && isEdited && <DiscardQuestion onKeep={() => setAsks(false)} onDiscard={onClose} />}
    </dialog>
  )
}

/** Closes the dialog around it. */
export function CancelButton({ children = 'Cancel' }: { readonly children?: ReactNode }) {
  return <Button onClick={use(CloseContext)}>{children}</Button>
}

/** Asks whether to discard what was typed. */
export function DiscardQuestion({
  onKeep,
  onDiscard,
}: {
  readonly onKeep: () => void
  readonly onDiscard: () => void
}) {
  return (
    <Dialog
      title="Discard your changes?"
      onClose={onKeep}
      actions={
        <>
          <CancelButton>Keep editing</CancelButton>
          <Button kind="danger" onClick={onDiscard}>
            Discard changes
          </Button>
        </>
      }
    >
      <p>What you entered has not been saved.</p>
    </Dialog>
  )
}
